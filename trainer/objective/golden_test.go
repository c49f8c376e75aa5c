package objective

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"siameseim/internal/safetensors"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// golden is one reference state: a network's values, a batch and what one
// forward and backward pass of it gives in float64.
type golden struct {
	t      *testing.T
	file   *safetensors.Reader
	config struct {
		Config
		Batch        int
		Seed         int
		Accumulation int
		Generated    map[string]struct {
			Shape         []int
			Offset, Scale float64
		}
	}
	yardstick struct {
		Float32 struct {
			Loss, Prediction, Target float64
			Grad                     map[string]float64
		}
	}
}

func goldenFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", "siameseim*.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no reference states in trainer/testdata")
	}
	return files
}

func openGolden(t *testing.T, path string) *golden {
	t.Helper()
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	g := &golden{t: t, file: file}
	if err := json.Unmarshal([]byte(file.Metadata()["config"]), &g.config); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(file.Metadata()["yardstick"]), &g.yardstick); err != nil {
		t.Fatal(err)
	}
	return g
}

// floats returns a tensor, stored or generated, or nil if there is none.
func (g *golden) floats(name string) []float32 {
	g.t.Helper()
	if spec, ok := g.config.Generated[name]; ok {
		n := 1
		for _, side := range spec.Shape {
			n *= side
		}
		return generate(g.config.Seed, name, n, spec.Offset, spec.Scale)
	}
	info, ok := g.file.Info(name)
	if !ok {
		return nil
	}
	values := make([]float32, info.Len())
	if err := g.file.Float32(name, values); err != nil {
		g.t.Fatal(err)
	}
	return values
}

func generate(seed int, name string, n int, offset, scale float64) []float32 {
	h := fnv.New64a()
	h.Write([]byte(jsonNumber(seed) + "/" + name))
	state := h.Sum64()
	values := make([]float32, n)
	for i := range values {
		z := state + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		values[i] = float32(offset + scale*(float64(z>>40)/(1<<23)-1))
	}
	return values
}

func jsonNumber(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}

// load puts the state into a model.
func (g *golden) load(m Model) {
	g.t.Helper()
	fill := func(name string, dst []float32) {
		values := g.floats(name)
		if len(values) != len(dst) {
			g.t.Fatalf("%s: %d values, the network has %d", name, len(values), len(dst))
		}
		copy(dst, values)
	}
	for _, p := range m.Params() {
		fill("param/"+p.Name, p.Data)
	}
	for _, p := range m.TargetParams() {
		fill("target/"+p.Name, p.Data)
	}
	for _, b := range m.Buffers() {
		fill("buffer/"+b.Name, b.Data)
	}
	for _, b := range m.TargetBuffers() {
		fill("target_buffer/"+b.Name, b.Data)
	}
}

// input returns rows [lo, hi) of the batch.
func (g *golden) input(lo, hi int) *nn.Input {
	g.t.Helper()
	must := func(err error) {
		if err != nil {
			g.t.Fatal(err)
		}
	}
	c := &g.config
	pixels, patches := 3*c.ImageSize*c.ImageSize, c.Patches()
	mask, crops := make([]uint8, c.Batch*patches), make([]int32, c.Batch*8)
	flips, sizes := make([]uint8, c.Batch*2), make([]int32, c.Batch*2)
	must(g.file.Uint8("input/mask", mask))
	must(g.file.Int32("input/crop", crops))
	must(g.file.Uint8("input/flip", flips))
	must(g.file.Int32("input/image_size", sizes))
	return &nn.Input{
		Batch: hi - lo, Size: c.ImageSize,
		View1: g.floats("input/view1")[lo*pixels : hi*pixels],
		View2: g.floats("input/view2")[lo*pixels : hi*pixels],
		Mask:  mask[lo*patches : hi*patches],
		Crop:  crops[lo*8 : hi*8], Flip: flips[lo*2 : hi*2], ImageSize: sizes[lo*2 : hi*2],
	}
}

