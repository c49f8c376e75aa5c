package evaluate

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"siameseim/internal/team"
)

// quick is a probe for tests.
func quick() Linear {
	return Linear{Optimiser: "lars", Rates: []float64{6.4, 20}, Epochs: 20, Warmup: 2}
}

// shuffled returns a table with the labels of other rows.
func shuffled(rng *rand.Rand, t *Table) *Table {
	out := &Table{Dim: t.Dim, Data: t.Data, Labels: slices.Clone(t.Labels)}
	rng.Shuffle(len(out.Labels), func(i, j int) { out.Labels[i], out.Labels[j] = out.Labels[j], out.Labels[i] })
	return out
}

// TestLinearLearns with both optimisers, and is at chance with shuffled labels.
func TestLinearLearns(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	train, test := clusters(rng, 2000, 16, 10, .5), clusters(rng, 1000, 16, 10, .5)
	// A feature that is constant, and one of another scale, change nothing.
	for _, table := range []*Table{train, test} {
		for i := range table.Rows() {
			table.Data[i*table.Dim] = 7
			table.Data[i*table.Dim+1] *= 1000
		}
	}
	for _, optimiser := range []string{"lars", "sgd"} {
		o := quick()
		if o.Optimiser = optimiser; optimiser == "sgd" {
			o.Rates = []float64{.01, .1}
		}
		got, err := o.Evaluate(context.Background(), train, test, oneThread(t), nil)
		if err != nil || got.Accuracy < .9 {
			t.Errorf("%s: %.3f, %v", optimiser, got.Accuracy, err)
		}
		if len(got.Sweep) != 2 || !slices.Contains(o.Rates, got.Rate) {
			t.Errorf("%s: rate %g of %v", optimiser, got.Rate, got.Sweep)
		}
		got, err = o.Evaluate(context.Background(), shuffled(rng, train), test, oneThread(t), nil)
		if err != nil || got.Accuracy > .16 || got.Accuracy < .04 {
			t.Errorf("%s, shuffled labels: %.3f, %v, want about .1", optimiser, got.Accuracy, err)
		}
	}
}

// TestLinearIndependentOfThreads: every field.
func TestLinearIndependentOfThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	train, test := clusters(rng, 700, 24, 5, 3), clusters(rng, 300, 24, 5, 3)
	var want LinearResult
	for i, n := range []int{1, 2, 3, 7} {
		threads := team.New(n)
		got, err := quick().Evaluate(context.Background(), train, test, threads, nil)
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

// TestRatesDoNotTouch: a rate that diverges beside others changes none of
// their weights.
func TestRatesDoNotTouch(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	train := clusters(rng, 400, 8, 3, 1)
	set, err := newLabelled(train, train)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int32, train.Rows())
	for i := range rows {
		rows[i] = int32(i)
	}
	o := Linear{Optimiser: "sgd", Epochs: 5, Batch: 64}
	run := func(rates ...float64) *probe {
		p := o.newProbe(set, rates, oneThread(t))
		if err := p.train(context.Background(), rows, func(int) {}); err != nil {
			t.Fatal(err)
		}
		return p
	}
	alone, beside := run(.1), run(1e30, .1)
	for d := range train.Dim {
		a, b := alone.weight[d*3:(d+1)*3], beside.weight[d*6+3:(d+1)*6]
		for j := range a {
			if math.Abs(float64(a[j]-b[j])) > 1e-6 {
				t.Fatalf("feature %d: %v beside a rate that diverges, %v alone", d, b, a)
			}
		}
	}
}

