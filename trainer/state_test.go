package trainer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siameseim/internal/safetensors"
	"siameseim/internal/team"
	"siameseim/trainer/checkpoint"
	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
)

// saved saves to a folder of its own and returns the checkpoint's path.
func saved(t *testing.T, tr *Trainer) string {
	t.Helper()
	store, err := checkpoint.NewStore(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tr.Save(store, map[string]int{"answer": 42})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func opened(t *testing.T, path string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// fileBytes gives a checkpoint's files as one string each.
func fileBytes(t *testing.T, path string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range []string{checkpoint.ModelFile, checkpoint.OptimizerFile, checkpoint.StateFile} {
		b, err := os.ReadFile(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(b)
	}
	return all
}

func sameFiles(t *testing.T, what, a, b string) {
	t.Helper()
	x, y := fileBytes(t, a), fileBytes(t, b)
	for name := range x {
		if x[name] != y[name] {
			t.Errorf("%s: %s differs", what, name)
		}
	}
}

func TestCheckpointIndependentOfThreads(t *testing.T) {
	forEachPrecision(t, func(t *testing.T, change func(*Config)) {
		var want string
		for _, options := range [][]Option{nil, {Recompute()}} {
			for _, threads := range []int{1, 2, 3} {
				tr := newSmall(t, threads, change, options...)
				steps(t, tr, 4)
				path := saved(t, tr)
				if want == "" {
					want = path
					continue
				}
				sameFiles(t, fmt.Sprintf("%d threads, %d options", threads, len(options)), want, path)
			}
		}
	})
}

// forEachPrecision runs a test for a configuration of each precision.
func forEachPrecision(t *testing.T, test func(t *testing.T, change func(*Config))) {
	for _, precision := range []nn.Precision{nn.FP32, nn.BF16} {
		t.Run(string(precision), func(t *testing.T) {
			test(t, func(c *Config) { c.Precision = precision })
		})
	}
}

// TestResumeIsTheUninterruptedRun cuts a run at each step; a skipped step is among them, and one part goes on
// with more threads.
func TestResumeIsTheUninterruptedRun(t *testing.T) {
	run := func(tr *Trainer) string {
		for !tr.Done() {
			poison(t, tr)
			steps(t, tr, 1)
		}
		return saved(t, tr)
	}
	forEachPrecision(t, func(t *testing.T, change func(*Config)) {
		want := run(newSmall(t, 1, change))
		for k := 0; k <= smallConfig().Steps; k++ {
			first := newSmall(t, 1, change)
			for range k {
				poison(t, first)
				steps(t, first, 1)
			}
			second := newSmall(t, 1+k/6%2, change)
			if k%3 == 0 {
				steps(t, second, 1) // what it has computed by now must not matter
			}
			if err := second.Resume(opened(t, saved(t, first))); err != nil {
				t.Fatal(err)
			}
			if second.StepsDone() != k || second.Position() != first.Position() || second.BadSamples() != first.BadSamples() {
				t.Errorf("resumed at step %d, position %v", second.StepsDone(), second.Position())
			}
			sameFiles(t, "cut at step "+string(rune('0'+k)), want, run(second))
		}
	})
}

// poison makes step 4 fail: a NaN in one input, by way of the table that normalises pixels.
func poison(t *testing.T, tr *Trainer) {
	t.Helper()
	table := *tr.input.table
	if table[0][7] = float32(7); tr.StepsDone() == 3 {
		table[0][7] = float32(math.NaN())
	}
	tr.input.table = &table
}

func TestResumeRefusesAnother(t *testing.T) {
	tr := newSmall(t, 1, nil)
	steps(t, tr, 2)
	path := saved(t, tr)
	for _, c := range []struct {
		change func(*Config)
		want   []string
	}{
		{func(c *Config) { c.Dim = 32 }, []string{"dim is 16 there, 32 in this run", "state.json"}},
		{func(c *Config) { c.DecoderNorm = "layer" }, []string{"decoder_norm is batch there, layer"}},
		{func(c *Config) { c.Precision = nn.BF16 }, []string{"precision is  there, bf16 in this run"}},
		{func(c *Config) { c.LR = 1 }, []string{"lr is 0.01 there, 1 in"}},
		{func(c *Config) { c.Steps = 9 }, []string{"steps is 8 there, 9"}},
	} {
		other := newSmall(t, 1, c.change)
		steps(t, other, 1)
		before := fileBytes(t, saved(t, other))
		err := other.Resume(opened(t, path))
		for _, want := range append(c.want, path) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v doesn't say %q", err, want)
			}
		}
		if after := fileBytes(t, saved(t, other)); after[checkpoint.ModelFile] != before[checkpoint.ModelFile] || after[checkpoint.StateFile] != before[checkpoint.StateFile] {
			t.Error("a refused checkpoint changed the trainer")
		}
	}
	seed, err := New(smallConfig(), smallBatch, 1, 6)
	if err != nil {
		t.Fatal(err)
	}
	defer seed.Close()
	if err := seed.Resume(opened(t, path)); err == nil || !strings.Contains(err.Error(), "seed is 5 there, 6") {
		t.Errorf("another seed: %v", err)
	}
	batch, err := New(smallConfig(), 2*smallBatch, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close()
	if err := batch.Resume(opened(t, path)); err == nil || !strings.Contains(err.Error(), "batch is 6 there, 12") {
		t.Errorf("another batch: %v", err)
	}
}

// TestTensorsThatDontFit writes checkpoints whose files lie about the configuration.
func TestTensorsThatDontFit(t *testing.T) {
	tr := newSmall(t, 1, nil)
	for _, c := range []struct {
		name   string
		change func(model []safetensors.Tensor) []safetensors.Tensor
		want   string
	}{
		{"missing", func(m []safetensors.Tensor) []safetensors.Tensor { return m[1:] }, "not in the file"},
		{"more", func(m []safetensors.Tensor) []safetensors.Tensor {
			return append(m, safetensors.Tensor{Name: "stranger", Shape: []int{1}, Data: []float32{1}})
		}, "stranger"},
		{"shape", func(m []safetensors.Tensor) []safetensors.Tensor {
			m[2] = safetensors.Tensor{Name: m[2].Name, Shape: []int{1}, Data: []float32{1}}
			return m
		}, "shape [1] there"},
		{"type", func(m []safetensors.Tensor) []safetensors.Tensor {
			m[2].DType, m[2].Data = safetensors.F16, make([]uint16, len(m[2].Data.([]float32)))
			return m
		}, "type F16"},
	} {
		var model, optimizer []safetensors.Tensor
		for _, x := range modelTensors(tr.model) {
			model = append(model, safetensors.Tensor{Name: x.name, Shape: x.shape, Data: x.data})
		}
		for _, x := range tr.momentTensors() {
			optimizer = append(optimizer, safetensors.Tensor{Name: x.name, Shape: x.shape, Data: x.data})
		}
		store, err := checkpoint.NewStore(t.TempDir(), 0)
		if err != nil {
			t.Fatal(err)
		}
		path, err := store.Save(checkpoint.State{Step: 1, Model: c.change(model), Optimizer: optimizer,
			State: State{Config: tr.config, Batch: smallBatch, Seed: 5}})
		if err != nil {
			t.Fatal(err)
		}
		err = tr.Resume(opened(t, path))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), checkpoint.ModelFile) {
			t.Errorf("%s: %v", c.name, err)
		}
		if tr.StepsDone() != 0 {
			t.Errorf("%s: the trainer moved to step %d", c.name, tr.StepsDone())
		}
	}
}

// TestTruncatedCheckpoint: resuming says which file is cut, and that an older one is there.
func TestTruncatedCheckpoint(t *testing.T) {
	store, err := checkpoint.NewStore(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	tr := newSmall(t, 1, nil)
	var path string
	for range 2 {
		steps(t, tr, 1)
		if path, err = tr.Save(store, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(path, checkpoint.OptimizerFile), 1000); err != nil {
		t.Fatal(err)
	}
	var damaged *checkpoint.DamagedError
	err = newSmall(t, 1, nil).Resume(opened(t, path))
	if !errors.As(err, &damaged) || damaged.File != checkpoint.OptimizerFile || damaged.Older != "step-00000001" {
		t.Errorf("got %v", err)
	}
}

func TestLoadWeights(t *testing.T) {
	tr := newSmall(t, 1, nil)
	steps(t, tr, 3)
	c := opened(t, saved(t, tr))
	threads := team.New(1)
	defer threads.Close()
	cfg := smallConfig().Config
	model, err := objective.New(cfg, 1, threads, 77, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := LoadWeights(model, cfg, c); err != nil {
		t.Fatal(err)
	}
	for i, x := range modelTensors(model) {
		for j, v := range modelTensors(tr.model)[i].data {
			if x.data[j] != v {
				t.Fatalf("%s[%d] is %v, want %v", x.name, j, x.data[j], v)
			}
		}
	}
	cfg.Depth = 3
	if err := LoadWeights(model, cfg, c); err == nil || !strings.Contains(err.Error(), "depth is 2 there, 3 here") {
		t.Errorf("another depth: %v", err)
	}
	state, err := ReadState(c)
	if err != nil || string(state.Run) == "" || state.Config != tr.Config() {
		t.Errorf("state %+v, %v", state, err)
	}
}

// TestStateHoldsNothingOfTheMachine looks for keys that begin with such words.
func TestStateHoldsNothingOfTheMachine(t *testing.T) {
	text := fileBytes(t, saved(t, newSmall(t, 3, nil)))[checkpoint.StateFile]
	for _, word := range []string{`"thread`, `"worker`, `"time`, `"path`, `"dir`, `"host`, `"rate`, `"second`, `"images_per`} {
		if strings.Contains(text, word) {
			t.Errorf("state.json says %q:\n%s", word, text)
		}
	}
}
