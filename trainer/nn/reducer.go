package nn

// Reducer sums over the ranks of a distributed run: gradients, BatchNorm
// statistics and the loss's correlation go through it and nothing else does.
// Every rank makes the same calls in the same order, and gets the same bits.
type Reducer interface {
	// Ranks returns how many processes take part.
	Ranks() int
	// Sum replaces x by its sum over the ranks.
	Sum(x []float32)
	// SumFloat64 does so in double precision, for statistics.
	SumFloat64(x []float64)
}

// Single is the Reducer of a run of one process: nothing to do.
type Single struct{}

// Ranks returns 1.
func (Single) Ranks() int { return 1 }

// Sum leaves x as it is.
func (Single) Sum([]float32) {}

// SumFloat64 leaves x as it is.
func (Single) SumFloat64([]float64) {}
