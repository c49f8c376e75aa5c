package evaluate

import (
	"fmt"
	"math"
	"slices"

	"siameseim/internal/simd"
	"siameseim/internal/team"
)

// KNN classifies by the nearest training rows: the K of the largest cosine, each
// voting for its label with weight exp(cosine/Temperature).
type KNN struct {
	K           int
	Temperature float64
}

// DefaultKNN is the protocol of SPEC section 7.
var DefaultKNN = KNN{K: 20, Temperature: .07}

// Blocks of the matrix of cosines: a worker holds queryBlock x trainBlock of
// it, 512 KiB. They change speed and never a bit.
const (
	queryBlock = 128
	trainBlock = 1024
)

// Evaluate classifies every row of test by the rows of train. Among rows of the
// same cosine the first ones of train count as nearer, among labels with the
// same vote the smallest wins. A training set smaller than K votes whole.
//
// The result is the same for any number of threads. Tables without samples or
// labels, of different widths, with one class only or with features that aren't
// finite are *InputError.
func (o KNN) Evaluate(train, test *Table, threads *team.Team) (Result, error) {
	if o.K < 1 || !(o.Temperature > 0) {
		return Result{}, fmt.Errorf("evaluate: knn: k %d, temperature %g: both must be positive", o.K, o.Temperature)
	}
	if err := train.check("train"); err != nil {
		return Result{}, err
	}
	if err := test.check("test"); err != nil {
		return Result{}, err
	}
	if test.Dim != train.Dim {
		return Result{}, &InputError{"test", fmt.Sprintf("%d features a row, the train set has %d", test.Dim, train.Dim)}
	}
	classes := distinct(train.Labels)
	if len(classes) == 1 {
		return Result{}, &InputError{"train", fmt.Sprintf("all %d samples are of class %d", train.Rows(), classes[0])}
	}
	classOf := make([]int32, train.Rows())
	for i, label := range train.Labels {
		at, _ := slices.BinarySearch(classes, label)
		classOf[i] = int32(at)
	}

	s := search{
		KNN: o, dim: train.Dim, classes: classes, classOf: classOf,
		train: train.unit(), test: test.unit(),
		predictions: make([]int64, test.Rows()),
	}
	s.K = min(s.K, train.Rows())
	workers := make([]searcher, threads.Threads())
	blocks := (test.Rows() + queryBlock - 1) / queryBlock
	threads.Do(blocks, func(worker, lo, hi int) {
		for block := lo; block < hi; block++ {
			first := block * queryBlock
			workers[worker].classify(&s, first, min(first+queryBlock, test.Rows()))
		}
	})
	return result(s.predictions, train, test), nil
}

// A search is what all workers of an evaluation read, and the predictions, of
// which each writes its own.
type search struct {
	KNN
	dim         int
	train, test []float32 // unit rows
	classes     []int64   // labels, rising
	classOf     []int32   // of each training row, index into classes
	predictions []int64
}

// A neighbour is a training row and its cosine with a query.
type neighbour struct {
	cosine float32
	row    int32
}

// A searcher is one worker's memory.
type searcher struct {
	gemm    simd.Workspace
	cosines []float32     // [queryBlock, trainBlock]
	nearest [][]neighbour // of each query of the block, nearest first
	votes   []float64     // of each class
}

// classify predicts the queries first to last-1, at most queryBlock of them.
func (w *searcher) classify(s *search, first, last int) {
	if w.cosines == nil {
		w.cosines = make([]float32, queryBlock*trainBlock)
		w.nearest = make([][]neighbour, queryBlock)
		for i := range w.nearest {
			w.nearest[i] = make([]neighbour, 0, s.K)
		}
		w.votes = make([]float64, len(s.classes))
	}
	for i := range w.nearest {
		w.nearest[i] = w.nearest[i][:0]
	}
	for start := 0; start < len(s.classOf); start += trainBlock {
		rows := min(trainBlock, len(s.classOf)-start)
		w.gemm.GemmNT(w.cosines, trainBlock, s.test[first*s.dim:], s.dim, s.train[start*s.dim:], s.dim,
			last-first, rows, s.dim, false)
		for query := range last - first {
			w.nearest[query] = keepNearest(w.nearest[query], w.cosines[query*trainBlock:][:rows], start, s.K)
		}
	}
	for query := range last - first {
		s.predictions[first+query] = s.classes[w.vote(s, w.nearest[query])]
	}
}

// keepNearest merges the cosines of training rows start, start+1, ... into a
// query's list of at most k neighbours, which is sorted by falling cosine and,
// where that is the same, by rising row: rows come in rising order, so a row
// goes behind all of its own cosine.
func keepNearest(nearest []neighbour, cosines []float32, start, k int) []neighbour {
	for i, cosine := range cosines {
		if len(nearest) == k {
			if cosine <= nearest[k-1].cosine {
				continue
			}
			nearest = nearest[:k-1]
		}
		at := len(nearest)
		nearest = nearest[:at+1]
		for ; at > 0 && cosine > nearest[at-1].cosine; at-- {
			nearest[at] = nearest[at-1]
		}
		nearest[at] = neighbour{cosine, int32(start + i)}
	}
	return nearest
}

// vote returns the class with the largest sum of weights.
func (w *searcher) vote(s *search, nearest []neighbour) int {
	clear(w.votes)
	// Relative to the nearest, so that no weight overflows at a low temperature.
	largest := float64(nearest[0].cosine)
	for _, n := range nearest {
		w.votes[s.classOf[n.row]] += math.Exp((float64(n.cosine) - largest) / s.Temperature)
	}
	winner := 0
	for class, vote := range w.votes {
		if vote > w.votes[winner] {
			winner = class
		}
	}
	return winner
}
