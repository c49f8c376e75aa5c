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
	if out, err := exec.Command(path, "-c", "import webdataset, torch, numpy, PIL").CombinedOutput(); err != nil {
		t.Skipf("python3 lacks webdataset, PyTorch, NumPy or Pillow: %s", lastLine(out))
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
	for _, format := range []string{"jpeg", "png", "npy"} {
		cfg := config(writeSource(t, 6, 9))
		cfg.Format = format
		dir := t.TempDir()
		sum, err := WriteFolder(context.Background(), dir, cfg)
		if err != nil || sum.Samples != 24 {
			t.Fatalf("%+v, %v", sum, err)
		}
		// The names of keys are per shard, and the script wants them distinct:
		// one shard.
		cfg.ShardSamples = 100
		dir = t.TempDir()
		if _, err := WriteFolder(context.Background(), dir, cfg); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(interpreter, script, filepath.Join(dir, shardName(0)), "--size", "16", "--workers", "0", "--expect", "24").CombinedOutput()
		if err != nil || lastLine(out) != "ok" {
			t.Errorf("%s: %v\n%s", format, err, out)
		}
		if !strings.Contains(string(out), `"with_cls": 24`) {
			t.Errorf("%s: labels are missing: %s", format, out)
		}
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
