package evaluate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"siameseim/internal/team"
)

// Linear is the linear probe (SPEC section 7): BatchNorm without scale and
// shift, then one linear layer, trained by cross-entropy on frozen features.
//
// All of Rates are trained at once, side by side. If there are several, each is
// judged on a tenth of the training set that none of them learned from, and the
// best is trained again on all of it; the test set chooses nothing.
//
// Differs from the published probe: features of images that aren't augmented
// are constants, so BatchNorm's mean and variance are those of the whole
// training set, which batches would estimate.
type Linear struct {
	Optimiser   string    // "lars" (You et al. 2017, as MoCo-v3's and MAE's probes have it) or "sgd"; momentum .9
	Rates       []float64 // peak learning rates; none: DefaultRates
	Batch       int       // 0: as many steps an epoch as 16384 images are of ImageNet-1k
	Epochs      int
	Warmup      int // epochs of linear warm-up; half a cosine follows
	WeightDecay float64
	Seed        uint64
}

// DefaultLinear is the published recipe.
func DefaultLinear() Linear { return Linear{Optimiser: "lars", Epochs: 90, Warmup: 10} }

// DefaultRates returns what an optimiser's sweep tries. LARS's lie around the
// published recipe's 6.4 (.1 for each 256 of its 16384 images): its steps are
// shares of the weights' norm, and with as many steps an epoch they mean the
// same for any number of images.
func DefaultRates(optimiser string) []float64 {
	if optimiser == "sgd" {
		return []float64{.001, .003, .01, .03, .1, .3}
	}
	return []float64{.6, 2, 6.4, 20, 60}
}

// A SweepPoint is what a rate reached on the training samples held out.
type SweepPoint struct {
	Rate     float64 `json:"rate"`
	Accuracy float64 `json:"accuracy"`
}

// A LinearResult is a result with the rate that gave it.
type LinearResult struct {
	Result
	Rate  float64      `json:"rate"`
	Sweep []SweepPoint `json:"sweep,omitempty"`
}

const (
	linearMomentum = .9
	// larsTrust is LARS's coefficient: a step is this share of the weight's
	// norm, times the rate.
	larsTrust = .001
	// linearInit is the deviation of the first weights, as MAE's probe.
	linearInit = .01
	// linearEps is added to the variances, as MAE's probe.
	linearEps = 1e-6
	// heldOutShare of the training samples judge the rates.
	heldOutShare = .1
)

// Check reports what has no meaning.
func (o *Linear) Check() error {
	switch {
	case o.Optimiser != "lars" && o.Optimiser != "sgd":
		return fmt.Errorf("evaluate: linear: optimiser %q: must be lars or sgd", o.Optimiser)
	case o.Epochs < 1 || o.Warmup < 0 || o.Warmup >= o.Epochs:
		return fmt.Errorf("evaluate: linear: %d epochs, %d of warm-up: at least one must be left", o.Epochs, o.Warmup)
	case o.Batch < 0:
		return fmt.Errorf("evaluate: linear: batch %d: must not be negative", o.Batch)
	case !(o.WeightDecay >= 0) || math.IsInf(o.WeightDecay, 0):
		return fmt.Errorf("evaluate: linear: weight decay %g: must be at least 0", o.WeightDecay)
	}
	for _, rate := range o.Rates {
		if !(rate > 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("evaluate: linear: rate %g: must be above 0", rate)
		}
	}
	return nil
}

// Evaluate trains the probe on train and classifies test. progress, if not
// nil, is called after every epoch with the number done and to do. The result
// is the same for any number of threads. Tables that can't be judged are
// *InputError.
func (o Linear) Evaluate(ctx context.Context, train, test *Table, threads *team.Team, progress func(done, total int)) (LinearResult, error) {
	p, out, err := o.learn(ctx, train, test, threads, progress)
	if err != nil {
		return LinearResult{}, err
	}
	out.Result = result(p.set.labels(p.predict(test, ascending(test.Rows()))[0]), train, test)
	return out, nil
}

// A LinearHead is a trained probe as one layer: the scores of a row x of raw
// features are Weight x + Bias, the BatchNorm included.
type LinearHead struct {
	Labels []int64   // [C] rising: score j is that of Labels[j]
	Weight []float32 // [C, D]
	Bias   []float32 // [C]
	Rate   float64   // that was taken
}

// Fit trains the probe on train, as Evaluate does, and returns it, its scores
// multiplied by one factor: a probe that has learned few samples by heart is
// certain of all others too, and what goes on from it would start at a huge
// loss. The factor is that of the least cross-entropy of samples held out
// (temperature scaling, Guo et al., arXiv:1706.04599).
func (o Linear) Fit(ctx context.Context, train *Table, threads *team.Team) (*LinearHead, error) {
	p, out, err := o.learn(ctx, train, train, threads, nil)
	if err != nil {
		return nil, err
	}
	learn, judge := split(ascending(train.Rows()), o.Seed)
	calibration := o.newProbe(p.set, []float64{out.Rate}, threads)
	if err := calibration.train(ctx, learn, func(int) {}); err != nil {
		return nil, err
	}
	// Weights grow with the steps, so the two are compared at the same norm.
	factor := calibration.temperature(judge)
	if own := p.norm(); own > 0 && factor > 0 {
		factor = min(factor*calibration.norm()/own, 1)
	}
	return p.head(out.Rate, factor), nil
}

// learn chooses the rate and trains the probe on all of train.
func (o Linear) learn(ctx context.Context, train, test *Table, threads *team.Team, progress func(done, total int)) (*probe, LinearResult, error) {
	if err := o.Check(); err != nil {
		return nil, LinearResult{}, err
	}
	if len(o.Rates) == 0 {
		o.Rates = DefaultRates(o.Optimiser)
	}
	set, err := newLabelled(train, test)
	if err != nil {
		return nil, LinearResult{}, err
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	all := ascending(train.Rows())
	out := LinearResult{Rate: o.Rates[0]}
	total := o.Epochs
	if len(o.Rates) > 1 {
		total *= 2
		learn, judge := split(all, o.Seed)
		p := o.newProbe(set, o.Rates, threads)
		if err := p.train(ctx, learn, func(done int) { progress(done, total) }); err != nil {
			return nil, LinearResult{}, err
		}
		best := -1
		for i, predicted := range p.predict(train, judge) {
			right := 0
			for k, row := range judge {
				if predicted[k] == set.classOf[row] {
					right++
				}
			}
			out.Sweep = append(out.Sweep, SweepPoint{o.Rates[i], float64(right) / float64(len(judge))})
			if best < 0 || out.Sweep[i].Accuracy > out.Sweep[best].Accuracy {
				best = i
			}
		}
		out.Rate = o.Rates[best]
	}
	p := o.newProbe(set, []float64{out.Rate}, threads)
	if err := p.train(ctx, all, func(done int) { progress(total-o.Epochs+done, total) }); err != nil {
		return nil, LinearResult{}, err
	}
	return p, out, nil
}

// ascending returns 0, 1, ... n-1.
func ascending(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// split holds a share of rows out, the same for the same seed.
func split(rows []int32, seed uint64) (learn, judge []int32) {
	mixed := slices.Clone(rows)
	rng := rand.New(rand.NewPCG(seed, 0x68656c64)) // "held"
	rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	n := max(int(heldOutShare*float64(len(mixed))), 1)
	return mixed[n:], mixed[:n]
}