// TestLinearGradient: loss falls as the gradient says, by differences.
func TestLinearGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	train := clusters(rng, 40, 6, 4, 1)
	set, err := newLabelled(train, train)
	if err != nil {
		t.Fatal(err)
	}
	p := Linear{Optimiser: "sgd", Epochs: 1, Batch: 40}.newProbe(set, []float64{1}, oneThread(t))
	p.reserve(40)
	rows := make([]int32, 40)
	for i := range rows {
		rows[i] = int32(i)
	}
	loss := func() (sum float64) {
		p.gather(train, rows)
		p.score(40)
		for i := range rows {
			total := 0.0
			for _, v := range p.logits[i*4 : (i+1)*4] {
				total += math.Exp(float64(v))
			}
			sum += math.Log(total) - float64(p.logits[i*4+int(set.classOf[i])])
		}
		return sum / 40
	}
	loss()
	p.gradient(rows)
	for _, x := range []struct{ value, grad []float32 }{{p.weight, p.dweight}, {p.bias, p.dbias}} {
		for i := range x.value {
			const h = 1e-2
			was := x.value[i]
			x.value[i] = was + h
			up := loss()
			x.value[i] = was - h
			down := loss()
			x.value[i] = was
			if d := (up - down) / (2 * h); math.Abs(d-float64(x.grad[i])) > 1e-4 {
				t.Errorf("value %d: gradient %g, difference %g", i, x.grad[i], d)
			}
		}
	}
}

func TestDefaultBatch(t *testing.T) {
	for n, want := range map[int]int{10: 16, 5000: 64, 50000: 1024, 1281167: 16384} {
		if got := defaultBatch(n); got != want {
			t.Errorf("%d samples: %d, want %d", n, got, want)
		}
	}
}

func TestLinearErrors(t *testing.T) {
	good := clusters(rand.New(rand.NewPCG(1, 0)), 60, 4, 3, 1)
	one := &Table{Dim: 4, Data: good.Data, Labels: make([]int64, 60)}
	for _, c := range []struct {
		want   string
		table  *Table
		change func(*Linear)
	}{
		{"optimiser", good, func(o *Linear) { o.Optimiser = "adam" }},
		{"rate -1", good, func(o *Linear) { o.Rates = []float64{-1} }},
		{"epochs", good, func(o *Linear) { o.Epochs = 0 }},
		{"warm-up", good, func(o *Linear) { o.Warmup = 20 }},
		{"decay", good, func(o *Linear) { o.WeightDecay = math.NaN() }},
		{"all 60 samples are of class 0", one, func(*Linear) {}},
	} {
		o := quick()
		c.change(&o)
		if _, err := o.Evaluate(context.Background(), c.table, good, oneThread(t), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := quick().Evaluate(ctx, good, good, oneThread(t), nil); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

// TestFitIsEvaluatesLayer: the layer that Fit returns gives raw features the
// classes that Evaluate found, constant and badly scaled features included.
func TestFitIsEvaluatesLayer(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	train, test := clusters(rng, 600, 8, 5, 1), clusters(rng, 400, 8, 5, 1)
	for _, table := range []*Table{train, test} {
		for i := range table.Rows() {
			table.Data[i*table.Dim] = 7
			table.Data[i*table.Dim+1] = 5 + 300*table.Data[i*table.Dim+1]
		}
	}
	o := quick()
	want, err := o.Evaluate(context.Background(), train, test, oneThread(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	head, err := o.Fit(context.Background(), train, oneThread(t))
	if err != nil {
		t.Fatal(err)
	}
	if head.Rate != want.Rate || len(head.Labels) != 5 {
		t.Errorf("rate %g, labels %v", head.Rate, head.Labels)
	}
	other := 0
	for i := range test.Rows() {
		scores := make([]float32, 5)
		for c := range scores {
			sum := float64(head.Bias[c])
			for d, v := range test.row(i) {
				sum += float64(head.Weight[c*8+d]) * float64(v)
			}
			scores[c] = float32(sum)
		}
		if head.Labels[largest(scores)] != want.Predictions[i] {
			other++
		}
	}
	if other > 1 { // a tie within rounding
		t.Errorf("%d of %d predictions differ", other, test.Rows())
	}
	train.Labels[3] = -1
	if _, err := o.Fit(context.Background(), train, oneThread(t)); err == nil || !strings.Contains(err.Error(), "1 of 600 samples have no label") {
		t.Errorf("a missing label: %v", err)
	}
}
