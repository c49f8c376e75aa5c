package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/panjf2000/ants/v2"
	"go.uber.org/goleak"

	"siameseim/internal/dirlock"
	"siameseim/views"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("EXPERIMENT_TEST_CHILD"); dir != "" {
		child(dir)
	}
	ants.Release() // the package's own pool, which nobody asked for
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if whole != "" {
			os.RemoveAll(whole)
		}
		os.Exit(code)
	}))
}

// child is the process that TestKill kills.
func child(dir string) {
	cfg := quick(dir)
	_, err := Run(context.Background(), cfg, UI{Log: quiet, Step: func(s Status) {
		_, _ = os.Stdout.WriteString(strconv.Itoa(s.Step) + "\n")
		if s.Step == 5 {
			time.Sleep(time.Hour) // so that the kill comes between two checkpoints
		}
	}})
	if err != nil {
		panic(err)
	}
	os.Exit(0)
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// small is a run of eight steps of eight images, with a checkpoint every three
// steps and 20 samples an epoch.
func small(out string) Config {
	return Config{
		Preset: "micro", Objective: "siameseim", Data: []string{"builtin:shapes?count=20"}, Out: out, Resume: "auto",
		MaxSteps: 8, Batch: 8, Precision: "fp32", CheckpointEvery: 3, Keep: 0, Shuffle: 7, Interleave: 4,
		Workers: 2, Threads: 2, Seed: 3,
	}
}

// quick is small with a quarter of its patches.
func quick(out string) Config {
	cfg := small(out)
	cfg.Threads = 1
	cfg.Recipe = func(r *views.Recipe) error {
		if r.Size = 16; r.Mask.Kind != "" {
			r.Mask.Count = 9
		}
		return nil
	}
	return cfg
}

// whole is the folder of an uninterrupted run of quick, which several tests
// compare with; empty until one of them makes it.
var whole string

var makeWhole = sync.OnceValue(func() (err error) {
	if whole, err = os.MkdirTemp("", "experiment-test-"); err == nil {
		_, err = Run(context.Background(), quick(whole), UI{Log: quiet})
	}
	return err
})

// sameAsWhole compares a run of quick with an uninterrupted one.
func sameAsWhole(t *testing.T, got string) {
	t.Helper()
	if err := makeWhole(); err != nil {
		t.Fatal(err)
	}
	sameRun(t, got, whole)
}

func mustRun(t *testing.T, cfg Config) *Summary {
	t.Helper()
	s, err := Run(context.Background(), cfg, UI{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files reads the files below a folder by their path in it.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sameRun compares the checkpoints byte for byte, and the metrics but for what
// depends on the clock.
func sameRun(t *testing.T, got, want string) {
	t.Helper()
	a, b := files(t, filepath.Join(got, "checkpoints")), files(t, filepath.Join(want, "checkpoints"))
	if len(a) != len(b) || len(a) == 0 {
		t.Errorf("%d files of checkpoints, want %d", len(a), len(b))
	}
	for name := range b {
		if a[name] != b[name] {
			t.Errorf("%s differs", name)
		}
	}
	if x, y := steps(t, got), steps(t, want); x != y {
		t.Errorf("metrics differ:\n%s\nwant:\n%s", x, y)
	}
}

func steps(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, metricsName))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for text := range bytes.Lines(data) {
		var line map[string]any
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		delete(line, "images_per_s")
		delete(line, "wait_seconds")
		text, _ := json.Marshal(line)
		out.Write(append(text, '\n'))
	}
	return out.String()
}

func TestRunDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := quick(dir)
	cfg.EvalTrain, cfg.EvalTest = "builtin:shapes?count=60", "builtin:shapes?count=30&split=test"
	s := mustRun(t, cfg)
	if s.Steps != 8 || s.KNN == nil || s.KNNRaw == nil || s.KNNUntrained == nil || !(float64(s.Loss) > 0) {
		t.Errorf("summary %+v", s)
	}
	for _, name := range []string{configName, metricsName, reportName, "checkpoints/step-00000008/model.safetensors"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if events, _ := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*")); len(events) != 1 {
		t.Errorf("event files %q", events)
	}
	if n := strings.Count(steps(t, dir), `"loss"`); n != 8 {
		t.Errorf("%d lines of steps", n)
	}

	// A complete run trains and evaluates nothing again, and says the same.
	before := files(t, filepath.Join(dir, "checkpoints"))
	again, err := Run(context.Background(), cfg, UI{Log: quiet, Step: func(Status) { t.Error("a step of a complete run") }})
	if err != nil {
		t.Fatal(err)
	}
	if *again.KNN != *s.KNN || again.Loss != s.Loss || again.Checkpoint != s.Checkpoint {
		t.Errorf("again: %+v, first %+v", again, s)
	}
	if after := files(t, filepath.Join(dir, "checkpoints")); len(after) != len(before) {
		t.Errorf("%d files of checkpoints, before %d", len(after), len(before))
	}
}

func TestCheckpointsIndependentOfWorkersAndThreads(t *testing.T) {
	base := t.TempDir()
	for _, c := range []struct{ workers, threads int }{{1, 1}, {3, 2}, {1, 3}} { // the whole run has 2 and 1

		dir := filepath.Join(base, strconv.Itoa(c.workers)+"-"+strconv.Itoa(c.threads))
		cfg := quick(dir)
		cfg.Workers, cfg.Threads = c.workers, c.threads
		mustRun(t, cfg)
		sameAsWhole(t, dir)
	}
}

func TestResumeEqualsUninterrupted(t *testing.T) {
	base := t.TempDir()
	stops := []int{1, 2, 4, 6, 7}
	if testing.Short() {
		stops = []int{2, 6}
	}
	for _, at := range stops {
		dir := filepath.Join(base, strconv.Itoa(at))
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Run(ctx, quick(dir), UI{Log: quiet, Step: func(s Status) {
			if s.Step == at {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, ErrStopped) {
			t.Fatalf("stopped at %d: %v", at, err)
		}
		stopped := filepath.Join(dir, "checkpoints", "step-0000000"+strconv.Itoa(at))
		if _, err := os.Stat(stopped); err != nil {
			t.Errorf("no checkpoint of the step it stopped at: %v", err)
		}
		mustRun(t, quick(dir))
		if at%3 != 0 { // the uninterrupted run has none of this step
			os.RemoveAll(stopped)
		}
		sameAsWhole(t, dir)
	}
}

func TestKilledRunGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "killed")
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "EXPERIMENT_TEST_CHILD="+dir)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256)
	for seen := ""; !strings.Contains(seen, "5\n"); { // behind the checkpoint of step 3
		n, err := out.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", seen, err)
		}
		seen += string(buf[:n])
	}
	before := files(t, dir)
	_, err = Run(context.Background(), quick(dir), UI{Log: quiet})
	if !errors.Is(err, dirlock.ErrHeld) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), strconv.Itoa(command.Process.Pid)) {
		t.Errorf("beside a running process: %v", err)
	}
	if after := files(t, dir); after[configName] != before[configName] || !strings.HasPrefix(after[metricsName], before[metricsName]) {
		t.Error("the second process wrote to the folder")
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	mustRun(t, quick(dir))
	sameAsWhole(t, dir)
}

func TestStopInEachPhase(t *testing.T) {
	phases := map[string]bool{}
	cfg := quick(filepath.Join(t.TempDir(), "all"))
	cfg.MaxSteps = 2
	cfg.EvalTrain, cfg.EvalTest = "builtin:shapes?count=60", "builtin:shapes?count=30&split=test"
	if _, err := Run(context.Background(), cfg, UI{Log: quiet, Phase: func(p string) { phases[p] = true }}); err != nil {
		t.Fatal(err)
	}
	if len(phases) != 6 {
		t.Errorf("phases %v", phases)
	}
	for phase := range phases {
		t.Run(phase, func(t *testing.T) {
			cfg := cfg
			cfg.Out = filepath.Join(t.TempDir(), "run")
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			_, err := Run(ctx, cfg, UI{Log: quiet, Phase: func(p string) {
				if p == phase {
					cancel()
				}
			}})
			if !errors.Is(err, ErrStopped) {
				t.Errorf("error %v", err)
			}
			if s := mustRun(t, cfg); s.Steps != 2 || s.KNN == nil {
				t.Errorf("resumed: %+v", s)
			}
		})
	}
}
