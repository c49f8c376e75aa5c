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
	rows              []float32 // [B*V, 3pp] the seen patches, channel-major; kept if the embedding is trained
	embedded          []float32 // [B*V, D] gradient of the embedded patches, if it is trained
	together          int       // images that are embedded together
	places            []placing // of each worker

	images, second          []float32 // second: those behind the first split images, if not nil
	split                   int
	visible                 []int32
	grad                    []float32
	batch                   int
	embedPart, gradientPart func(worker, lo, hi int)
}

// placing is a worker's embedding of a few images.
type placing struct {
	first int // their first
	tile  simd.Epilogue
}

// embedRows is how many patches are embedded together, if an image has not more.
const embedRows = 256

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
	v.embed = linear(b, weight, bias, inputs, c.Dim, false)
	v.class = b.Param("cls_token", Normal(.02), true, 1, 1, c.Dim)
	v.together = max(1, embedRows/c.Tokens)
	rows := v.together * c.Tokens
	if b.Train && c.TrainPatchEmbed {
		b.Arena.Keep(&v.rows, b.Batch*c.Tokens*inputs)
		b.Arena.Keep(&v.embedded, b.Batch*c.Tokens*c.Dim)
		v.embed.needChunks(b)
	}
	b.Machine.needTile(rows * (inputs + c.Dim))
	if b.Machine.half16() {
		b.Machine.needHalf(rows * inputs)
	}
	v.blocks = NewStack(b, StackConfig{
		Name: "blocks", Depth: c.Depth, Tokens: 1 + c.Tokens, Dim: c.Dim, Heads: c.Heads,
		Norm: "layer", LayerScale: c.LayerScale, DropPath: c.DropPath,
	})
	v.embedPart, v.gradientPart = v.embedImages, v.gradientImages
	v.places = make([]placing, len(b.Machine.workers))
	for i := range v.places {
		p := &v.places[i]
		p.tile = func(c []float32, ldc, i0, i1, j0, j1 int) { v.placeTile(p.first, c, ldc, i0, i1, j0, j1) }
	}
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
	if v.embed.ahead != nil {
		v.embed.w16 = v.embed.ahead.fresh()
	}
	v.m.Count(2*batch*v.patches*v.embed.In*v.dim, 4*batch*v.patches*(v.embed.In+v.dim))
	v.m.Begin(batch)
	v.m.Rows(batch, v.embedPart)
	v.blocks.forward(batch, key)
	v.m.End()
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
		v.m.Do(batch, v.gradientPart)
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

// embedImages embeds the seen patches of images lo to hi, a few images at a
// time: rows of pixels, then their product, whose epilogue puts the tokens in
// place.
func (v *ViT) embedImages(worker, lo, hi int) {
	l, w := v.embed, &v.m.workers[worker]
	for ; lo < hi; lo += v.together {
		n := min(v.together, hi-lo)
		rows, sums := w.tile[:n*v.patches*l.In], w.tile[n*v.patches*l.In:]
		if v.rows != nil {
			rows = v.rows[lo*v.patches*l.In:][:len(rows)]
		}
		v.gather(rows, lo, lo+n)
		v.places[worker].first = lo
		for image := lo; image < lo+n; image++ {
			copy(v.blocks.In()[image*(1+v.patches)*v.dim:], v.class.Data)
		}
		if l.ahead != nil {
			half := w.half[:len(rows)]
			simd.ToBF16(half, rows)
			w.gemm.MulPacked(nil, l.Out, half, l.In, l.w16, 0, n*v.patches, l.Out, l.In, false, v.places[worker].tile)
			continue
		}
		w.gemm.MulNT(sums, l.Out, rows, l.In, l.Weight.Data, l.In, 0, n*v.patches, l.Out, l.In, false, v.places[worker].tile)
	}
}

// gather copies the seen patches of images lo to hi to rows of 3pp values,
// (channel, row, column) as a convolution's weight has them.
func (v *ViT) gather(rows []float32, lo, hi int) {
	s, p := v.size, v.patch
	at := 0
	for image := lo; image < hi; image++ {
		pixels := v.pixels(image)
		for i := range v.patches {
			patch := v.index(image, i)
			corner := patch/v.grid*p*s + patch%v.grid*p
			for channel := range 3 {
				for y := range p {
					from := corner + (channel*s+y)*s
					at += copy(rows[at:at+p], pixels[from:from+p])
				}
			}
		}
	}
}

// placeTile adds bias and positions to a tile of the products of images first,
// first+1 ... and puts it behind their class tokens.
func (v *ViT) placeTile(first int, c []float32, ldc, i0, i1, j0, j1 int) {
	in, d, bias := v.blocks.In(), v.dim, v.embed.Bias.Data[j0:j1]
	for i := i0; i < i1; i++ {
		image, patch := first+i/v.patches, i%v.patches
		to := (image*(1+v.patches)+1+patch)*d + j0
		position := v.positions[v.index(image, patch)*d+j0:]
		simd.BiasResidualTile(in[to:], d, c[(i-i0)*ldc:], ldc, position, d, 1, j1-j0, bias)
	}
}

func (v *ViT) gradientImages(_, lo, hi int) {
	n := v.patches * v.dim
	for image := lo; image < hi; image++ {
		copy(v.embedded[image*n:(image+1)*n], v.grad[image*(n+v.dim)+v.dim:])
	}
}
