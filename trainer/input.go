package trainer

import (
	"fmt"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/views"
)

// input turns rows of a batch of views into what the network reads. Its memory is one micro-batch's.
type input struct {
	table *[3][256]float32
	in    nn.Input
	src   *views.Batch // while convert runs
	row   int
	body  func(worker, lo, hi int)
	size  int // S
}

func newInput(c *Config, micro int) input {
	values := 3 * c.ImageSize * c.ImageSize
	i := input{
		table: views.NormaliseTable(views.Mean, views.Std),
		size:  c.ImageSize,
		in: nn.Input{
			Batch: micro, Size: c.ImageSize,
			View1: make([]float32, micro*values), Mask: make([]uint8, micro*c.Patches()),
		},
	}
	if c.Views() > 1 {
		i.in.View2 = make([]float32, micro*values)
	}
	return i
}

// convert gives rows row, row+1, ... of the batch, normalised, one micro-batch of them.
func (i *input) convert(b *views.Batch, row int, t *team.Team) *nn.Input {
	if i.body == nil {
		i.body = i.normalise
	}
	n := i.in.Batch
	i.src, i.row = b, row
	images := n
	if i.in.View2 != nil {
		images *= 2
	}
	t.Do(images, i.body)
	i.src = nil
	if len(b.Mask) > 0 {
		cells := len(i.in.Mask) / n
		copy(i.in.Mask, b.Mask[row*cells:(row+n)*cells])
	}
	i.in.Crop = b.Crop[row*8 : (row+n)*8]
	i.in.Flip = b.Flip[row*2 : (row+n)*2]
	i.in.ImageSize = b.ImageSize[row*2 : (row+n)*2]
	return &i.in
}

// normalise fills images lo to hi: view 1's, then view 2's.
func (i *input) normalise(_, lo, hi int) {
	values := 3 * i.size * i.size
	for k := lo; k < hi; k++ {
		dst, src, image := i.in.View1, i.src.View1, k
		if k >= i.in.Batch {
			dst, src, image = i.in.View2, i.src.View2, k-i.in.Batch
		}
		from := (i.row + image) * values
		views.Normalise(dst[image*values:(image+1)*values], src[from:from+values], i.table)
	}
}

// checkBatch says what in a batch doesn't fit the run, before anything is computed.
func (t *Trainer) checkBatch(b *views.Batch) error {
	grid, patches, pixels := t.config.Grid(), t.config.Patches(), 3*b.Size*b.Size
	switch {
	case b.Samples != t.batch:
		return fmt.Errorf("%d samples, a step takes %d", b.Samples, t.batch)
	case b.Size != t.config.ImageSize:
		return fmt.Errorf("views of %d x %d pixels, image_size is %d", b.Size, b.Size, t.config.ImageSize)
	case len(b.View1) != b.Samples*pixels || len(b.View2) != b.Samples*pixels:
		return fmt.Errorf("views of %d and %d bytes, %d samples have %d", len(b.View1), len(b.View2), b.Samples, b.Samples*pixels)
	case len(b.Crop) != b.Samples*8 || len(b.Flip) != b.Samples*2 || len(b.ImageSize) != b.Samples*2:
		return fmt.Errorf("geometry of other than %d samples", b.Samples)
	case len(b.Mask) == 0 && t.config.Masked == 0:
		return nil
	case b.Grid != grid || len(b.Mask) != b.Samples*patches:
		return fmt.Errorf("masks of %d x %d cells, views have %d x %d patches", b.Grid, b.Grid, grid, grid)
	}
	return checkMask(b.Mask, patches, t.config.Masked)
}

// checkMask wants the same number of ones, and no other value, in each row.
func checkMask(mask []uint8, patches, masked int) error {
	for row := 0; len(mask) > 0; row, mask = row+1, mask[patches:] {
		ones := 0
		for _, m := range mask[:patches] {
			if m > 1 {
				return fmt.Errorf("sample %d: mask holds a %d", row, m)
			}
			ones += int(m)
		}
		if ones != masked {
			return fmt.Errorf("sample %d: %d patches are masked, the configuration says %d", row, ones, masked)
		}
	}
	return nil
}

// rows gives n rows of a whole step's input.
func rows(in *nn.Input, row, n int) nn.Input {
	part := *in
	part.Batch = n
	part.View1, part.View2 = slice(in.View1, in.Batch, row, n), slice(in.View2, in.Batch, row, n)
	part.Mask = slice(in.Mask, in.Batch, row, n)
	part.Crop, part.Flip = slice(in.Crop, in.Batch, row, n), slice(in.Flip, in.Batch, row, n)
	part.ImageSize = slice(in.ImageSize, in.Batch, row, n)
	return part
}

func slice[T any](x []T, batch, row, n int) []T {
	width := len(x) / batch
	return x[row*width : (row+n)*width]
}
