package trainer

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/safetensors"
	"siameseim/trainer/nn"
)

// referenceCase is one file of reference states: an independent implementation's weights, inputs, and what it
// computed from them in float64.
type referenceCase struct {
	*safetensors.Reader
	config    Config
	batch     int
	seed      uint64
	generated map[string]generatedTensor
	tolerance tolerance
	yard      yardstick       // at the tolerance's precision
	used      map[string]bool // tensors of the file that the test has read
}

// generatedTensor is one that the file doesn't hold: value i is offset + scale*u(i).
type generatedTensor struct {
	Shape         []int
	Offset, Scale float64
}

// yardstick holds the reference's own errors at a precision against float64, relative L2.
type yardstick struct {
	Loss, Prediction, Target float64
	StepLosses               float64            `json:"step_losses"`
	GradNorms                float64            `json:"grad_norms"`
	Grad                     map[string]float64 `json:"grad"`
	ParamAfter               map[string]float64 `json:"param_after"`
}

func openCase(t *testing.T, path string, tol tolerance) *referenceCase {
	t.Helper()
	r, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c := &referenceCase{Reader: r, tolerance: tol, used: make(map[string]bool)}
	var extra struct {
		Batch     int
		Seed      uint64
		Generated map[string]generatedTensor
	}
	var yards struct{ Float32, Bfloat16 yardstick }
	for key, into := range map[string][]any{"config": {&c.config, &extra}, "yardstick": {&yards}} {
		for _, v := range into {
			if err := json.Unmarshal([]byte(r.Metadata()[key]), v); err != nil {
				t.Fatalf("%s: metadata %s: %v", path, key, err)
			}
		}
	}
	c.batch, c.seed, c.generated, c.yard = extra.Batch, extra.Seed, extra.Generated, yards.Float32
	if tol.precision == nn.BF16 {
		c.yard = yards.Bfloat16
	}
	return c
}

func (c *referenceCase) has(name string) bool {
	_, stored := c.Info(name)
	_, generated := c.generated[name]
	return stored || generated
}

// names lists the tensors below a prefix, stored or generated, without it.
func (c *referenceCase) names(prefix string) []string {
	var list []string
	for _, name := range c.Names() {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			list = append(list, rest)
		}
	}
	for name := range c.generated {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			list = append(list, rest)
		}
	}
	return list
}

func (c *referenceCase) float32s(t *testing.T, name string) []float32 {
	t.Helper()
	if g, ok := c.generated[name]; ok {
		return g.values(c.seed, name)
	}
	info, _ := c.Info(name)
	x := make([]float32, info.Len())
	if err := c.Float32(name, x); err != nil {
		t.Fatal(err)
	}
	c.used[name] = true
	return x
}

func (c *referenceCase) float64s(t *testing.T, name string) []float64 {
	t.Helper()
	info, _ := c.Info(name)
	x := make([]float64, info.Len())
	if err := c.Float64(name, x); err != nil {
		t.Fatal(err)
	}
	c.used[name] = true
	return x
}

