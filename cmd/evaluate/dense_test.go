package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siameseim/cmd/internal/cli"
	"siameseim/export"
	"siameseim/trainer/nn"
	"siameseim/weights"
)

// runEvaluate runs the program and returns its exit code and what it printed.
func runEvaluate(args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	env := &cli.Env{Context: context.Background(), Program: "evaluate", Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errOut}
	code = cli.Main(env, description, &grammar{})
	return code, out.String(), errOut.String()
}

// untrained writes the weights of a small network to a file.
func untrained(t *testing.T) string {
	t.Helper()
	e, err := (&weights.Encoder{ViT: nn.ViTConfig{ImageSize: 16, Patch: 4, Dim: 16, Depth: 2, Heads: 2, Tokens: 16}}).Untrained(3)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if _, err := export.WriteTimm(path, e, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDenseCommand: --json prints one object with each encoder's figures, the
// same for any number of threads; tables have them for people.
func TestDenseCommand(t *testing.T) {
	args := []string{"dense", "--checkpoint", untrained(t), "--data", "builtin:shapes?size=16&count=20",
		"--train", "builtin:shapes?size=16&count=20", "--test", "builtin:shapes?size=24&count=10&split=test"}
	code, first, stderr := runEvaluate(append(args, "--json", "--threads", "1")...)
	if code != cli.ExitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var s struct {
		Locate struct {
			Images, Queries int
			Chance          float64
			SamePlace       float64 `json:"same_place"`
			Encoders        map[string]struct {
				Share struct{ Value, Low, High float64 }
				Error float64
			}
		}
		Segment struct {
			Train, Test int
			Encoders    map[string]struct {
				MeanIoU struct{ Value float64 } `json:"mean_iou"`
			}
		}
	}
	if err := json.Unmarshal([]byte(first), &s); err != nil {
		t.Fatalf("%v: %s", err, first)
	}
	for _, name := range denseNames {
		if e := s.Locate.Encoders[name]; !(e.Share.Low <= e.Share.Value && e.Share.Value <= e.Share.High && e.Share.Value > 0) {
			t.Errorf("%s: %+v", name, e)
		}
		if s.Segment.Encoders[name].MeanIoU.Value <= 0 {
			t.Errorf("%s: no mean IoU", name)
		}
	}
	if s.Locate.Chance <= 0 || s.Segment.Train != 20 || s.Segment.Test != 10 {
		t.Errorf("%+v", s)
	}
	if _, again, _ := runEvaluate(append(args, "--json", "--threads", "3", "--workers", "3")...); again != first {
		t.Errorf("with three threads:\n%s, with one:\n%s", again, first)
	}
	code, text, _ := runEvaluate(append(args, "--only", "locate")...)
	if code != cli.ExitDone || !strings.Contains(text, "raw pixels") || strings.Count(text, "without position") != 2 || !strings.Contains(text, "chance") || strings.Contains(text, "Segment") {
		t.Errorf("exit %d:\n%s", code, text)
	}
}

// TestExportAndEmbedCommands: what is exported is read again, to the same
// features.
func TestExportAndEmbedCommands(t *testing.T) {
	dir, from := t.TempDir(), untrained(t)
	to := filepath.Join(dir, "again.safetensors")
	code, text, stderr := runEvaluate("export", "--checkpoint", from, "--out", to)
	if code != cli.ExitDone || !strings.Contains(text, "model = timm.create_model('vit_base_patch16_224', num_classes=0, final_norm=False, img_size=16,") || !strings.Contains(text, "strict=True") {
		t.Fatalf("exit %d: %s%s", code, text, stderr)
	}
	var files [2][]byte
	for i, checkpoint := range []string{from, to} {
		out := filepath.Join(dir, "f.safetensors")
		code, text, stderr := runEvaluate("embed", "--checkpoint", checkpoint, "--data", "builtin:shapes?count=5", "--tokens", "all", "--out", out, "--json")
		var s embedSummary
		if err := json.Unmarshal([]byte(text), &s); code != cli.ExitDone || err != nil || s.Images != 5 || len(s.Shape) != 3 || s.Shape[1] != 17 {
			t.Fatalf("exit %d: %s%s", code, text, stderr)
		}
		var err error
		if files[i], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("other features")
	}
}

func TestGalleryCommand(t *testing.T) {
	dir := t.TempDir()
	out, names := filepath.Join(dir, "page.html"), filepath.Join(dir, "names.txt")
	if err := os.WriteFile(names, []byte("alpha\r\nbeta\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, text, stderr := runEvaluate("gallery", "--checkpoint", untrained(t), "--pool", "30", "--count", "9", "--classes", names, "--out", out)
	page, err := os.ReadFile(out)
	if code != cli.ExitDone || err != nil || !strings.Contains(text, "9 images, neighbours out of 30") {
		t.Fatalf("exit %d: %s%s%v", code, text, stderr, err)
	}
	if n := strings.Count(string(page), "<section>"); n != 9 || !strings.Contains(string(page), "beta") || !strings.Contains(string(page), "builtin:shapes?size=16") {
		t.Errorf("%d images on the page", n)
	}
	code, text, _ = runEvaluate("gallery", "--checkpoint", untrained(t), "--pool", "3", "--count", "1", "--out", "-")
	if code != cli.ExitDone || !strings.HasPrefix(text, "<!DOCTYPE html>") || !strings.HasSuffix(text, "</html>\n") {
		t.Errorf("exit %d: %.60s", code, text)
	}
}

func TestDenseErrors(t *testing.T) {
	net, dir := untrained(t), t.TempDir()
	blocked := filepath.Join(net, "below-a-file.html")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{cli.ExitUsage, "give a network", []string{"dense", "--checkpoint", "pixels"}},
		{cli.ExitUsage, "go together", []string{"dense", "--checkpoint", net, "--train", "builtin:shapes?count=3"}},
		{cli.ExitUsage, "--k 0", []string{"dense", "--checkpoint", net, "--k", "0"}},
		{cli.ExitUsage, "view2.blur_p", []string{"dense", "--checkpoint", net, "--view2.blur-p", "2"}},
		{cli.ExitFailed, "endless", []string{"dense", "--checkpoint", net, "--data", "builtin:shapes"}},
		{cli.ExitFailed, "no-such.tar", []string{"dense", "--checkpoint", net, "--data", "no-such.tar"}},
		{cli.ExitFailed, "no-such.pth", []string{"dense", "--checkpoint", "no-such.pth"}},
		{cli.ExitFailed, "multiple of the patch", []string{"dense", "--checkpoint", net, "--image-size", "18"}},
		{cli.ExitUsage, "no weights to export", []string{"export", "--checkpoint", "pixels"}},
		{cli.ExitUsage, "--out is needed", []string{"export", "--checkpoint", net}},
		{cli.ExitFailed, "export: ", []string{"export", "--checkpoint", net, "--out", blocked + ".safetensors"}},
		{cli.ExitUsage, "that ending", []string{"export", "--checkpoint", net, "--out", filepath.Join(dir, "x.pth")}},
		{cli.ExitUsage, "--out", []string{"embed", "--checkpoint", net, "--data", "builtin:shapes?count=3"}},
		{cli.ExitUsage, ".npy or .safetensors", []string{"embed", "--checkpoint", net, "--data", "builtin:shapes?count=3", "--out", "x.csv"}},
		{cli.ExitUsage, "only a network", []string{"embed", "--checkpoint", "pixels", "--data", "builtin:shapes?count=3", "--out", "x.npy"}},
		{cli.ExitFailed, "endless", []string{"embed", "--checkpoint", net, "--data", "builtin:shapes", "--out", filepath.Join(dir, "x.npy")}},
		{cli.ExitFailed, "gallery: ", []string{"gallery", "--checkpoint", net, "--pool", "2", "--out", blocked}},
		{cli.ExitUsage, "--count 0", []string{"gallery", "--checkpoint", net, "--count", "0", "--out", "x.html"}},
		{cli.ExitUsage, "--classes", []string{"gallery", "--checkpoint", net, "--classes", "no-such.txt", "--out", "x.html"}},
	} {
		code, _, stderr := runEvaluate(c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %q; want %d, %q", c.args[:1], code, stderr, c.code, c.want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
