package gallery

import (
	"bytes"
	"context"
	"encoding/base64"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"siameseim/evaluate"
	"siameseim/internal/shapes"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/webdataset"
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

func collect(t *testing.T, e *weights.Encoder, d evaluate.Data, threads int, o Options) *Gallery {
	t.Helper()
	g, err := Collect(context.Background(), d, e, startTeam(t, threads), o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// shard writes pictures of builtin:shapes, every one twice under two keys.
func twins(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := webdataset.NewWriter(&b)
	set := shapes.Set{Size: 16, Split: "train"}
	var painter shapes.Painter
	for i := range n {
		pix := make([]uint8, 16*16*3)
		set.Draw(&painter, pix, nil, int64(i/2))
		page := &Page{Gallery: &Gallery{Size: 16}}
		var image bytes.Buffer
		if err := png.Encode(&image, page.picture(pix)); err != nil {
			t.Fatal(err)
		}
		key := []string{"left", "right <b>"}[i%2] + string(rune('a'+i/2))
		if err := w.Write(&webdataset.Sample{Key: key, Fields: []webdataset.Field{{Name: "png", Data: image.Bytes()}, {Name: "cls", Data: []byte{'0' + byte(i/2)}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "twins.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTwinsAreNeighbours: the nearest to each image is its twin, never itself.
func TestTwinsAreNeighbours(t *testing.T) {
	g := collect(t, encoder(t, 2, 0, false), evaluate.Data{URLs: []string{twins(t, 10)}, Batch: 3}, 2, Options{Count: 20, Pool: 50, Neighbours: 4, Classes: []string{"zero", "one"}})
	if len(g.Images) != 10 || g.Pool != 10 || g.Size != 16 || g.Grid != 4 {
		t.Fatalf("%d images of %d, size %d, grid %d", len(g.Images), g.Pool, g.Size, g.Grid)
	}
	for _, m := range g.Images {
		for _, list := range [][]Neighbour{m.Nearest, m.NearestRaw} {
			if len(list) != 4 || list[0].Key[len(list[0].Key)-1] != m.Key[len(m.Key)-1] || list[0].Key == m.Key || math.Abs(float64(list[0].Cosine)-1) > 1e-5 || list[1].Cosine > list[0].Cosine {
				t.Errorf("%q: neighbours %q %v, %q %v", m.Key, list[0].Key, list[0].Cosine, list[1].Key, list[1].Cosine)
			}
		}
		if len(m.Components) != 3*16 || len(m.Attention) != 3 || len(m.Attention[0]) != 16 {
			t.Errorf("%q: %d components, %d maps", m.Key, len(m.Components), len(m.Attention))
		}
	}
	if a, b, c := g.Images[0].Label, g.Images[2].Label, g.Images[9].Label; a != "zero" || b != "one" || c != "4" {
		t.Errorf("labels %q, %q, %q", a, b, c)
	}
}

// TestPageIndependentOfThreads: the page has the same bytes for any number of
// threads, workers and any batch; another seed shows other images.
func TestPageIndependentOfThreads(t *testing.T) {
	e := encoder(t, 2, 0, true)
	o := Options{Count: 3, Pool: 30, Neighbours: 2, Seed: 1}
	var first []byte
	for i, c := range []struct{ threads, workers, batch int }{{1, 1, 8}, {3, 2, 5}} {
		var b bytes.Buffer
		g := collect(t, e, evaluate.Data{URLs: []string{"builtin:shapes?size=16&count=100"}, Batch: c.batch, Workers: c.workers}, c.threads, o)
		if g.Pool != 30 || len(g.Images) != 3 {
			t.Errorf("%d images of a pool of %d", len(g.Images), g.Pool)
		}
		if err := (&Page{Gallery: g, Title: "t"}).Write(&b); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = b.Bytes()
		} else if !bytes.Equal(b.Bytes(), first) {
			t.Errorf("%+v: another page", c)
		}
	}
	o.Seed = 2
	other := collect(t, e, evaluate.Data{URLs: []string{"builtin:shapes?size=16&count=100"}, Batch: 8}, 1, o)
	var b bytes.Buffer
	if err := (&Page{Gallery: other, Title: "t"}).Write(&b); err != nil || bytes.Equal(b.Bytes(), first) {
		t.Errorf("another seed: the same page (%v)", err)
	}
}

// TestPageIsWhole: every picture of the page is a PNG inside of it, of the right
// size, nothing is fetched, and keys are text.
func TestPageIsWhole(t *testing.T) {
	g := collect(t, encoder(t, 1, 0, false), evaluate.Data{URLs: []string{twins(t, 4)}, Batch: 4}, 1, Options{Count: 4, Pool: 4, Neighbours: 1})
	var b bytes.Buffer
	if err := (&Page{Gallery: g, Title: "<title>", Facts: []Fact{{"a & b", "<i>"}}}).Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if strings.Contains(text, "<b>a") || strings.Contains(text, "<i>") || strings.Contains(text, "http") || strings.Contains(text, "<script") {
		t.Error("a key or a fact is markup, or something is fetched")
	}
	sizes := map[int]int{}
	for _, m := range regexp.MustCompile(`src="data:image/png;base64,([^"]*)"`).FindAllStringSubmatch(strings.ReplaceAll(text, "&#43;", "+"), -1) {
		data, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil {
			t.Fatal(err)
		}
		im, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		sizes[im.Bounds().Dx()]++
	}
	// Of each image: itself, the mean, 3 heads, 2 neighbours; and its components.
	if want := map[int]int{16: 4 * 7, 4: 4}; !reflect.DeepEqual(sizes, want) {
		t.Errorf("pictures by width: %v, want %v", sizes, want)
	}
}

func TestHeat(t *testing.T) {
	p := &Page{Gallery: &Gallery{Size: 4, Grid: 2}}
	white := bytes.Repeat([]uint8{255}, 4*4*3)
	im := p.heat(white, []float32{0, .1, .2, .4})
	for _, c := range []struct{ x, y, r, g int }{{0, 0, 18, 12}, {1, 1, 18, 12}, {2, 0, 94, 24}, {0, 3, 186, 54}, {3, 3, 252, 255}} {
		if r, g, _, _ := im.At(c.x, c.y).RGBA(); int(r>>8) != c.r || int(g>>8) != c.g {
			t.Errorf("pixel (%d, %d): %d, %d, want %d, %d", c.y, c.x, r>>8, g>>8, c.r, c.g)
		}
	}
	if r, _, _, _ := p.heat(white, make([]float32, 4)).At(3, 3).RGBA(); r>>8 != 18 {
		t.Errorf("no attention at all: red %d", r>>8)
	}
}

func TestCollectErrors(t *testing.T) {
	good, broken := encoder(t, 1, 0, false), encoder(t, 1, 0, false)
	broken.Params[len(broken.Params)-1].Data[0] = float32(math.NaN())
	for _, c := range []struct {
		name, data string
		e          *weights.Encoder
		o          Options
		want       string
	}{
		{"NaN", "builtin:shapes?size=16&count=2", broken, Options{Count: 1, Pool: 2}, `sample "shape-00000000": feature 0 is NaN`},
		{"missing", "missing.tar", good, Options{Count: 1, Pool: 2}, "missing.tar"},
		{"endless", "builtin:shapes?size=16", good, Options{Count: 1, Pool: 2}, "endless"},
		{"nothing to show", "builtin:shapes?size=16&count=2", good, Options{Count: 0, Pool: 2}, "too small"},
	} {
		_, err := Collect(context.Background(), evaluate.Data{URLs: []string{c.data}, Batch: 2}, c.e, startTeam(t, 1), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	one := collect(t, good, evaluate.Data{URLs: []string{"builtin:shapes?size=16&count=1"}, Batch: 2}, 1, Options{Count: 3, Pool: 3, Neighbours: 3})
	if len(one.Images) != 1 || len(one.Images[0].Nearest) != 0 {
		t.Errorf("of one image: %d shown, %d neighbours", len(one.Images), len(one.Images[0].Nearest))
	}
}
