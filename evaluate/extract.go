package evaluate

import (
	"fmt"

	"siameseim/views"
)

// An Encoder turns images into features and doesn't learn from them.
type Encoder interface {
	Size() int // images are Size x Size pixels
	Dim() int  // features of an image
	// Features writes n rows of Dim features to dst, for n images [n, 3, Size,
	// Size], normalised as in training. n is at most what the Extractor was made
	// for.
	Features(dst, images []float32, n int)
}

// An Extractor runs images through an Encoder and collects the features. The
// table is the same whatever the batch, as far as the Encoder's rows are.
type Extractor struct {
	encoder Encoder
	images  []float32 // [batch, 3, S, S]
	batch   int
	levels  *[3][256]float32
	table   Table
}

// NewExtractor returns an extractor that hands the encoder at most batch images
// at once. It panics if batch isn't positive.
func NewExtractor(encoder Encoder, batch int) *Extractor {
	if batch < 1 {
		panic(fmt.Sprintf("evaluate: batch of %d", batch))
	}
	size := encoder.Size()
	return &Extractor{
		encoder: encoder,
		batch:   batch,
		images:  make([]float32, batch*3*size*size),
		levels:  views.NormaliseTable(views.Mean, views.Std),
		table:   Table{Dim: encoder.Dim()},
	}
}

// Add appends the features of images, pix [n, S, S, 3] (R, G, B interleaved),
// and their n labels, -1 for none. Another number of bytes than n images have
// is an error.
func (x *Extractor) Add(pix []uint8, labels []int64) error {
	size := x.encoder.Size()
	bytes := size * size * 3
	if len(pix) != len(labels)*bytes {
		return fmt.Errorf("evaluate: extract: %d bytes for %d images of %d x %d", len(pix), len(labels), size, size)
	}
	for len(labels) > 0 {
		n := min(len(labels), x.batch)
		for i := range n {
			views.Normalise(x.images[i*bytes:(i+1)*bytes], pix[i*bytes:(i+1)*bytes], x.levels)
		}
		at := len(x.table.Data)
		x.table.Data = append(x.table.Data, make([]float32, n*x.table.Dim)...)
		x.encoder.Features(x.table.Data[at:], x.images[:n*bytes], n)
		x.table.Labels = append(x.table.Labels, labels[:n]...)
		pix, labels = pix[n*bytes:], labels[n:]
	}
	return nil
}

// AddBatch appends the features of a batch's first views. For an evaluation
// these are made by views.PlainRecipe.
func (x *Extractor) AddBatch(b *views.Batch) error {
	if b.Size != x.encoder.Size() {
		return fmt.Errorf("evaluate: extract: views of %d pixels for an encoder of %d", b.Size, x.encoder.Size())
	}
	return x.Add(b.View1[:b.Samples*b.Size*b.Size*3], b.Labels[:b.Samples])
}

// Table returns what was collected so far. It shares memory with the extractor.
func (x *Extractor) Table() *Table { return &x.table }

// Pixels is the Encoder that learned nothing: the normalised values of an
// image of that many pixels a side.
type Pixels int

// Size is the side of an image.
func (p Pixels) Size() int { return int(p) }

// Dim is the number of values of an image.
func (p Pixels) Dim() int { return 3 * int(p) * int(p) }

// Features copies.
func (p Pixels) Features(dst, images []float32, n int) {
	copy(dst[:n*p.Dim()], images)
}
