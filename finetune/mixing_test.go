package finetune

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestLayerDecay: after one step from zero moments a parameter has moved by
// its layer's rate.
func TestLayerDecay(t *testing.T) {
	c := quick(10)
	c.Warmup, c.WeightDecay, c.LayerDecay, c.LR = 0, 0, .5, 1e-3
	tuner, err := New(small(t, 0), []int64{4, 7, 11}, c, threads(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	var before [][]float32
	for _, p := range tuner.net.params {
		before = append(before, slices.Clone(p.Data))
	}
	if _, err := tuner.Step(hues(rand.New(rand.NewPCG(1, 0)), c.Batch, false)); err != nil {
		t.Fatal(err)
	}
	for i, p := range tuner.net.params {
		want := 1e-3
		switch {
		case strings.HasPrefix(p.Name, "patch_embed"), p.Name == "cls_token":
			want /= 8
		case strings.HasPrefix(p.Name, "blocks.0"):
			want /= 4
		case strings.HasPrefix(p.Name, "blocks.1"):
			want /= 2
		}
		moved := 0.0
		for j, v := range p.Data {
			moved = max(moved, math.Abs(float64(v-before[i][j])))
		}
		// AdamW's first step is the rate itself, whatever the gradient, but for
		// eps: gradients behind the first head are tiny.
		if moved > want*1.01 || moved < want*.3 {
			t.Errorf("%s moved by %g, want %g", p.Name, moved, want)
		}
	}
}

// TestMixing: shares are those of the pixels, every pair keeps all it has, and
// the draw is a pure function of seed and step.
func TestMixing(t *testing.T) {
	team := threads(t, 2)
	kinds := map[bool]int{}
	for step := range 200 {
		c := Config{Mixup: .8, CutMix: 1, Seed: 9}
		m := drawMixing(&c, step, size)
		if again := drawMixing(&c, step, size); again != m {
			t.Fatalf("step %d: %+v, then %+v", step, m, again)
		}
		kinds[m.cut]++
		if !(m.share >= 0 && m.share <= 1) {
			t.Fatalf("share %g", m.share)
		}
		const n, values = 4, 3 * size * size
		x := make([]float32, n*values)
		for i := range x {
			x[i] = float32(i / values)
		}
		m.images(x, n, size, team)
		for i := range n {
			own, sum := 0.0, 0.0
			for j := range values {
				v := float64(x[i*values+j])
				if v == float64(i) {
					own++
				}
				sum += v
				if pair := v + float64(x[(n-1-i)*values+j]); math.Abs(pair-(n-1)) > 1e-6 {
					t.Fatalf("step %d: a pair's pixels sum to %g", step, pair)
				}
			}
			mean := m.share*float64(i) + (1-m.share)*float64(n-1-i)
			if math.Abs(sum/values-mean) > 1e-5 {
				t.Fatalf("step %d: %+v: mean %g, the share says %g", step, m, sum/values, mean)
			}
			if m.cut && math.Abs(own/values-m.share) > 1e-9 {
				t.Fatalf("step %d: %g of the pixels are its own, the share is %g", step, own/values, m.share)
			}
		}
	}
	if kinds[true] < 60 || kinds[false] < 60 {
		t.Errorf("kinds of mixing: %v", kinds)
	}
	if m := drawMixing(&Config{}, 3, size); m.share != 1 {
		t.Errorf("no mixing: %+v", m)
	}
}

// TestCrossEntropy: known values.
func TestCrossEntropy(t *testing.T) {
	grad := make([]float32, 4)
	loss := crossEntropy(grad, []float32{0, 0, 0, 0}, []int32{0, 1}, 2, 1, 0)
	if math.Abs(loss-math.Ln2) > 1e-12 || grad[0] != -.25 || grad[1] != .25 || grad[3] != -.25 {
		t.Errorf("loss %g, gradient %v", loss, grad)
	}
	// With share .5 both rows have the same target.
	loss = crossEntropy(grad, []float32{0, 0, 0, 0}, []int32{0, 1}, 2, .5, .3)
	if math.Abs(loss-math.Ln2) > 1e-12 || grad[0] != 0 || grad[2] != 0 {
		t.Errorf("mixed: loss %g, gradient %v", loss, grad)
	}
}
