package evaluate

import (
	"fmt"

	"siameseim/internal/simd"
	"siameseim/internal/team"
)

// A Neighbour is a training row and its cosine with a query.
type Neighbour struct {
	Cosine float32
	Row    int32
}

// Blocks of the matrix of cosines: a worker holds queryBlock x trainBlock of
// it, 512 KiB, and the product packs a block of training rows once for that
// many queries. They change speed and never a bit.
const (
	queryBlock = 512
	trainBlock = 256
)

// Nearest finds, for each row of test [M, dim], the k rows of train [N, dim] of
// the largest dot product, the cosine where all rows have length 1, and calls
// visit with them, nearest first; of rows with the same product the first ones
// of train count as nearer. With fewer than k training rows all are visited.
//
// visit is called once a query, from several goroutines at once but one per
// worker number; nearest is valid during the call. What it gets is the same for
// any number of threads. It panics if lengths or k have no meaning.
func Nearest(train, test []float32, dim, k int, threads *team.Team, visit func(worker, query int, nearest []Neighbour)) {
	if dim < 1 || k < 1 || len(train)%dim != 0 || len(test)%dim != 0 {
		panic(fmt.Sprintf("evaluate: nearest: %d and %d values in rows of %d, k %d", len(train), len(test), dim, k))
	}
	s := search{dim: dim, train: train, test: test, rows: len(train) / dim, k: min(k, len(train)/dim)}
	queries := len(test) / dim
	if s.k == 0 {
		for query := range queries {
			visit(0, query, nil)
		}
		return
	}
	// Shares of the queries, not blocks of them, so that all workers have the
	// same to do.
	threads.Do(queries, func(worker, lo, hi int) {
		w := searcher{}
		for first := lo; first < hi; first += queryBlock {
			last := min(first+queryBlock, hi)
			w.find(&s, first, last)
			for query := first; query < last; query++ {
				visit(worker, query, w.nearest[query-first])
			}
		}
	})
}

// A search is what all workers read.
type search struct {
	dim, rows, k int
	train, test  []float32
}

// A searcher is one worker's memory.
type searcher struct {
	gemm    simd.Workspace
	cosines []float32     // [queryBlock, trainBlock]
	nearest [][]Neighbour // of each query of the block, nearest first
}

// find fills w.nearest for the queries first to last-1, at most queryBlock.
func (w *searcher) find(s *search, first, last int) {
	if w.cosines == nil {
		w.cosines = make([]float32, queryBlock*trainBlock)
		w.nearest = make([][]Neighbour, queryBlock)
		for i := range w.nearest {
			w.nearest[i] = make([]Neighbour, 0, s.k)
		}
	}
	for i := range w.nearest {
		w.nearest[i] = w.nearest[i][:0]
	}
	for start := 0; start < s.rows; start += trainBlock {
		rows := min(trainBlock, s.rows-start)
		w.gemm.GemmNT(w.cosines, trainBlock, s.test[first*s.dim:], s.dim, s.train[start*s.dim:], s.dim,
			last-first, rows, s.dim, false)
		for query := range last - first {
			w.nearest[query] = keepNearest(w.nearest[query], w.cosines[query*trainBlock:][:rows], start, s.k)
		}
	}
}

// keepNearest merges the cosines of training rows start, start+1, ... into a
// query's list of at most k neighbours, which is sorted by falling cosine and,
// where that is the same, by rising row: rows come in rising order, so a row
// goes behind all of its own cosine.
func keepNearest(nearest []Neighbour, cosines []float32, start, k int) []Neighbour {
	i := 0
	for ; i < len(cosines) && len(nearest) < k; i++ {
		nearest = insert(nearest[:len(nearest)+1], Neighbour{cosines[i], int32(start + i)})
	}
	if i == len(cosines) {
		return nearest
	}
	// Hardly any row of a large set gets past this comparison.
	worst := nearest[k-1].Cosine
	for j, cosine := range cosines[i:] {
		if cosine > worst {
			insert(nearest, Neighbour{cosine, int32(start + i + j)})
			worst = nearest[k-1].Cosine
		}
	}
	return nearest
}

// insert puts n in its place and drops the last element.
func insert(nearest []Neighbour, n Neighbour) []Neighbour {
	at := len(nearest) - 1
	for ; at > 0 && n.Cosine > nearest[at-1].Cosine; at-- {
		nearest[at] = nearest[at-1]
	}
	nearest[at] = n
	return nearest
}
