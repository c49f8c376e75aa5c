package evaluate

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"siameseim/internal/team"
)

// TestFewShotLearns from five labels a class and from a share, and is at chance
// with shuffled labels.
func TestFewShotLearns(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	train, test := clusters(rng, 3000, 16, 10, .5), clusters(rng, 1000, 16, 10, .5)
	for _, o := range []FewShot{
		{PerClass: 5, Draws: 2, Strengths: []float64{.01, 1}, Scale: "standard"},
		{Share: .02, Draws: 1, Strengths: []float64{1}, Scale: "unit"},
		{PerClass: 1, Draws: 1, Strengths: []float64{.1, 1, 10}, Scale: "none"},
	} {
		got, err := o.Evaluate(context.Background(), train, test, oneThread(t))
		if err != nil || got.Accuracy < .75 || got.Low > got.Accuracy || got.High < got.Accuracy || len(got.Draws) != o.Draws {
			t.Errorf("%+v: %.3f [%.3f, %.3f], %v, %v", o, got.Accuracy, got.Low, got.High, got.Draws, err)
		}
		if want := 10 * o.PerClass; o.PerClass > 0 && got.Train != want {
			t.Errorf("%d samples, want %d", got.Train, want)
		}
		wrong, err := o.Evaluate(context.Background(), shuffled(rng, train), test, oneThread(t))
		if err != nil || wrong.Accuracy > .3 {
			t.Errorf("%+v, shuffled labels: %.3f, %v", o, wrong.Accuracy, err)
		}
	}
}

// TestShuffledFewShotIsChance: many labels, none of them right.
func TestShuffledFewShotIsChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 0))
	train, test := clusters(rng, 2000, 8, 10, .5), clusters(rng, 1000, 8, 10, .5)
	o := FewShot{PerClass: 100, Draws: 1, Strengths: []float64{.001}, Scale: "standard"}
	got, err := o.Evaluate(context.Background(), shuffled(rng, train), test, oneThread(t))
	if err != nil || got.Accuracy > .2 {
		t.Errorf("%.3f, %v, want about .1", got.Accuracy, err)
	}
}

// TestMinimum: at the solution the gradient, by its formula in another order
// of summation, vanishes, for strengths far apart.
func TestMinimum(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	train := clusters(rng, 120, 5, 3, 2)
	set, err := newLabelled(train, train)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int32, train.Rows())
	for i := range rows {
		rows[i] = int32(i)
	}
	for _, c := range []float64{1e-3, 1, 1e3} {
		o := FewShot{Scale: "none"}
		m, err := o.fit(context.Background(), set, rows, c, oneThread(t))
		if err != nil {
			t.Fatal(err)
		}
		// Of C * sum of losses + |W|^2/2.
		grad := make([]float64, 3*5+3)
		for k := range 15 {
			grad[k] = float64(m.weight[k]) / c
		}
		for i := range rows {
			var p [3]float64
			sum := 0.0
			for k := range p {
				s := float64(m.bias[k])
				for j, v := range train.row(i) {
					s += float64(m.weight[k*5+j]) * float64(v)
				}
				p[k] = math.Exp(s)
				sum += p[k]
			}
			for k := range p {
				d := p[k] / sum
				if k == int(set.classOf[i]) {
					d--
				}
				for j, v := range train.row(i) {
					grad[k*5+j] += d * float64(v)
				}
				grad[15+k] += d
			}
		}
		for k, g := range grad {
			if math.Abs(g)/120 > 1e-5 {
				t.Errorf("C = %g: gradient %d is %g", c, k, g/120)
			}
		}
	}
}

// TestLogisticGradient against differences.
func TestLogisticGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 0))
	x := make([]float32, 20*4)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	l := newLogisticLoss(&logistic{classes: 3, dim: 4}, x, .3, oneThread(t))
	for i := range l.class {
		l.class[i] = int32(rng.IntN(3))
	}
	w := make([]float64, 15)
	for i := range w {
		w[i] = rng.NormFloat64()
	}
	l.at(w)
	grad := append([]float64(nil), l.grad...)
	for i := range w {
		const h = 1e-5
		was := w[i]
		w[i] = was + h
		up := l.at(w)
		w[i] = was - h
		down := l.at(w)
		w[i] = was
		if d := (up - down) / (2 * h); math.Abs(d-grad[i]) > 1e-8 {
			t.Errorf("%d: gradient %g, difference %g", i, grad[i], d)
		}
	}
}

func TestFewShotIndependentOfThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	train, test := clusters(rng, 500, 12, 4, 3), clusters(rng, 600, 12, 4, 3)
	o := FewShot{PerClass: 9, Draws: 2, Strengths: []float64{.01, .1, 1}, Scale: "standard", Seed: 5}
	var want FewShotResult
	for i, n := range []int{1, 2, 5} {
		threads := team.New(n)
		got, err := o.Evaluate(context.Background(), train, test, threads)
		threads.Close()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = got
		} else if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%d threads: %s", n, diff)
		}
	}
}

