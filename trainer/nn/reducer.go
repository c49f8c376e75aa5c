package nn

// Reducer sums over the ranks of a distributed run: gradients, BatchNorm
// statistics, the loss's correlation and the rows that a contrastive loss
// compares go through it and nothing else does.
// Every rank makes the same calls in the same order, and gets the same bits.
type Reducer interface {
	// Ranks returns how many processes take part.
	Ranks() int
	// Rank returns which of them this one is, from 0.
	Rank() int
	// Sum replaces x by its sum over the ranks.
	Sum(x []float32)
	// SumFloat64 does so in double precision, for statistics.
	SumFloat64(x []float64)
}

// Single is the Reducer of a run of one process: nothing to do.
type Single struct{}

// Ranks returns 1.
func (Single) Ranks() int { return 1 }

// Rank returns 0.
func (Single) Rank() int { return 0 }

// Sum leaves x as it is.
func (Single) Sum([]float32) {}

// SumFloat64 leaves x as it is.
func (Single) SumFloat64([]float64) {}
