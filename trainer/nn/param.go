package nn

// Param is one parameter of a network: a trained one, a frozen one or one of
// a momentum branch. The names and shapes are those of the checkpoint format,
// "blocks.0.attn.qkv.weight"; linear weights are [out, in].
type Param struct {
	Name  string
	Shape []int
	Data  []float32
	Grad  []float32 // same length as Data; nil when frozen or of a momentum branch

	version uint64 // moves with each change of Data
}

// Trained reports whether the parameter has a gradient.
func (p *Param) Trained() bool { return p.Grad != nil }

// Changed must be called after Data was written and before the next forward
// pass: products in bfloat16 keep weights in a form of their own. Not while a
// pass runs.
func (p *Param) Changed() { p.version++ }

// Buffer is a state that is neither trained nor averaged into the momentum
// branch: a BatchNorm's running_mean or running_var. It belongs into a
// checkpoint.
type Buffer struct {
	Name string
	Data []float32
}

// Input is one micro-batch as the network reads it. Size is the side of the
// square views, N the patches of a view.
type Input struct {
	Batch, Size  int
	View1, View2 []float32 // [B, 3, S, S] normalised pixels
	Mask         []uint8   // [B, N], 1 = hidden from the online branch; the same count in each row
	Crop         []int32   // [B, 2, 4] (top, left, height, width) of view 1, view 2, in pixels of that view's own flipped image
	Flip         []uint8   // [B, 2]
	ImageSize    []int32   // [B, 2] (height, width)
}
