package dense

import (
	"math/rand/v2"

	"siameseim/internal/team"
)

// A bank holds patches whose pixels' classes are known: all that were offered,
// or a uniform sample of limit of them.
type bank struct {
	limit   int
	pixels  int   // of a patch
	offered int64 // patches so far
	rng     *rand.Rand
	classes []uint8     // [patches, pixels]
	rows    [][]float32 // of each encoder: unit features [patches, Dim]
}

func newBank(limit, pixels int, seed uint64, encoders int) *bank {
	return &bank{
		limit: limit, pixels: pixels, rows: make([][]float32, encoders),
		rng: rand.New(rand.NewPCG(seed, 0x6461746162616e6b)), // "databank"
	}
}

// len is the number of patches.
func (b *bank) len() int { return len(b.classes) / b.pixels }

// place returns where the next patch goes: len for a new place, -1 if it is
// left out (Vitter's algorithm R: each patch ends in the bank with the same
// probability).
func (b *bank) place() int {
	b.offered++
	if b.len() < b.limit {
		return b.len()
	}
	if at := b.rng.Int64N(b.offered); at < int64(b.limit) {
		return int(at)
	}
	return -1
}

// put stores one patch at a place: its pixels' classes and, for each encoder,
// its features.
func (b *bank) put(at int, classes []uint8, features func(encoder int) []float32) {
	if at == b.len() {
		b.classes = append(b.classes, classes...)
	} else {
		copy(b.classes[at*b.pixels:], classes)
	}
	for e := range b.rows {
		row := features(e)
		if at*len(row) == len(b.rows[e]) {
			b.rows[e] = append(b.rows[e], row...)
		} else {
			copy(b.rows[e][at*len(row):], row)
		}
	}
}

// shares returns, for each patch, the share of each class in its pixels
// [patches, classes]. index maps classes to columns; Void is left out.
func (b *bank) shares(index *[256]int, classes int) []float32 {
	list := make([]float32, b.len()*classes)
	for i := range b.len() {
		row, known := list[i*classes:(i+1)*classes], 0
		for _, c := range b.classes[i*b.pixels : (i+1)*b.pixels] {
			if c != Void {
				row[index[c]]++
				known++
			}
		}
		for j := range row {
			row[j] /= float32(known)
		}
	}
	return list
}

// A neighbour is a patch of the bank and its cosine with a query.
type neighbour struct {
	cosine float32
	row    int32
}

// Blocks of the matrix of cosines. They change speed and never a bit.
const (
	queryBlock = 128
	bankBlock  = 1024
)

// nearest finds, for each of the queries [n, dim], the k rows [m, dim] of the
// largest dot product, nearest first, of equal ones the first rows. visit gets
// them, on the worker that found them; the slice is its own no longer after.
func nearest(queries, rows []float32, dim, k int, threads *team.Team, scratch []workspace, visit func(worker, query int, nearest []neighbour)) {
	n, m := len(queries)/dim, len(rows)/dim
	threads.Do((n+queryBlock-1)/queryBlock, func(worker, lo, hi int) {
		w := &scratch[worker]
		if len(w.cosines) < queryBlock*bankBlock {
			w.cosines = make([]float32, queryBlock*bankBlock)
		}
		lists := make([][]neighbour, queryBlock)
		for i := range lists {
			lists[i] = make([]neighbour, 0, k)
		}
		for first := lo * queryBlock; first < min(hi*queryBlock, n); first += queryBlock {
			count := min(queryBlock, n-first)
			for i := range lists {
				lists[i] = lists[i][:0]
			}
			for start := 0; start < m; start += bankBlock {
				width := min(bankBlock, m-start)
				w.gemm.GemmNT(w.cosines, bankBlock, queries[first*dim:], dim, rows[start*dim:], dim, count, width, dim, false)
				for i := range count {
					lists[i] = merge(lists[i], w.cosines[i*bankBlock:][:width], start, k)
				}
			}
			for i := range count {
				visit(worker, first+i, lists[i])
			}
		}
	})
}

// merge adds the cosines of rows start, start+1, ... to a list of at most k,
// sorted by falling cosine and then by rising row.
func merge(list []neighbour, cosines []float32, start, k int) []neighbour {
	for i, cosine := range cosines {
		if len(list) == k {
			if cosine <= list[k-1].cosine {
				continue
			}
			list = list[:k-1]
		}
		at := len(list)
		list = list[:at+1]
		for ; at > 0 && cosine > list[at-1].cosine; at-- {
			list[at] = list[at-1]
		}
		list[at] = neighbour{cosine, int32(start + i)}
	}
	return list
}
