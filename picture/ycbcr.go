package picture

// A Plane is one component of an image, 8 bits a sample: row y starts at
// Pix[y*Stride] and has Width samples. Sample (row, col) is the mean of the
// image's pixels from (row*StepHigh, col*StepWide) on, StepHigh x StepWide of
// them; the last row and column may reach beyond the image.
type Plane struct {
	Pix                []uint8
	Stride             int
	Height, Width      int // in samples
	StepHigh, StepWide int // pixels of the image to a sample
}

// YCbCr is an image of Height x Width pixels as JPEG stores it (JFIF's colour
// space): a plane of luma and two of chroma, each with steps of its own. The
// chroma planes of a grey image have no samples.
type YCbCr struct {
	Height, Width int
	Y, Cb, Cr     Plane
}

// Reset makes p a plane of height x width samples with rows of stride bytes,
// and rows rows of them in Pix (at least height). It reuses Pix where its
// capacity suffices; the samples are then undefined.
func (p *Plane) Reset(height, width, rows, stride int) {
	if n := rows * stride; cap(p.Pix) < n {
		p.Pix = make([]uint8, n)
	} else {
		p.Pix = p.Pix[:n]
	}
	p.Stride, p.Height, p.Width = stride, height, width
}
