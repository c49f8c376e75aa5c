package trainer

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
)

// tolerance bounds a step against the reference in float64: a relative L2 error may be the larger of the base
// below and so many times the reference's own error at that precision (the case's yardstick).
type tolerance struct {
	precision nn.Precision
	times     float64
	loss      float64
	tensor    float64 // gradients, prediction, target
	stepLoss  float64
	gradNorm  float64 // over ten steps, in which bfloat16's errors grow: fourfold the yardstick at either precision
	after     float64 // parameters after the steps, where AdamW divides by gradients near zero; 0: not compared
}

var (
	tolerance32 = tolerance{nn.FP32, 4, 1e-6, 1e-5, 1e-6, 1e-6, 3e-6}
	tolerance16 = tolerance{nn.BF16, 2, 3e-3, 3e-3, 3e-3, 3e-3, 0}
)

const (
	embeddingBound = 1e-5
	bufferBound    = 1e-4
	gradientFloor  = 1e-2 // of the global norm: what a small gradient is measured against
)

// TestReferenceStates runs the cases in testdata, which are those of the shared reference states, and in the
// folder that SIAMESEIM_REFERENCE_DIR names.
func TestReferenceStates(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.safetensors"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("testdata holds no cases: %v", err)
	}
	if dir := os.Getenv("SIAMESEIM_REFERENCE_DIR"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if len(more) == 0 {
			t.Fatalf("SIAMESEIM_REFERENCE_DIR is set, and %s holds no cases", dir)
		}
		paths = append(paths, more...)
	}
	for _, path := range paths {
		t.Run(caseName(path), func(t *testing.T) {
			for _, tol := range []tolerance{tolerance32, tolerance16} {
				t.Run(string(tol.precision), func(t *testing.T) { testReference(t, path, tol) })
			}
		})
	}
}

