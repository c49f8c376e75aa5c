package finetune

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/evaluate"
	"siameseim/views"
	"siameseim/weights"
)

// pictures writes hues' images as a folder of PNG files for each class. With
// wrong, classes are drawn without a look at the image.
func pictures(t *testing.T, seed uint64, n int, wrong bool) string {
	t.Helper()
	dir := t.TempDir()
	b := hues(rand.New(rand.NewPCG(seed, 0)), n, wrong)
	for i := range n {
		im := image.NewNRGBA(image.Rect(0, 0, size, size))
		for p := range size * size {
			copy(im.Pix[4*p:], b.View1[(i*size*size+p)*3:][:3])
			im.Pix[4*p+3] = 255
		}
		class := filepath.Join(dir, fmt.Sprintf("class%02d", b.Labels[i]))
		if err := os.MkdirAll(class, 0o777); err != nil {
			t.Fatal(err)
		}
		var buffer bytes.Buffer
		if err := png.Encode(&buffer, im); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(class, fmt.Sprintf("%03d.png", i)), buffer.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// settings are those of a run of 12 steps, 3 an epoch.
func settings(t *testing.T) Settings {
	return Settings{
		Checkpoint: "untrained", Branch: "online", Train: []string{pictures(t, 1, 100, false)}, Val: []string{pictures(t, 2, 60, false)},
		Options: Options{
			Epochs: 4, Warmup: 1, Batch: 32, LR: .005, LayerDecay: .75, Mixup: .2, CutMix: .2, Smoothing: .1, DropPath: .1,
			EMA: .5, Head: "normal", Precision: "fp32", Scale: .5, Shuffle: 64,
		},
		Seed: 3, Keep: 3, Out: filepath.Join(t.TempDir(), "run"),
	}
}

func quiet() UI { return UI{Log: slog.New(slog.NewTextHandler(io.Discard, nil))} }

// results reads what a run leaves that another one of the same settings must
// leave too: classifiers, and the metrics without their rates.
func results(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range []string{lastName, bestName, metricsName, "checkpoints/step-00000012/model.safetensors",
		"checkpoints/step-00000012/optimizer.safetensors", "checkpoints/step-00000012/state.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(data)
	}
	var lines strings.Builder
	for line := range strings.Lines(all[metricsName]) {
		var values map[string]any
		if err := json.Unmarshal([]byte(line), &values); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		delete(values, "images_per_s")
		text, _ := json.Marshal(values)
		fmt.Fprintf(&lines, "%s\n", text)
	}
	all[metricsName] = lines.String()
	return all
}

// TestResumes: runs that are stopped after a step, in the middle of an epoch
// and at its end, or killed at any moment, end with the bytes of one that
// wasn't interrupted, whatever the threads.
func TestResumes(t *testing.T) {
	s, e := settings(t), small(t, 0)
	if _, err := Train(context.Background(), s, e, threads(t, 1), quiet()); err != nil {
		t.Fatal(err)
	}
	want := results(t, s.Out)
	if n := strings.Count(want[metricsName], "\n"); n != 12+4 {
		t.Errorf("%d lines of metrics", n)
	}
	check := func(name, dir string) {
		t.Helper()
		for file, text := range results(t, dir) {
			if text != want[file] {
				t.Errorf("%s: %s differs", name, file)
			}
		}
	}
	for _, stop := range []int{1, 3, 5, 11} {
		again, ui := s, quiet()
		again.Out = filepath.Join(t.TempDir(), "run")
		killed := filepath.Join(t.TempDir(), "killed")
		ctx, cancel := context.WithCancel(context.Background())
		ui.Step = func(st Status) {
			if st.Step == stop {
				if err := os.CopyFS(killed, os.DirFS(again.Out)); err != nil {
					t.Error(err)
				}
				cancel()
			}
		}
		if _, err := Train(ctx, again, e, threads(t, 1), ui); !errors.Is(err, ErrStopped) {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		if out, err := Train(context.Background(), again, e, threads(t, 2), quiet()); err != nil || out.Steps != 12 {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		check(fmt.Sprint("stopped at ", stop), again.Out)

		// A kill leaves half a line and half a checkpoint.
		f, err := os.OpenFile(filepath.Join(killed, metricsName), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(`{"step":99,"los`)
		f.Close()
		if err := os.MkdirAll(filepath.Join(killed, "checkpoints", "step-00000099.tmp"), 0o777); err != nil {
			t.Fatal(err)
		}
		again.Out = killed
		if _, err := Train(context.Background(), again, e, threads(t, 2), quiet()); err != nil {
			t.Fatalf("killed at %d: %v", stop, err)
		}
		check(fmt.Sprint("killed at ", stop), killed)
	}
	// A run that is done computes nothing, and says the same.
	ui := quiet()
	ui.Step = func(Status) { t.Error("a step of a run that is done") }
	out, err := Train(context.Background(), s, e, threads(t, 1), ui)
	if err != nil || out.Chosen == nil || out.Best == nil || out.Images != 100 {
		t.Fatalf("%+v, %v", out, err)
	}
	check("done", s.Out)
}

// TestClassifiersComeBack: last.safetensors, best.safetensors and the last
// checkpoint, loaded from disk, give the scores of the network in memory.
func TestClassifiersComeBack(t *testing.T) {
	s, e, team := settings(t), small(t, .5), threads(t, 1)
	out, err := Train(context.Background(), s, e, team, quiet())
	if err != nil {
		t.Fatal(err)
	}
	images := make([]float32, 4*3*size*size)
	for i := range images {
		images[i] = float32(i%19)/9 - 1
	}
	scores := func(e *weights.Encoder) []float32 {
		c, err := NewClassifier(e, 4, "", team)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, 4*c.Dim())
		c.Features(dst, images, 4)
		return dst
	}
	for _, c := range []struct {
		path, branch string
		want         *weights.Encoder
	}{
		{lastName, "online", out.Last}, {bestName, "online", out.Best},
		{"", "target", out.Last}, // the average, which is what is judged
	} {
		back, err := weights.Load(filepath.Join(s.Out, c.path), weights.Options{Branch: c.branch, Heads: 2})
		if err != nil {
			t.Fatal(err)
		}
		if back.Head == nil || !slices.Equal(back.Head.Labels, out.Last.Head.Labels) || !slices.Equal(scores(back), scores(c.want)) {
			t.Errorf("%q: another classifier", c.path)
		}
	}
	online, err := weights.Load(s.Out, weights.Options{})
	if err != nil || slices.Equal(scores(online), scores(out.Last)) {
		t.Errorf("the weights themselves are their average, %v", err)
	}
}

// TestRunLearns from folders, with both heads; with shuffled labels it stays at
// chance, which the probe can't hide.
func TestRunLearns(t *testing.T) {
	accuracy := func(s Settings) float64 {
		t.Helper()
		team := threads(t, 1)
		out, err := Train(context.Background(), s, small(t, 0), team, quiet())
		if err != nil {
			t.Fatal(err)
		}
		c, err := NewClassifier(out.Last, batchSize, "", team)
		if err != nil {
			t.Fatal(err)
		}
		tables, _, err := evaluate.Extract(context.Background(), evaluate.Data{URLs: []string{pictures(t, 9, 150, false)}, Batch: batchSize}, c)
		if err != nil {
			t.Fatal(err)
		}
		r, err := evaluate.Scores(tables[0], out.Last.Head.Labels, out.Images)
		if err != nil {
			t.Fatal(err)
		}
		return r.Accuracy
	}
	s := settings(t)
	s.Out, s.Val, s.EMA, s.Mixup, s.CutMix, s.Epochs = "", nil, 0, 0, 0, 12
	for _, head := range []string{"normal", "probe"} {
		s.Head = head
		if got := accuracy(s); got < .85 {
			t.Errorf("%s: %.3f", head, got)
		}
	}
	s.Train = []string{pictures(t, 1, 100, true)}
	if got := accuracy(s); got > .5 {
		t.Errorf("shuffled labels: %.3f, chance is .333", got)
	}
}

// TestProbeIsTheStart: with a vanishing rate the network classifies as the
// probe of its features does, above what a head near 0 would.
func TestProbeIsTheStart(t *testing.T) {
	s := settings(t)
	s.Out, s.EMA, s.Head, s.LR, s.Epochs = "", 0, "probe", 1e-12, 1
	out, err := Train(context.Background(), s, small(t, 0), threads(t, 1), quiet())
	if err != nil {
		t.Fatal(err)
	}
	if out.Chosen == nil || out.Chosen.Accuracy < .8 {
		t.Errorf("%+v before any training", out.Chosen)
	}
}

// TestMovedWeightsAreTheSame: a run goes on with the same weights from another
// path.
func TestMovedWeightsAreTheSame(t *testing.T) {
	s := settings(t)
	s.Epochs, s.Val = 1, nil
	for _, path := range []string{"here", "there"} {
		s.Checkpoint = path
		if _, err := Train(context.Background(), s, small(t, 0), threads(t, 1), quiet()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestBF16 learns, and its bits don't depend on threads either.
func TestBF16(t *testing.T) {
	c := quick(60)
	c.Precision = "bf16"
	if got, _ := tune(t, c, false, threads(t, 1)); got < .9 {
		t.Errorf("%.3f", got)
	}
	c.Steps, c.Warmup = 4, 0
	_, one := tune(t, c, false, threads(t, 1))
	_, two := tune(t, c, false, threads(t, 2))
	for i, p := range one.net.params {
		if !slices.Equal(p.Data, two.net.params[i].Data) {
			t.Errorf("%s differs with two threads", p.Name)
		}
	}
	if err := one.SetHead(make([]float32, 3*16), make([]float32, 3)); err == nil {
		t.Error("a head was set after steps")
	}
	if _, err := one.Step(views.NewBatch(1, size, 0)); err == nil {
		t.Error("a batch of one")
	}
}
