package viewshard

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python skips the test unless a Python with webdataset and PyTorch is there.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	// Looking for them is much quicker than importing them.
	const find = `
import importlib.util, sys
sys.exit(", ".join(m for m in ("webdataset", "torch", "numpy", "PIL") if importlib.util.find_spec(m) is None) or None)`
	if out, err := exec.Command(path, "-c", find).CombinedOutput(); err != nil {
		t.Skipf("python3 lacks a package: %s", lastLine(out))
	}
	return path
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// The shards are read as a user does, with webdataset and PyTorch.
func TestReadViews(t *testing.T) {
	script := filepath.Join("..", "..", "shared", "peers", "read_views.py")
	if _, err := os.Stat(script); err != nil {
		t.Skip("shared scripts are absent")
	}
	interpreter := python(t)
	args := []string{script, "--size", "16", "--workers", "0", "--expect", "72"}
	for _, format := range []string{"jpeg", "png", "npy"} {
		cfg := config(writeSourceAs(t, format, 6, 9))
		cfg.Format = format
		cfg.ShardSamples = 100 // keys are made distinct within a shard, and the script wants them all distinct
		dir := t.TempDir()
		if sum, err := WriteFolder(context.Background(), dir, cfg); err != nil || sum.Samples != 24 {
			t.Fatalf("%+v, %v", sum, err)
		}
		args = append(args, filepath.Join(dir, shardName(0)))
	}
	out, err := exec.Command(interpreter, args...).CombinedOutput()
	if err != nil || lastLine(out) != "ok" || !strings.Contains(string(out), `"with_cls": 72`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// webdataset's .decode() reads batches as they are.
func TestReadBatches(t *testing.T) {
	interpreter := python(t)
	cfg := config(writeSource(t, 6, 9))
	cfg.Batch, cfg.Dtype = 5, "float16"
	dir := t.TempDir()
	if _, err := WriteFolder(context.Background(), dir, cfg); err != nil {
		t.Fatal(err)
	}
	const script = `
import sys, webdataset
n = []
for s in webdataset.WebDataset(sys.argv[1:], shardshuffle=False).decode():
    a = {k: (str(v.dtype), v.shape[1:]) for k, v in s.items() if k.endswith("npy")}
    assert a == {"view1.npy": ("float16", (3, 16, 16)), "view2.npy": ("float16", (3, 16, 16)),
                 "crop.npy": ("int32", (2, 4)), "flip.npy": ("uint8", (2,)), "image_size.npy": ("int32", (2,)),
                 "relative.npy": ("float64", (6,)), "label.npy": ("int64", ())}, a
    assert len(s["json"]["keys"]) == len(s["view1.npy"]) == len(s["label.npy"])
    n.append(len(s["label.npy"]))
print(n)
`
	args := []string{"-c", script}
	for i := range 5 {
		args = append(args, filepath.Join(dir, shardName(i)))
	}
	out, err := exec.Command(interpreter, args...).CombinedOutput()
	if err != nil || lastLine(out) != "[5, 5, 5, 5, 4]" {
		t.Errorf("%v\n%s", err, out)
	}
}
