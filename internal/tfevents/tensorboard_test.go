package tfevents

import (
	"encoding/json"
	"math"
	"os/exec"
	"testing"
	"time"
)

// readBack prints what TensorBoard's own accumulator holds of a folder.
const readBack = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]); a.Reload()
print(json.dumps({t: [[e.step, e.value, e.wall_time] for e in a.Scalars(t)] for t in a.Tags()["scalars"]}))
`

// TestTensorBoardReads: the Python package reads a run that was killed after
// step 6 and resumed at step 4: each step once, the resumed values from 4 on.
func TestTensorBoardReads(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 in PATH")
	}
	if out, err := exec.Command(python, "-c", "import tensorboard").CombinedOutput(); err != nil {
		t.Skipf("python3 has no tensorboard package: %s", out)
	}
	dir := t.TempDir()
	start := time.Unix(1700000000, 0)
	run := func(from, to int64, offset float64) {
		begin := start.Add(time.Duration(offset) * time.Second)
		w, err := Create(dir, begin, from)
		if err != nil {
			t.Fatal(err)
		}
		for step := from; step < to; step++ {
			if err := w.Write(begin, step, Scalar{"train/loss", float64(step) + offset}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run(0, 7, 0)
	run(4, 9, 100)
	out, err := exec.Command(python, "-c", readBack, dir).Output()
	if err != nil {
		t.Fatalf("python: %v: %s", err, out)
	}
	var got map[string][][3]float64
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	points := got["train/loss"]
	if len(points) != 9 {
		t.Fatalf("%d points, want 9: %v", len(points), points)
	}
	for i, p := range points {
		want := float64(i)
		if i >= 4 {
			want += 100
		}
		if p[0] != float64(i) || math.Abs(p[1]-want) > 1e-4 {
			t.Errorf("point %d: step %v, value %v, want value %v", i, p[0], p[1], want)
		}
	}
}
