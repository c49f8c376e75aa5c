package objective

import (
	"math"

	"siameseim/trainer/nn"
)

// pixelLoss is MAE's (SPEC section 8): the mean, over the hidden patches, of
// the mean squared difference between prediction and pixels of a patch. A
// patch's pixels stand as (row, column, channel), of the normalised image, by
// option each patch shifted and scaled to mean 0 and variance 1.
type pixelLoss struct {
	m                    *nn.Machine
	size, patch, patches int // S, p, N
	width                int // 3pp
	masked               int // hidden patches of an image
	normalise            bool
	target               []float32 // [B, N, 3pp]
	partial              []float64 // [B] sums over an image
	moments              []float64 // [2, 3pp] of Health

	in                     *nn.Input
	mask                   []uint8
	prediction, grad       []float32
	images                 int
	scale                  float32
	x                      []float32
	compare, differ, moved func(worker, lo, hi int)
}

// patchEps is what SPEC section 8 adds to a patch's variance.
const patchEps = 1e-6

func newPixelLoss(b *nn.Builder, c *Config) *pixelLoss {
	l := &pixelLoss{
		m: b.Machine, size: c.ImageSize, patch: c.Patch, patches: c.Patches(), width: 3 * c.Patch * c.Patch,
		masked: c.Masked, normalise: c.NormalisePixels, partial: make([]float64, b.Batch),
	}
	l.moments = make([]float64, 2*l.width)
	b.Arena.Keep(&l.target, b.Batch*l.patches*l.width)
	l.compare, l.differ, l.moved = l.compareImages, l.differImages, l.measureColumns
	return l
}

// forward returns the loss of prediction [B, N, 3pp], the mean over ranks.
func (l *pixelLoss) forward(prediction []float32, in *nn.Input) float64 {
	l.prediction, l.in, l.mask, l.images = prediction, in, in.Mask, in.Batch
	l.m.Do(in.Batch, l.compare)
	l.in = nil
	return meanOverRanks(l.m, sum(l.partial[:l.images])/l.count())
}

// count returns how many values are compared.
func (l *pixelLoss) count() float64 { return float64(l.images) * float64(l.masked) * float64(l.width) }

func (l *pixelLoss) compareImages(_, lo, hi int) {
	for image := lo; image < hi; image++ {
		l.partial[image] = 0
		for patch := range l.patches {
			t := l.row(l.target, image, patch)
			l.cut(t, image, patch)
			if l.normalise {
				normalisePatch(t)
			}
			if l.mask[image*l.patches+patch] == 0 {
				continue
			}
			for j, v := range l.row(l.prediction, image, patch) {
				e := float64(v) - float64(t[j])
				l.partial[image] += float64(e * e)
			}
		}
	}
}

func (l *pixelLoss) row(x []float32, image, patch int) []float32 {
	at := (image*l.patches + patch) * l.width
	return x[at : at+l.width]
}

// cut copies a patch's pixels out of the image [3, S, S].
func (l *pixelLoss) cut(dst []float32, image, patch int) {
	s, p := l.size, l.patch
	pixels := l.in.View1[image*3*s*s : (image+1)*3*s*s]
	corner := patch/(s/p)*p*s + patch%(s/p)*p
	at := 0
	for y := range p {
		for x := range p {
			for channel := range 3 {
				dst[at] = pixels[channel*s*s+corner+y*s+x]
				at++
			}
		}
	}
}

// normalisePatch subtracts the mean and divides by the root of the unbiased
// variance, in float64.
func normalisePatch(x []float32) {
	mean, squares := 0.0, 0.0
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	for _, v := range x {
		d := float64(v) - mean
		squares += float64(d * d)
	}
	scale := 1 / math.Sqrt(squares/float64(len(x)-1)+patchEps)
	for i, v := range x {
		x[i] = float32((float64(v) - mean) * scale)
	}
}

// backward fills grad [B, N, 3pp] with scale times the gradient of the last
// forward's prediction: zero where a patch is visible.
func (l *pixelLoss) backward(grad []float32, scale float64) {
	l.grad, l.scale = grad, float32(2*scale/l.count())
	l.m.Do(l.images, l.differ)
}

func (l *pixelLoss) differImages(_, lo, hi int) {
	for image := lo; image < hi; image++ {
		for patch := range l.patches {
			grad := l.row(l.grad, image, patch)
			if l.mask[image*l.patches+patch] == 0 {
				clear(grad)
				continue
			}
			t := l.row(l.target, image, patch)
			for j, v := range l.row(l.prediction, image, patch) {
				grad[j] = l.scale * (v - t[j])
			}
		}
	}
}

func (l *pixelLoss) health(prediction []float32) Health {
	return Health{TargetStd: l.deviation(l.target), PredictionStd: l.deviation(prediction)}
}

// deviation returns the root of the mean variance over channels of the hidden
// patches.
func (l *pixelLoss) deviation(x []float32) float64 {
	l.x = x
	l.m.Do(l.width, l.moved)
	n, variance := float64(l.images*l.masked), 0.0
	for j, s := range l.moments[:l.width] {
		variance += max(l.moments[l.width+j]/n-float64(s/n*(s/n)), 0)
	}
	return math.Sqrt(variance / float64(l.width))
}

// measureColumns sums values and squares, of which float64 rounds little away.
func (l *pixelLoss) measureColumns(_, lo, hi int) {
	first, second := l.moments[lo:hi], l.moments[l.width+lo:l.width+hi]
	clear(first)
	clear(second)
	for i, masked := range l.mask[:l.images*l.patches] {
		if masked == 0 {
			continue
		}
		for j, v := range l.x[i*l.width+lo : i*l.width+hi] {
			first[j] += float64(v)
			second[j] += float64(v) * float64(v)
		}
	}
}
