package objective

import (
	"math"
	"sync"
	"testing"

	"siameseim/trainer/nn"
)

// ring is a Reducer between goroutines.
type ring struct {
	ranks   int
	mu      sync.Mutex
	all     *sync.Cond
	arrived int
	round   int
	sum     []float64 // of the round that is coming together
	result  []float64 // of the last whole round
}

func newRing(ranks int) *ring {
	r := &ring{ranks: ranks}
	r.all = sync.NewCond(&r.mu)
	return r
}

// ringRank is the ring as one rank sees it.
type ringRank struct {
	*ring
	rank int
}

func (r *ring) Ranks() int { return r.ranks }

func (r ringRank) Rank() int { return r.rank }

func (r *ring) SumFloat64(x []float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.arrived == 0 {
		r.sum = make([]float64, len(x))
	}
	for i, v := range x {
		r.sum[i] += v
	}
	r.arrived++
	if r.arrived == r.ranks {
		r.arrived, r.result = 0, r.sum
		r.round++
		r.all.Broadcast()
	} else {
		for round := r.round; r.round == round; {
			r.all.Wait()
		}
	}
	copy(x, r.result)
}

func (r *ring) Sum(x []float32) {
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	r.SumFloat64(wide)
	for i, v := range wide {
		x[i] = float32(v)
	}
}

// Two ranks with half a batch each see what one sees with the whole: loss,
// BatchNorm averages, and the mean of their gradients.
func TestTwoRanksAreOneBatch(t *testing.T) {
	const batch = 6
	in := randomInput(&little, batch, 1)
	whole := build(t, little, batch, 1, nil)
	perturb(whole)
	want := forward(t, whole, in, nn.DropKey{})
	whole.Backward(1)

	shared := newRing(2)
	var ranks [2]*siameseIM
	var losses [2]float64
	var wait sync.WaitGroup
	for rank := range 2 {
		ranks[rank] = build(t, little, batch/2, 1, ringRank{shared, rank})
		perturb(ranks[rank])
		wait.Go(func() {
			lo := rank * batch / 2
			losses[rank], _ = ranks[rank].Forward(part(in, lo, lo+batch/2), nn.DropKey{Row: lo})
			ranks[rank].Backward(1)
		})
	}
	wait.Wait()
	if math.Abs(losses[0]-want) > 1e-6*want || losses[0] != losses[1] {
		t.Errorf("losses %g, %g, want %g", losses[0], losses[1], want)
	}
	mean, one := gradients(ranks[0]), gradients(whole)
	for i, g := range gradients(ranks[1]) {
		mean[i] = (mean[i] + g) / 2
	}
	if d := relativeError(mean, one); d > 1e-5 {
		t.Errorf("gradients differ by %.2g", d)
	}
	for i, b := range whole.Buffers() {
		if d := relativeError(ranks[0].Buffers()[i].Data, b.Data); d > 1e-5 {
			t.Errorf("%s differs by %.2g", b.Name, d)
		}
	}
}
