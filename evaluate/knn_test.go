package evaluate

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"siameseim/internal/team"
)

// A ballot is what one test row's neighbours say, in float64.
type ballot struct {
	votes map[int64]float64
	gap   float64 // between the last neighbour's cosine and the next row's
}

// bruteForce is the protocol in float64, by its definition.
func bruteForce(o KNN, train, test *Table) []ballot {
	cosine := func(a, b []float32) float64 {
		var dot, aa, bb float64
		for i := range a {
			dot += float64(a[i]) * float64(b[i])
			aa += float64(a[i]) * float64(a[i])
			bb += float64(b[i]) * float64(b[i])
		}
		if aa == 0 || bb == 0 {
			return 0
		}
		return dot / math.Sqrt(aa*bb)
	}
	all := make([]ballot, test.Rows())
	for i := range all {
		type near struct {
			cosine float64
			row    int
		}
		list := make([]near, train.Rows())
		for j := range list {
			list[j] = near{cosine(test.row(i), train.row(j)), j}
		}
		slices.SortStableFunc(list, func(a, b near) int { return cmp.Compare(b.cosine, a.cosine) })
		all[i] = ballot{map[int64]float64{}, math.Inf(1)}
		for _, n := range list[:min(o.K, len(list))] {
			all[i].votes[train.Labels[n.row]] += math.Exp(n.cosine / o.Temperature)
		}
		if o.K < len(list) {
			all[i].gap = list[o.K-1].cosine - list[o.K].cosine
		}
	}
	return all
}

// winner is the label with the most votes, the smallest among equals.
func winner(votes map[int64]float64) int64 {
	best := int64(math.MaxInt64)
	for label, v := range votes {
		if b := votes[best]; v > b || v == b && label < best {
			best = label
		}
	}
	return best
}

// clusters draws rows around one centre per class.
func clusters(rng *rand.Rand, rows, dim, classes int, spread float64) *Table {
	centres := rand.New(rand.NewPCG(1, uint64(dim)))
	means := make([]float64, classes*dim)
	for i := range means {
		means[i] = centres.NormFloat64()
	}
	t := &Table{Dim: dim}
	for range rows {
		label := rng.IntN(classes)
		t.Labels = append(t.Labels, int64(label))
		for j := range dim {
			t.Data = append(t.Data, float32(means[label*dim+j]+spread*rng.NormFloat64()))
		}
	}
	return t
}

func oneThread(t testing.TB) *team.Team {
	threads := team.New(1)
	t.Cleanup(threads.Close)
	return threads
}

// TestAgreesWithBruteForce: on random tables the predicted label has as many
// votes as any, to the rounding of float32 cosines.
func TestAgreesWithBruteForce(t *testing.T) {
	threads, compared := oneThread(t), 0
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		dim := rapid.IntRange(2, 40).Draw(t, "dim")
		o := KNN{rapid.IntRange(1, 30).Draw(t, "k"), rapid.SampledFrom([]float64{.01, .07, 1}).Draw(t, "temperature")}
		train := clusters(rng, rapid.IntRange(20, 300).Draw(t, "train"), dim, 5, 2)
		test := clusters(rng, rapid.IntRange(1, 40).Draw(t, "test"), dim, 5, 2)
		got, err := o.Evaluate(train, test, threads)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range bruteForce(o, train, test) {
			if b.gap < 1e-5 {
				continue // float32 may take the other one for the last neighbour
			}
			// exp amplifies a cosine's rounding, below 1e-6, by 1/temperature.
			best, mine := b.votes[winner(b.votes)], b.votes[got.Predictions[i]]
			if mine < best*(1-4e-6/o.Temperature) {
				t.Fatalf("row %d: predicted %d with %g votes, the best has %g: %v", i, got.Predictions[i], mine, best, b.votes)
			}
			compared++
		}
	})
	if compared < 50 {
		t.Errorf("only %d rows could be compared", compared)
	}
}

// TestExactTies: rows of 16 entries of -1 and 1 have cosines that float32 holds
// exactly, and most of them tie: neighbours, votes and predictions must be
// those of the definition, lowest row and lowest label first.
func TestExactTies(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	signs := func(rows int) *Table {
		table := &Table{Dim: 16}
		for range rows {
			table.Labels = append(table.Labels, int64(3*rng.IntN(4)))
			for range table.Dim {
				table.Data = append(table.Data, float32(2*rng.IntN(2)-1))
			}
		}
		return table
	}
	train, test := signs(2*trainBlock+77), signs(queryBlock+9)
	for _, o := range []KNN{{1, .07}, {2, .07}, {20, .07}, {20, 1}} {
		got, err := o.Evaluate(train, test, oneThread(t))
		if err != nil {
			t.Fatal(err)
		}
		differing := 0
		for i, b := range bruteForce(o, train, test) {
			mine := got.Predictions[i]
			if want := winner(b.votes); mine != want && b.votes[mine] < b.votes[want]*(1-1e-12) {
				differing++
			}
		}
		if differing > 0 {
			t.Errorf("k %d, T %g: %d of %d rows differ", o.K, o.Temperature, differing, test.Rows())
		}
	}
}

