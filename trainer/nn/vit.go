package nn

import (
	"math"

	"siameseim/internal/simd"
)

// ViTConfig describes an encoder.
type ViTConfig struct {
	ImageSize, Patch     int
	Dim, Depth, Heads    int
	Tokens               int // patches that it sees of each image, the class token not counted
	LayerScale, DropPath float64
	TrainPatchEmbed      bool
	Positions            []float32 // [G*G, D] of the patches, such as learned ones; nil: the fixed sines and cosines
}

// ViT is the encoder: patches and a class token at fixed positions, then
// blocks; no final norm. It sees all patches of an image or a chosen few.
type ViT struct {
	m                 *Machine
	size, patch, grid int
	dim, patches      int // D; patches seen of each image
	embed             *Linear
	class             *Param
	blocks            *Stack
	positions         []float32 // [G*G, D]
	rows              []float32 // [B*V, 3pp] the seen patches, channel-major
	embedded          []float32 // [B*V, D]; in backward its gradient

	images, second          []float32 // second: those behind the first split images, if not nil
	split                   int
	visible                 []int32
	grad                    []float32
	batch                   int
	gather, place, gradient func(worker, lo, hi int)
}

// NewViT makes patch_embed.proj, cls_token and the blocks.
func NewViT(b *Builder, c ViTConfig) *ViT {
	inputs := 3 * c.Patch * c.Patch
	v := &ViT{
		m: b.Machine, size: c.ImageSize, patch: c.Patch, grid: c.ImageSize / c.Patch, dim: c.Dim, patches: c.Tokens,
		positions: c.Positions,
	}
	if v.positions == nil {
		v.positions = Positions(c.Dim, c.ImageSize/c.Patch)
	}
	weight := b.Param("patch_embed.proj.weight", Xavier(c.Dim, inputs), c.TrainPatchEmbed, c.Dim, 3, c.Patch, c.Patch)
	bias := b.Param("patch_embed.proj.bias", Uniform(1/math.Sqrt(float64(inputs))), c.TrainPatchEmbed, c.Dim)
	v.embed = linear(b.Machine, weight, bias, inputs, c.Dim)
	v.class = b.Param("cls_token", Normal(.02), true, 1, 1, c.Dim)
	plan := b.Arena.Scratch
	if b.Train {
		plan = b.Arena.Keep
	}
	mark := b.Arena.Mark()
	plan(&v.rows, b.Batch*c.Tokens*inputs)
	plan(&v.embedded, b.Batch*c.Tokens*c.Dim)
	b.Arena.Rewind(mark)
	v.blocks = NewStack(b, StackConfig{
		Name: "blocks", Depth: c.Depth, Tokens: 1 + c.Tokens, Dim: c.Dim, Heads: c.Heads,
		Norm: "layer", LayerScale: c.LayerScale, DropPath: c.DropPath,
	})
	v.gather, v.place, v.gradient = v.gatherImages, v.placeImages, v.gradientImages
	return v
}

// Forward encodes the first batch images [B, 3, S, S] into Out. visible [B, V]
// names the patches to see, V of each image; nil: all of them in order.
func (v *ViT) Forward(images []float32, visible []int32, batch int, key DropKey) {
	v.encode(images, nil, visible, batch, key)
}

// ForwardPair encodes batch images of the first view and behind them as many
// of the second, all patches of each, as 2*batch images: both views of an
// objective whose online branch sees both. The builder's batch must have been
// for as many.
func (v *ViT) ForwardPair(first, second []float32, batch int, key DropKey) {
	v.encode(first, second, nil, 2*batch, key)
}

func (v *ViT) encode(images, second []float32, visible []int32, batch int, key DropKey) {
	v.images, v.second, v.split, v.visible, v.batch = images, second, batch, visible, batch
	if second != nil {
		v.split = batch / 2
	}
	v.m.Do(batch, v.gather)
	v.embed.Forward(v.embedded, v.rows, batch*v.patches, nil)
	v.m.Do(batch, v.place)
	v.blocks.Forward(batch, key)
}

// Out returns the tokens [B, 1+V, D] of the last Forward, the class token
// first.
func (v *ViT) Out() []float32 { return v.blocks.Out() }

// Backward adds the parameters' gradients, from grad, the gradient of Out,
// which it overwrites.
func (v *ViT) Backward(grad []float32, batch int) {
	v.blocks.Backward(grad, batch)
	stride := (1 + v.patches) * v.dim
	simd.ColumnSum(v.class.Grad, grad, batch, v.dim, stride)
	if v.embed.Weight.Trained() {
		v.grad = grad
		v.m.Do(batch, v.gradient)
		v.embed.Backward(nil, v.embedded, v.rows, batch*v.patches, nil)
	}
}

// index returns the patch that an image's i-th seen one is.
func (v *ViT) index(image, i int) int {
	if v.visible == nil {
		return i
	}
	return int(v.visible[image*v.patches+i])
}

// pixels returns one image [3, S, S].
func (v *ViT) pixels(image int) []float32 {
	from := v.images
	if image >= v.split {
		from, image = v.second, image-v.split
	}
	n := 3 * v.size * v.size
	return from[image*n : (image+1)*n]
}

// gatherImages copies the seen patches to rows of 3pp values, (channel, row,
// column) as a convolution's weight has them.
func (v *ViT) gatherImages(_, lo, hi int) {
	s, p := v.size, v.patch
	at := lo * v.patches * 3 * p * p
	for image := lo; image < hi; image++ {
		pixels := v.pixels(image)
		for i := range v.patches {
			patch := v.index(image, i)
			corner := patch/v.grid*p*s + patch%v.grid*p
			for channel := range 3 {
				for y := range p {
					from := corner + (channel*s+y)*s
					at += copy(v.rows[at:at+p], pixels[from:from+p])
				}
			}
		}
	}
}

func (v *ViT) placeImages(_, lo, hi int) {
	d := v.dim
	for image := lo; image < hi; image++ {
		out := v.blocks.In()[image*(1+v.patches)*d : (image+1)*(1+v.patches)*d]
		copy(out[:d], v.class.Data)
		copy(out[d:], v.embedded[image*v.patches*d:(image+1)*v.patches*d])
		for i := range v.patches {
			at := v.index(image, i) * d
			simd.Add(out[(1+i)*d:(2+i)*d], v.positions[at:at+d])
		}
	}
}

func (v *ViT) gradientImages(_, lo, hi int) {
	n := v.patches * v.dim
	for image := lo; image < hi; image++ {
		copy(v.embedded[image*n:(image+1)*n], v.grad[image*(n+v.dim)+v.dim:])
	}
}
