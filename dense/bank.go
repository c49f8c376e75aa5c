package dense

import "math/rand/v2"

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