func testReference(t *testing.T, path string, tol tolerance) {
	c := openCase(t, path, tol)
	threads := 1 // the bits are the same; the small cases are too small to share
	if c.generated != nil {
		threads = 2
	}
	c.config.Precision = tol.precision
	tr, err := New(c.config, c.batch, threads, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	in := c.input(t)
	c.fill(t, tr)
	checkGradient(t, c, tr, in)
	c.fill(t, tr) // that pass moved the BatchNorm averages
	checkSteps(t, c, tr, in)
	for _, name := range c.Names() {
		if !c.used[name] && (tol.after > 0 || !strings.Contains(name, "_after/")) {
			t.Errorf("%s was not compared", name)
		}
	}
}

func (tol tolerance) bound(base, yard float64) float64 { return max(base, tol.times*yard) }

func within(t *testing.T, what string, err, bound float64) {
	t.Helper()
	if !(err <= bound) {
		t.Errorf("%s: relative error %.3g, the bound is %.3g", what, err, bound)
	}
}

// checkGradient makes one forward and backward pass of the state as given: no momentum update before it.
func checkGradient(t *testing.T, c *referenceCase, tr *Trainer, in *nn.Input) {
	tr.gradients.Zero(tr.team)
	tol := c.tolerance
	var loss float64
	var prediction, target, embedding [][]float32
	for row := 0; row < c.batch; row += tr.micro {
		part := rows(in, row, tr.micro)
		l, err := tr.model.Forward(&part, nn.DropKey{})
		if err != nil {
			t.Fatal(err)
		}
		loss += l / float64(c.config.Accumulation)
		prediction = append(prediction, slices.Clone(tr.model.Prediction()))
		target = append(target, slices.Clone(tr.model.Target()))
		embedding = append(embedding, slices.Clone(tr.model.RelativeEmbedding()))
		tr.model.Backward(1 / float32(c.config.Accumulation))
	}
	want := c.float64s(t, "expect/loss")[0]
	within(t, "loss", math.Abs(loss-want)/c.lossSize(want), tol.bound(tol.loss, c.yard.Loss))
	within(t, "prediction", c.expect(t, "prediction").error(t, c.join(prediction, "prediction"), 0), tol.bound(tol.tensor, c.yard.Prediction))
	if tr.model.Target() != nil {
		within(t, "target", c.expect(t, "target").error(t, c.join(target, "target"), 0), tol.bound(tol.tensor, c.yard.Target))
	}
	if tr.model.RelativeEmbedding() != nil {
		within(t, "relative_embedding", c.expect(t, "relative_embedding").error(t, slices.Concat(embedding...), 0), embeddingBound)
	}

	expects := make(map[string]expected)
	sum := 0.0
	for _, p := range tr.model.Params() {
		if p.Trained() {
			e := c.expect(t, "grad/"+p.Name)
			expects[p.Name] = e
			sum += e.norm * e.norm
		}
	}
	for _, p := range tr.model.Params() {
		if e, ok := expects[p.Name]; ok {
			within(t, "gradient of "+p.Name, e.error(t, p.Grad, gradientFloor*math.Sqrt(sum)), tol.bound(tol.tensor, c.yard.Grad[p.Name]))
		}
	}
}

// lossSize is what an error of a loss is measured against.
func (c *referenceCase) lossSize(loss float64) float64 {
	if c.config.Objective == objective.SimSiam {
		return max(math.Abs(loss), .5) // half a mean of cosines, in which they cancel
	}
	return math.Abs(loss)
}

// checkSteps makes the whole steps: rate 0 in the first, whose gradient still enters AdamW's moments.
func checkSteps(t *testing.T, c *referenceCase, tr *Trainer, in *nn.Input) {
	tol := c.tolerance
	var losses, norms []float32
	wantLosses, wantNorms := c.float64s(t, "expect/step_losses"), c.float64s(t, "expect/grad_norms")
	var lossErr, normErr, lossSum, normSum float64
	for k := range c.config.Steps {
		m, err := tr.StepInput(in)
		if err != nil {
			t.Fatal(err)
		}
		losses, norms = append(losses, float32(m.Loss)), append(norms, float32(m.GradNorm))
		lossErr += (m.Loss - wantLosses[k]) * (m.Loss - wantLosses[k])
		normErr += (m.GradNorm - wantNorms[k]) * (m.GradNorm - wantNorms[k])
		lossSum += c.lossSize(wantLosses[k]) * c.lossSize(wantLosses[k])
		normSum += wantNorms[k] * wantNorms[k]
	}
	within(t, "step_losses", math.Sqrt(lossErr/lossSum), tol.bound(tol.stepLoss, c.yard.StepLosses))
	within(t, "grad_norms", math.Sqrt(normErr/normSum), max(tol.gradNorm, 4*c.yard.GradNorms))
	if t.Failed() {
		t.Logf("losses %v\nwant   %v\nnorms  %v\nwant   %v", losses, wantLosses, norms, wantNorms)
	}

	if tol.after == 0 {
		return
	}
	for _, p := range tr.model.Params() {
		checkAfter(t, c, "param_after/", p, p.Trained())
	}
	for _, p := range tr.model.TargetParams() {
		// A frozen parameter's momentum copy moves too: it differed when the case began.
		checkAfter(t, c, "target_after/", p, true)
	}
	for _, b := range tr.model.Buffers() {
		within(t, "buffer "+b.Name, c.expect(t, "buffer_after/"+b.Name).error(t, b.Data, 0), bufferBound)
	}
	for _, b := range tr.model.TargetBuffers() {
		within(t, "target buffer "+b.Name, c.expect(t, "target_buffer_after/"+b.Name).error(t, b.Data, 0), bufferBound)
	}
}

// checkAfter compares a parameter after the steps. A momentum branch's has the bound of the online one. One
// that can't have moved must not have. The key third of a qkv.bias, whose true gradient is zero, may be off by
// steps * lr in each element, as AdamW makes steps of rounding noise; the other two thirds are then measured
// by the weight's yardstick, since their own holds that noise.
func checkAfter(t *testing.T, c *referenceCase, prefix string, p *nn.Param, moves bool) {
	t.Helper()
	e := c.expect(t, prefix+p.Name)
	limit := c.tolerance.bound(c.tolerance.after, c.yard.ParamAfter[p.Name])
	if !moves {
		limit = 1e-12 // the order in which a stored norm was summed
	}
	got := p.Data
	if strings.HasSuffix(p.Name, "attn.qkv.bias") {
		third := len(got) / 3
		for i := third; i < 2*third; i++ {
			if d := math.Abs(float64(got[i] - e.values[i])); d > float64(c.config.Steps)*c.config.LR {
				t.Errorf("%s%s[%d]: differs by %g, more than steps * lr", prefix, p.Name, i, d)
			}
		}
		got = append(slices.Clone(got[:third]), got[2*third:]...)
		e.values = append(slices.Clone(e.values[:third]), e.values[2*third:]...)
		e.size, e.norm = len(got), norm(e.values)
		limit = c.tolerance.bound(c.tolerance.after, c.yard.ParamAfter[strings.TrimSuffix(p.Name, "bias")+"weight"])
	}
	within(t, prefix+p.Name, e.error(t, got, 0), limit)
}