func TestFewShotErrors(t *testing.T) {
	good := clusters(rand.New(rand.NewPCG(1, 0)), 60, 4, 3, 1)
	for _, c := range []struct {
		want   string
		change func(*FewShot)
	}{
		{"share 0", func(o *FewShot) { o.Share = 0 }},
		{"-1 samples", func(o *FewShot) { o.PerClass = -1 }},
		{"0 draws", func(o *FewShot) { o.Draws = 0 }},
		{"no strength", func(o *FewShot) { o.Strengths = nil }},
		{"strength 0", func(o *FewShot) { o.Strengths = []float64{0} }},
		{"scale", func(o *FewShot) { o.Scale = "" }},
		{"samples, 1000 are asked for", func(o *FewShot) { o.PerClass = 1000 }},
	} {
		o := DefaultFewShot()
		c.change(&o)
		if _, err := o.Evaluate(context.Background(), good, good, oneThread(t)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := DefaultFewShot().Evaluate(ctx, good, good, oneThread(t)); err == nil {
		t.Error("cancelled, but it went on")
	}
}

// TestBootstrap: as wide as the normal approximation for a plain share, the
// same for the same seed, narrower for the mean of draws that differ.
func TestBootstrap(t *testing.T) {
	right := make([]bool, 1000)
	for i := range right {
		right[i] = i%10 < 7
	}
	var a, b Result
	a.Bootstrap(1, right)
	b.Bootstrap(1, right)
	half := 1.96 * math.Sqrt(.7*.3/1000)
	if math.Abs(a.Low-(.7-half)) > .004 || math.Abs(a.High-(.7+half)) > .004 || a.Low != b.Low || a.High != b.High {
		t.Errorf("[%.4f, %.4f], again [%.4f, %.4f], want about [%.4f, %.4f]", a.Low, a.High, b.Low, b.High, .7-half, .7+half)
	}
	other := make([]bool, 1000)
	for i := range other {
		other[i] = (i/10)%10 < 7
	}
	b.Bootstrap(1, right, other)
	if b.High-b.Low > .9*(a.High-a.Low) {
		t.Errorf("two draws: [%.4f, %.4f]", b.Low, b.High)
	}
}

func TestScores(t *testing.T) {
	test := &Table{Dim: 3, Data: []float32{0, 2, 1, 5, 5, 0, -1, -3, -2}, Labels: []int64{4, 2, 9}}
	got, err := Scores(test, []int64{2, 4, 9}, 77)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]int64{4, 2, 2}, got.Predictions); diff != "" || got.Train != 77 || got.Classes != 3 || math.Abs(got.Accuracy-2./3) > 1e-12 {
		t.Errorf("%s %+v", diff, got)
	}
	if _, err := Scores(test, []int64{2, 4}, 1); err == nil {
		t.Error("other classes than scores are taken")
	}
	test.Data[4] = float32(math.NaN())
	if _, err := Scores(test, []int64{2, 4, 9}, 1); err == nil || !strings.Contains(err.Error(), "feature 1 of sample 1 is NaN") {
		t.Errorf("NaN: %v", err)
	}
}

// TestStandardScaleDoesNotDependOnUnits: standardised features are the same in
// any unit, also a small one, and a constant feature says nothing.
func TestStandardScaleDoesNotDependOnUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	train, test := clusters(rng, 200, 12, 5, 2), clusters(rng, 500, 12, 5, 2)
	for _, table := range []*Table{train, test} {
		for i := range table.Rows() {
			table.Data[i*table.Dim] = 0.7
		}
	}
	o := DefaultFewShot()
	o.Share, o.Strengths = 1, []float64{.1}
	var want []int64
	for _, unit := range []float32{1, 0x1p-10, 0x1p-30, 0x1p20} {
		scaled := func(t *Table) *Table {
			s := &Table{Dim: t.Dim, Labels: t.Labels}
			for _, v := range t.Data {
				s.Data = append(s.Data, v*unit)
			}
			return s
		}
		r, err := o.Evaluate(context.Background(), scaled(train), scaled(test), oneThread(t))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = r.Predictions
		}
		other := 0
		for i, p := range r.Predictions {
			if p != want[i] {
				other++
			}
		}
		if other > 0 {
			t.Errorf("in units of %v %d of %d predictions differ", unit, other, len(want))
		}
	}
	test.Data[5] = 1e20
	if _, err := o.Evaluate(context.Background(), train, test, oneThread(t)); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("1e20: %v", err)
	}
}
