package gallery

import (
	"math"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/weights"
)

// encoder returns an untrained encoder whose parameters are all away from their
// first values, strongly enough that attention isn't even.
func encoder(t *testing.T, depth int, layerScale float64, norm bool) *weights.Encoder {
	t.Helper()
	c := nn.ViTConfig{ImageSize: 16, Patch: 4, Dim: 24, Depth: depth, Heads: 3, Tokens: 16, LayerScale: layerScale}
	e, err := (&weights.Encoder{ViT: c, FinalNorm: norm}).Untrained(1)
	if err != nil {
		t.Fatal(err)
	}
	e.Source = "test"
	state := uint64(1)
	for _, p := range e.Params {
		for i := range p.Data {
			state = state*6364136223846793005 + 1442695040888963407
			p.Data[i] += float32(int32(state>>32)) / (1 << 33) // up to a quarter
		}
	}
	return e
}

func startTeam(t *testing.T, threads int) *team.Team {
	t.Helper()
	team := team.New(threads)
	t.Cleanup(team.Close)
	return team
}

// TestAttentionIsTheEncoders: the class token's output of the last block,
// computed in float64 with these weights, is the encoder's own.
func TestAttentionIsTheEncoders(t *testing.T) {
	for _, c := range []struct {
		depth int
		scale float64
		norm  bool
	}{{1, 0, false}, {3, 0, true}, {2, 1, false}} {
		e := encoder(t, c.depth, c.scale, c.norm)
		a, err := NewAttention(e, 4, startTeam(t, 2))
		if err != nil {
			t.Fatal(err)
		}
		const n = 3
		images := make([]float32, n*3*16*16)
		for i := range images {
			images[i] = float32(math.Sin(float64(i) * .37 * float64(1+i/768)))
		}
		maps, err := a.Maps(images, n)
		if err != nil {
			t.Fatal(err)
		}
		bare := *e
		bare.FinalNorm = false
		whole, err := bare.Frozen(n, startTeam(t, 1))
		if err != nil {
			t.Fatal(err)
		}
		out, err := whole.Forward(images, n)
		if err != nil {
			t.Fatal(err)
		}
		in, err := a.trunk.Forward(images, n)
		if err != nil {
			t.Fatal(err)
		}
		uneven := false
		for i := range n {
			got := lastBlock(e, in[i*17*24:(i+1)*17*24], maps[i])
			for j, v := range got {
				if want := float64(out[i*17*24+j]); math.Abs(v-want) > 2e-5*max(1, math.Abs(want)) {
					t.Fatalf("%+v: image %d: channel %d of the class token: %v, the encoder has %v", c, i, j, v, want)
				}
			}
			for _, head := range maps[i] {
				uneven = uneven || slices.Max(head) > 2*slices.Min(head)
			}
		}
		if !uneven {
			t.Errorf("%+v: attention is even: the test can't tell it from any other", c)
		}
	}
}

// lastBlock computes the class token's output of the last block from its input
// [T, D] and the weights with which each head attends to the patches.
func lastBlock(e *weights.Encoder, in []float32, maps [][]float32) []float64 {
	const tokens, dim, width = 17, 24, 8
	param := func(name string) []float32 {
		for _, p := range e.Params {
			if strings.HasSuffix(p.Name, name) && strings.HasPrefix(p.Name, "blocks."+string(rune('0'+e.ViT.Depth-1))+".") {
				return p.Data
			}
		}
		return nil
	}
	norm := func(x []float64, name string) []float64 {
		mean, variance := 0.0, 0.0
		for _, v := range x {
			mean += v / dim
		}
		for _, v := range x {
			variance += (v - mean) * (v - mean) / dim
		}
		y := make([]float64, dim)
		for j, v := range x {
			y[j] = (v-mean)/math.Sqrt(variance+1e-6)*float64(param(name + ".weight")[j]) + float64(param(name + ".bias")[j])
		}
		return y
	}
	linear := func(x []float64, name string, from, rows int) []float64 {
		y := make([]float64, rows)
		for r := range y {
			y[r] = float64(param(name + ".bias")[from+r])
			for j, v := range x {
				y[r] += v * float64(param(name + ".weight")[(from+r)*len(x)+j])
			}
		}
		return y
	}
	add := func(x, y []float64, gamma string) {
		for j, v := range y {
			if g := param(gamma); g != nil {
				v *= float64(g[j])
			}
			x[j] += v
		}
	}
	token := func(t int) []float64 {
		x := make([]float64, dim)
		for j := range x {
			x[j] = float64(in[t*dim+j])
		}
		return x
	}
	attended := make([]float64, dim)
	for t := range tokens {
		value := linear(norm(token(t), "norm1"), "attn.qkv", 2*dim, dim)
		for j, v := range value {
			share := 1.0
			if t > 0 {
				share = float64(maps[j/width][t-1])
			} else {
				for _, w := range maps[j/width] {
					share -= float64(w)
				}
			}
			attended[j] += share * v
		}
	}
	x := token(0)
	add(x, linear(attended, "attn.proj", 0, dim), "ls1.gamma")
	hidden := linear(norm(x, "norm2"), "mlp.fc1", 0, 4*dim)
	for j, v := range hidden {
		hidden[j] = v / 2 * (1 + math.Erf(v/math.Sqrt2))
	}
	add(x, linear(hidden, "mlp.fc2", 0, dim), "ls2.gamma")
	return x
}

// TestPrincipalFindsTheAxes: rows made of three directions of known variance.
func TestPrincipalFindsTheAxes(t *testing.T) {
	const n, dim = 800, 6
	rows := make([]float32, n*dim)
	for i := range n {
		// Balanced signs: the three directions are uncorrelated. Uneven lengths.
		a, b, c := float32(1-2*(i&1)), float32(1-(i&2)), float32(1-(i&4)/2)
		rows[i*dim+4] = 10 + 3*a
		rows[i*dim+1] = -5 - 2*b
		rows[i*dim+2] = c
	}
	components, explained, err := principal(rows, dim)
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range []float64{9. / 14, 4. / 14, 1. / 14} {
		if math.Abs(explained[c]-want) > 1e-6 {
			t.Errorf("component %d explains %.4f, want %.4f", c, explained[c], want)
		}
	}
	for i := range 8 {
		want := [3]float64{float64(1 - i&1), float64(i & 2 / 2), float64(1 - i&4/4)} // axis 1 is turned to be positive
		for c, w := range want {
			if got := components[3*i+c]; math.Abs(got-w) > 1e-6 {
				t.Errorf("row %d, component %d: %v, want %v", i, c, got, w)
			}
		}
	}
	even, explained, err := principal(make([]float32, 4*dim), dim)
	if err != nil || explained != [3]float64{} || slices.ContainsFunc(even, func(v float64) bool { return v != .5 }) {
		t.Errorf("rows without variance: %v, %v, %v", even, explained, err)
	}
}