// distance returns |got-want| and |want| for a tensor of which the file may
// hold a sample only.
func (g *golden) distance(name string, got []float32) (difference, norm float64) {
	g.t.Helper()
	want, stride, scale := g.floats("expect/"+name), 1, 1.0
	if want == nil {
		want = g.floats("expect/sample/" + name)
		if want == nil {
			g.t.Fatalf("expect/%s: missing", name)
		}
		stride = len(got) / len(want)
		scale = math.Sqrt(float64(stride)) // of a sample to the whole
	} else if len(want) != len(got) {
		g.t.Fatalf("expect/%s: %d values, got %d", name, len(want), len(got))
	}
	for i, v := range want {
		d := float64(got[i*stride]) - float64(v)
		difference += d * d
		norm += float64(v) * float64(v)
	}
	if stride > 1 {
		full := []float64{0}
		if err := g.file.Float64("expect/norm/"+name, full); err != nil {
			g.t.Fatal(err)
		}
		if own := l2(got); math.Abs(own-full[0]) > 1e-5*full[0] {
			g.t.Errorf("%s: norm %g, want %g", name, own, full[0])
		}
		return scale * math.Sqrt(difference), full[0]
	}
	return math.Sqrt(difference), math.Sqrt(norm)
}

func l2(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// One forward and backward pass of every reference state, by the bounds of
// docs/numerics.md. The steps that follow are tested in package trainer.
func TestGoldenGradients(t *testing.T) {
	for _, path := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".safetensors"), func(t *testing.T) {
			threads := team.New(2)
			defer threads.Close()
			g := openGolden(t, path)
			c := &g.config
			parts := c.Accumulation
			rows := c.Batch / parts
			model, err := New(c.Config, rows, threads, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			g.load(model)

			var loss float64
			var prediction, target, places []float32
			for part := range parts {
				in := g.input(part*rows, (part+1)*rows)
				one, err := model.Forward(in, nn.DropKey{Row: part * rows})
				if err != nil {
					t.Fatal(err)
				}
				loss += one / float64(parts)
				prediction = append(prediction, model.Prediction()...)
				target = append(target, model.Target()...)
				places = append(places, model.RelativeEmbedding()...)
				model.Backward(1 / float32(parts))
			}

			want := []float64{0}
			if err := g.file.Float64("expect/loss", want); err != nil {
				t.Fatal(err)
			}
			y := &g.yardstick.Float32
			check := func(what string, err, bound float64) {
				if !(err <= bound) {
					t.Errorf("%s: relative error %.3g, bound %.3g", what, err, bound)
				}
			}
			relative := func(name string, got []float32) float64 {
				d, n := g.distance(name, got)
				return d / n
			}
			check("loss", math.Abs(loss-want[0])/want[0], max(1e-6, 4*y.Loss))
			check("relative embedding", relative("relative_embedding", places), 1e-5)
			check("prediction", relative("prediction", prediction), max(1e-5, 4*y.Prediction))
			check("target", relative("target", target), max(1e-5, 4*y.Target))

			var global float64
			trained := 0
			for _, p := range model.Params() {
				if p.Grad != nil {
					global = math.Hypot(global, l2(p.Grad))
					trained++
				}
			}
			if trained != len(y.Grad) {
				t.Errorf("%d trained parameters, want %d", trained, len(y.Grad))
			}
			worst := 0.0
			for _, p := range model.Params() {
				if p.Grad == nil {
					continue
				}
				d, n := g.distance("grad/"+p.Name, p.Grad)
				e := d / max(n, 1e-2*global)
				worst = max(worst, e)
				check(p.Name, e, max(1e-5, 4*y.Grad[p.Name]))
			}
			t.Logf("loss %.2g, worst gradient %.2g", math.Abs(loss-want[0])/want[0], worst)
		})
	}
}
