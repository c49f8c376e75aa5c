package finetune

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"siameseim/internal/team"
)

// mixing is what one step does to its images: image i and image B-1-i are
// mixed with each other, as timm's Mixup does for a whole batch at once.
type mixing struct {
	share                    float64 // of the image itself; 1: no mixing
	cut                      bool
	top, left, height, width int // of the box that is replaced, with cut
}

// drawMixing draws a step's mixing, a pure function of seed and step: with
// both kinds on, each is taken half of the time (mixup: Zhang et al. 2018,
// cutmix: Yun et al. 2019).
func drawMixing(c *Config, step, size int) mixing {
	rng := rand.NewPCG(c.Seed, 0x6d69780000000000|uint64(step)) // "mix"
	uniform := rand.New(rng)
	cut := c.CutMix > 0 && (c.Mixup == 0 || uniform.Float64() < .5)
	switch {
	case cut:
		stays := distuv.Beta{Alpha: c.CutMix, Beta: c.CutMix, Src: rng}.Rand()
		m := mixing{cut: true}
		m.top, m.height = span(uniform, size, stays)
		m.left, m.width = span(uniform, size, stays)
		// The box is cut at the edge: the share is what is left in fact.
		m.share = 1 - float64(m.height*m.width)/float64(size*size)
		return m
	case c.Mixup > 0:
		return mixing{share: distuv.Beta{Alpha: c.Mixup, Beta: c.Mixup, Src: rng}.Rand()}
	}
	return mixing{share: 1}
}

// span places one side of cutmix's box: sqrt(1 - stays) of the image, around a
// uniform centre, cut at the edges.
func span(rng *rand.Rand, size int, stays float64) (start, length int) {
	half := int(float64(size)*math.Sqrt(1-stays)) / 2
	centre := rng.IntN(size)
	start = max(centre-half, 0)
	return start, min(centre+half, size) - start
}

// images mixes normalised images [n, 3, size, size] in place.
func (m *mixing) images(x []float32, n, size int, threads *team.Team) {
	if m.share == 1 {
		return
	}
	values := 3 * size * size
	threads.Do(n/2, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			a, b := x[i*values:(i+1)*values], x[(n-1-i)*values:(n-i)*values]
			if m.cut {
				m.swap(a, b, size)
				continue
			}
			s, r := float32(m.share), float32(1-m.share)
			for j, v := range a {
				a[j], b[j] = float32(s*v)+float32(r*b[j]), float32(s*b[j])+float32(r*v)
			}
		}
	})
}

// swap exchanges the box of two images.
func (m *mixing) swap(a, b []float32, size int) {
	for channel := range 3 {
		for y := m.top; y < m.top+m.height; y++ {
			at := (channel*size+y)*size + m.left
			for j := at; j < at+m.width; j++ {
				a[j], b[j] = b[j], a[j]
			}
		}
	}
}

// crossEntropy returns the mean over rows of -sum target*log softmax(score)
// and puts its gradient in dscores. A row's target is its own class by share
// and its partner's by the rest, each smoothed: 1 - s + s/C for the class, s/C
// for the others.
func crossEntropy(dscores, scores []float32, classOf []int32, classes int, share, smoothing float64) float64 {
	n := len(classOf)
	total := 0.0
	exp := make([]float64, classes)
	for i, class := range classOf {
		row, grad := scores[i*classes:(i+1)*classes], dscores[i*classes:(i+1)*classes]
		partner := classOf[n-1-i]
		top := math.Inf(-1)
		for _, v := range row {
			top = max(top, float64(v))
		}
		sum := 0.0
		for j, v := range row {
			exp[j] = math.Exp(float64(v) - top)
			sum += exp[j]
		}
		logSum := top + math.Log(sum)
		for j, v := range row {
			target := smoothing / float64(classes)
			if j == int(class) {
				target += (1 - smoothing) * share
			}
			if j == int(partner) {
				target += (1 - smoothing) * (1 - share)
			}
			total -= target * (float64(v) - logSum)
			grad[j] = float32((exp[j]/sum - target) / float64(n))
		}
	}
	return total / float64(n)
}