// values follows the formula of the reference states' description: splitmix64 from FNV-1a of "SEED/TENSOR".
func (g generatedTensor) values(seed uint64, name string) []float32 {
	n := 1
	for _, s := range g.Shape {
		n *= s
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", seed, name)
	state := h.Sum64()
	x := make([]float32, n)
	for i := range x {
		state += 0x9E3779B97F4A7C15
		z := state
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		x[i] = float32(g.Offset + g.Scale*(float64(z>>40)/(1<<23)-1))
	}
	return x
}

// input reads the whole batch: what of it the objective has.
func (c *referenceCase) input(t *testing.T) *nn.Input {
	t.Helper()
	in := &nn.Input{Batch: c.batch, Size: c.config.ImageSize, View1: c.float32s(t, "input/view1")}
	if c.has("input/view2") {
		in.View2 = c.float32s(t, "input/view2")
	}
	for name, dst := range map[string]*[]uint8{"input/mask": &in.Mask, "input/flip": &in.Flip} {
		if info, ok := c.Info(name); ok {
			*dst = make([]uint8, info.Len())
			if err := c.Uint8(name, *dst); err != nil {
				t.Fatal(err)
			}
			c.used[name] = true
		}
	}
	for name, dst := range map[string]*[]int32{"input/crop": &in.Crop, "input/image_size": &in.ImageSize} {
		if info, ok := c.Info(name); ok {
			*dst = make([]int32, info.Len())
			if err := c.Int32(name, *dst); err != nil {
				t.Fatal(err)
			}
			c.used[name] = true
		}
	}
	return in
}

// join puts the micro-batches' predictions or targets together as the file has them: image by image, or
// [2, B, out] where the first index is the view.
func (c *referenceCase) join(parts [][]float32, what string) []float32 {
	if info, ok := c.Info("expect/" + what); !c.config.WholeViews() || ok && info.Shape[0] != 2 {
		return slices.Concat(parts...)
	}
	var views [2][]float32
	for _, part := range parts {
		half := len(part) / 2
		views[0], views[1] = append(views[0], part[:half]...), append(views[1], part[half:]...)
	}
	return slices.Concat(views[0], views[1])
}

// fill puts the state as given into a model: parameters and buffers of both branches, each name once.
func (c *referenceCase) fill(t *testing.T, tr *Trainer) {
	t.Helper()
	var count int
	put := func(name string, data []float32) {
		t.Helper()
		if !c.has(name) {
			t.Fatalf("the network has %s, the case doesn't", name)
		}
		x := c.float32s(t, name)
		if len(x) != len(data) {
			t.Fatalf("%s: %d values, the network has %d", name, len(x), len(data))
		}
		copy(data, x)
		count++
	}
	for _, p := range tr.model.Params() {
		put("param/"+p.Name, p.Data)
		p.Changed()
	}
	for _, p := range tr.model.TargetParams() {
		put("target/"+p.Name, p.Data)
		p.Changed()
	}
	for _, b := range tr.model.Buffers() {
		put("buffer/"+b.Name, b.Data)
	}
	for _, b := range tr.model.TargetBuffers() {
		put("target_buffer/"+b.Name, b.Data)
	}
	want := 0
	for _, prefix := range []string{"param/", "target/", "buffer/", "target_buffer/"} {
		want += len(c.names(prefix))
	}
	if count != want {
		t.Fatalf("the case has %d parameters and buffers, the network %d", want, count)
	}
}

// expected is one expectation: whole, or its norm and a sample of every stride-th value.
type expected struct {
	values []float32
	stride int // 1: whole
	norm   float64
	size   int // of the whole; 0 if unknown
}

func (c *referenceCase) expect(t *testing.T, key string) expected {
	t.Helper()
	if _, ok := c.Info("expect/" + key); ok {
		x := c.float32s(t, "expect/"+key)
		return expected{values: x, stride: 1, norm: norm(x), size: len(x)}
	}
	return expected{values: c.float32s(t, "expect/sample/"+key), norm: c.float64s(t, "expect/norm/"+key)[0]}
}

// error is the relative L2 error of got, measured against at least floor; of a sampled expectation the larger
// of the sample's and the norm's.
func (e expected) error(t *testing.T, got []float32, floor float64) float64 {
	t.Helper()
	if e.stride == 0 {
		e.stride, e.size = len(got)/len(e.values), len(got)
	}
	if e.size != len(got) {
		t.Fatalf("%d values, %d are expected", len(got), e.size)
	}
	sum := 0.0
	for i, want := range e.values {
		d := float64(got[i*e.stride]) - float64(want)
		sum += d * d
	}
	share := math.Sqrt(float64(len(e.values)) / float64(len(got))) // of the floor that falls on a sample
	err := ratio(math.Sqrt(sum), max(norm(e.values), floor*share))
	return max(err, ratio(math.Abs(norm(got)-e.norm), max(e.norm, floor)))
}

// ratio is a/b, and 0 for 0/0.
func ratio(a, b float64) float64 {
	if a == 0 {
		return 0
	}
	return a / b
}

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// caseName is FILE of the sub-test FILE/fp32.
func caseName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".safetensors") }
