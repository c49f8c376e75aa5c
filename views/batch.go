package views

import "fmt"

// Batch is N samples' views and what a trainer needs beside them. All blocks are
// row-major with the sample as the first axis. The trainer reads a Batch and
// hands it back; whoever fills it next may reuse every slice.
type Batch struct {
	Samples int // N
	Size    int // S: views are S x S pixels
	Grid    int // G: masks have G x G cells; 0 without masks

	View1, View2 []uint8  // [N, S, S, 3], R G B interleaved
	Crop         []int32  // [N, 2, 4]: top, left, height, width of view 1 and 2, each in its own flipped image
	Flip         []uint8  // [N, 2]: 1 if the view is mirrored left to right
	ImageSize    []int32  // [N, 2]: the source's height and width
	Mask         []uint8  // [N, G*G] for view 1: 1 is masked; empty without masks
	Labels       []int64  // [N]; -1: none
	Keys         []string // [N]

	Next Position // where the stream stands after the batch's last sample
	Bad  int64    // bad samples met so far in the run
}

// Position is a place in the stream of samples: Sample counts from 0 in Epoch's
// order, bad samples included.
type Position struct {
	Epoch  int   `json:"epoch"`
	Sample int64 `json:"sample"`
}

// NewBatch returns a batch of n samples with views of size x size pixels and
// masks of grid x grid cells (grid 0: no masks), everything zero. It panics if a
// number is negative.
func NewBatch(n, size, grid int) *Batch {
	if n < 0 || size < 0 || grid < 0 {
		panic(fmt.Sprintf("views: batch of %d samples, size %d, grid %d", n, size, grid))
	}
	return &Batch{
		Samples: n, Size: size, Grid: grid,
		View1:     make([]uint8, n*size*size*3),
		View2:     make([]uint8, n*size*size*3),
		Crop:      make([]int32, n*8),
		Flip:      make([]uint8, n*2),
		ImageSize: make([]int32, n*2),
		Mask:      make([]uint8, n*grid*grid),
		Labels:    make([]int64, n),
		Keys:      make([]string, n),
	}
}

// SetGeometry stores sample i's placements and the size of its source.
func (b *Batch) SetGeometry(i int, p *PairParams, height, width int) {
	for v, view := range [2]*Params{&p.View1, &p.View2} {
		box := b.Crop[i*8+v*4 : i*8+v*4+4]
		box[0], box[1] = int32(view.Crop.Top), int32(view.Crop.Left)
		box[2], box[3] = int32(view.Crop.Height), int32(view.Crop.Width)
		b.Flip[i*2+v] = 0
		if view.Flip {
			b.Flip[i*2+v] = 1
		}
	}
	b.ImageSize[i*2], b.ImageSize[i*2+1] = int32(height), int32(width)
}