// TestTiesTakeTheFirst: two training rows in the same place, one neighbour: the
// first row's label; two neighbours of equal weight: the smaller label.
func TestTiesTakeTheFirst(t *testing.T) {
	train := &Table{Dim: 2, Data: []float32{0, 1, 3, 4, 6, 8}, Labels: []int64{1, 7, 2}}
	test := &Table{Dim: 2, Data: []float32{3, 4}, Labels: []int64{7}}
	for _, c := range []struct {
		k    int
		want int64
	}{{1, 7}, {2, 2}} {
		got, err := KNN{c.k, .07}.Evaluate(train, test, oneThread(t))
		if err != nil || got.Predictions[0] != c.want {
			t.Errorf("k %d: predicted %v, %v, want %d", c.k, got.Predictions, err, c.want)
		}
	}
}

// TestResultIndependentOfThreads: every field, for tables of several blocks.
func TestResultIndependentOfThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	train, test := clusters(rng, trainBlock+300, 24, 10, 3), clusters(rng, 5*queryBlock+3, 24, 10, 3)
	want, err := DefaultKNN.Evaluate(train, test, oneThread(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 3, 7} {
		threads := team.New(n)
		got, err := DefaultKNN.Evaluate(train, test, threads)
		threads.Close()
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%d threads: %s", n, diff)
		}
	}
}

// TestShuffledLabelsAreChance: the same features, once with their labels and
// once with labels that mean nothing.
func TestShuffledLabelsAreChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	train, test := clusters(rng, 3000, 16, 10, .5), clusters(rng, 1000, 16, 10, .5)
	got, err := DefaultKNN.Evaluate(train, test, oneThread(t))
	if err != nil || got.Accuracy < .97 {
		t.Errorf("true labels: %.3f, %v", got.Accuracy, err)
	}
	rng.Shuffle(len(train.Labels), func(i, j int) {
		train.Labels[i], train.Labels[j] = train.Labels[j], train.Labels[i]
	})
	got, err = DefaultKNN.Evaluate(train, test, oneThread(t))
	if err != nil || got.Accuracy > .15 || got.Accuracy < .05 {
		t.Errorf("shuffled labels: %.3f, %v, want about .1", got.Accuracy, err)
	}
}

func TestBadInput(t *testing.T) {
	good := func() *Table {
		return &Table{Dim: 2, Data: []float32{1, 0, 0, 1, 1, 1}, Labels: []int64{0, 1, 1}}
	}
	nan := float32(math.NaN())
	for _, c := range []struct {
		name, want  string
		train, test *Table
	}{
		{"no labels", "test set: 3 of 3 samples have no label", good(), &Table{2, good().Data, []int64{-1, -1, -1}}},
		{"some labels", "train set: 1 of 3 samples have no label", &Table{2, good().Data, []int64{0, 1, -1}}, good()},
		{"one class", "train set: all 3 samples are of class 4", &Table{2, good().Data, []int64{4, 4, 4}}, good()},
		{"empty", "train set: no samples", &Table{Dim: 2}, good()},
		{"width", "test set: 1 features a row, the train set has 2", good(), &Table{1, []float32{1}, []int64{0}}},
		{"NaN", "test set: feature 1 of sample 0 is NaN", good(), &Table{2, []float32{0, nan}, []int64{0}}},
		{"Inf", "train set: feature 0 of sample 1 is -Inf", &Table{2, []float32{1, 0, float32(math.Inf(-1)), 1}, []int64{0, 1}}, good()},
		{"length", "train set: 3 values for 2 rows of 2", &Table{2, []float32{1, 2, 3}, []int64{0, 1}}, good()},
	} {
		_, err := DefaultKNN.Evaluate(c.train, c.test, oneThread(t))
		var input *InputError
		if !errors.As(err, &input) || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, o := range []KNN{{0, .07}, {20, 0}, {20, math.NaN()}} {
		if _, err := o.Evaluate(good(), good(), oneThread(t)); err == nil {
			t.Errorf("%v is taken", o)
		}
	}
}

// TestFewerClassesAndRowsThanUsual is legal: a class without test samples, a
// label that the training set doesn't have, fewer rows than k, a row of zeros.
func TestFewerClassesAndRowsThanUsual(t *testing.T) {
	train := &Table{2, []float32{1, 0, 1, .1, 0, 1}, []int64{5, 5, 9}}
	test := &Table{2, []float32{1, .05, 0, 1, 0, 0}, []int64{5, 11, 5}}
	got, err := KNN{20, .01}.Evaluate(train, test, oneThread(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]int64{5, 9, 5}, got.Predictions); diff != "" {
		t.Error(diff)
	}
	want := []ClassResult{{Label: 5, Test: 2, Right: 2, Claimed: 2, Accuracy: 1}, {Label: 11, Test: 1}}
	if diff := gocmp.Diff(want, got.PerClass); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkKNN(b *testing.B) {
	rng := rand.New(rand.NewPCG(4, 0))
	train, test := clusters(rng, 5000, 192, 10, 1), clusters(rng, 512, 192, 10, 1)
	threads := oneThread(b)
	for b.Loop() {
		if _, err := DefaultKNN.Evaluate(train, test, threads); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSearch is the size that docs/bench/evaluate.py compares with NumPy.
func BenchmarkSearch(b *testing.B) {
	rng := rand.New(rand.NewPCG(4, 0))
	train, test := clusters(rng, 50000, 192, 10, 1), clusters(rng, 10000, 192, 10, 1)
	threads := team.New(0)
	defer threads.Close()
	for b.Loop() {
		if _, err := DefaultKNN.Evaluate(train, test, threads); err != nil {
			b.Fatal(err)
		}
	}
}
