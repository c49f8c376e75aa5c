package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siameseim/cmd/internal/cli"
	"siameseim/evaluate"
	"siameseim/internal/safetensors"
)

// data is a small labelled split.
func data(split, count string) string {
	return "builtin:shapes?size=16&count=" + count + "&split=" + split
}

// TestProtocolsAsPrograms: every protocol prints one object with the keys that
// outside checks read, the same for any number of threads and workers, and a
// table for people.
func TestProtocolsAsPrograms(t *testing.T) {
	path := untrained(t)
	for _, protocol := range [][]string{
		{"knn"},
		{"knn", "--feature", "class", "--k", "5"},
		{"linear", "--epochs", "4", "--warmup", "1"},
		{"linear", "--optimiser", "sgd", "--rates", "0.1", "--epochs", "2", "--warmup", "0"},
		{"fewshot", "--per-class", "3"},
		{"fewshot", "--share", "0.2", "--draws", "2", "--strengths", "0.1"},
		{"finetune", "--epochs", "2", "--warmup", "1", "--batch", "16", "--ema", "0.9", "--mixup", "0.8", "--cutmix", "1", "--blr", "0.0005", "--head", "normal"},
		{"finetune", "--max-steps", "2", "--batch", "8", "--untrained", "--precision", "bf16", "--val", data("train", "30")},
	} {
		args := append(protocol, "--checkpoint", path, "--heads", "2", "--train", data("train", "100"), "--test", data("test", "40"), "--seed", "5")
		code, first, stderr := runEvaluate(append(args, "--json", "--threads", "1", "--workers", "1")...)
		if code != cli.ExitDone {
			t.Errorf("%v: exit %d: %s", protocol, code, stderr)
			continue
		}
		var s struct {
			Accuracy, Low, High  *float64
			Classes, Train, Test int
			PerClass             []evaluate.ClassResult `json:"per_class"`
			Seed                 uint64
		}
		if err := json.Unmarshal([]byte(first), &s); err != nil || strings.Count(first, "\n") != 1 {
			t.Fatalf("%v: %q: %v", protocol, first, err)
		}
		if s.Accuracy == nil || s.Low == nil || s.High == nil || *s.Low > *s.Accuracy || *s.High < *s.Accuracy ||
			s.Classes != 10 || s.Test != 40 || s.Train < 1 || s.Seed != 5 || len(s.PerClass) == 0 {
			t.Errorf("%v: %s", protocol, first)
		}
		if code, again, _ := runEvaluate(append(args, "--json", "--threads", "3", "--workers", "2")...); code != cli.ExitDone || again != first {
			t.Errorf("%v: other threads and workers: exit %d\n%s%s", protocol, code, first, again)
		}
		if code, text, _ := runEvaluate(append(args, "--quiet")...); code != cli.ExitDone || !strings.Contains(text, "of 40 images, 10 classes") {
			t.Errorf("%v: exit %d: %s", protocol, code, text)
		}
	}
}

// table writes a file of features.
func table(t *testing.T, dim int, values []float32, labels []int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "features.safetensors")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list := []safetensors.Tensor{{Name: "features", Shape: []int{len(values) / dim, dim}, Data: values}}
	if labels != nil {
		list = append(list, safetensors.Tensor{Name: "labels", Shape: []int{len(labels)}, Data: labels})
	}
	if err := safetensors.Write(f, nil, list); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFilesOfFeatures: what embed wrote is judged as what it was made from.
func TestFilesOfFeatures(t *testing.T) {
	path, dir := untrained(t), t.TempDir()
	files := map[string]string{}
	for split, count := range map[string]string{"train": "100", "test": "40"} {
		files[split] = filepath.Join(dir, split+".safetensors")
		code, _, stderr := runEvaluate("embed", "--checkpoint", path, "--heads", "2", "--data", data(split, count), "--out", files[split])
		if code != cli.ExitDone {
			t.Fatalf("embed: exit %d: %s", code, stderr)
		}
	}
	_, want, _ := runEvaluate("knn", "--checkpoint", path, "--heads", "2", "--train", data("train", "100"), "--test", data("test", "40"), "--json")
	code, got, stderr := runEvaluate("knn", "--checkpoint", "features", "--train", files["train"], "--test", files["test"], "--json")
	if code != cli.ExitDone || got != want {
		t.Errorf("exit %d: %s\n%s, want %s", code, stderr, got, want)
	}
}

// TestBadInput: each mistake has its message and its exit code.
func TestBadInput(t *testing.T) {
	path, dir := untrained(t), t.TempDir()
	evil := filepath.Join("..", "..", "internal", "pth", "testdata", "evil.pth")
	good := table(t, 2, []float32{1, 0, 0, 1, 1, 1, 2, 0}, []int64{0, 1, 1, 0})
	train, test := data("train", "100"), data("test", "40")
	for _, c := range []struct {
		name, want string
		code       int
		args       []string
	}{
		{"code in .pth", "refused", cli.ExitFailed, []string{"knn", "--checkpoint", evil, "--train", train, "--test", test}},
		{"no labels", "no label", cli.ExitFailed, []string{"knn", "--checkpoint", "features", "--train", table(t, 2, []float32{1, 0, 0, 1}, nil), "--test", good}},
		{"some labels", "1 of 2 samples have no label", cli.ExitFailed, []string{"linear", "--checkpoint", "features", "--train", table(t, 2, []float32{1, 0, 0, 1}, []int64{0, -1}), "--test", good}},
		{"one class", "all 2 samples are of class 3", cli.ExitFailed, []string{"fewshot", "--checkpoint", "features", "--train", table(t, 2, []float32{1, 0, 0, 1}, []int64{3, 3}), "--test", good}},
		{"NaN", "feature 1 of sample 0 is NaN", cli.ExitFailed, []string{"knn", "--checkpoint", "features", "--train", good, "--test", table(t, 2, []float32{1, float32(math.NaN())}, []int64{0})}},
		{"other width", "3 features a row, the train set has 2", cli.ExitFailed, []string{"knn", "--checkpoint", "features", "--train", good, "--test", table(t, 3, []float32{1, 2, 3}, []int64{0})}},
		{"not features", "no tensor called features", cli.ExitFailed, []string{"knn", "--checkpoint", "features", "--train", path, "--test", good}},
		{"image size", "must be a multiple of the patch, 4", cli.ExitFailed, []string{"knn", "--checkpoint", path, "--heads", "2", "--image-size", "18", "--train", train, "--test", test}},
		{"no such checkpoint", "no such file", cli.ExitFailed, []string{"knn", "--checkpoint", filepath.Join(dir, "x"), "--train", train, "--test", test}},
		{"not a checkpoint", "neither a run directory", cli.ExitFailed, []string{"knn", "--checkpoint", dir, "--train", train, "--test", test}},
		{"no branch", "no momentum branch", cli.ExitFailed, []string{"knn", "--checkpoint", path, "--heads", "2", "--branch", "target", "--train", train, "--test", test}},
		{"endless", "give it a count", cli.ExitFailed, []string{"knn", "--checkpoint", "pixels", "--train", "builtin:shapes", "--test", test}},
		{"no images", "no images", cli.ExitFailed, []string{"knn", "--checkpoint", "pixels", "--train", dir, "--test", test}},
		{"k", "--k 0", cli.ExitUsage, []string{"knn", "--checkpoint", "pixels", "--k", "0", "--train", train, "--test", test}},
		{"epochs", "0 epochs", cli.ExitUsage, []string{"linear", "--checkpoint", "pixels", "--epochs", "0", "--train", train, "--test", test}},
		{"share", "share 2", cli.ExitUsage, []string{"fewshot", "--checkpoint", "pixels", "--share", "2", "--train", train, "--test", test}},
		{"many a class", "are asked for", cli.ExitFailed, []string{"fewshot", "--checkpoint", "pixels", "--per-class", "90", "--train", train, "--test", test}},
		{"pixels tuned", "needs a network", cli.ExitUsage, []string{"finetune", "--checkpoint", "pixels", "--train", train, "--test", test}},
		{"stdin", "more than once", cli.ExitUsage, []string{"finetune", "--checkpoint", path, "--train", "-", "--test", test}},
		{"batch", "there are 100 training images", cli.ExitUsage, []string{"finetune", "--checkpoint", path, "--heads", "2", "--batch", "128", "--train", train, "--test", test}},
		{"odd batch", "must be even", cli.ExitUsage, []string{"finetune", "--checkpoint", path, "--heads", "2", "--batch", "9", "--mixup", "0.8", "--train", train, "--test", test}},
		{"untuned rate", "learning rate 0:", cli.ExitUsage, []string{"finetune", "--checkpoint", path, "--heads", "2", "--lr", "0", "--train", train, "--test", test}},
		{"no train", "missing flags: --train", cli.ExitUsage, []string{"knn", "--checkpoint", "pixels", "--test", test}},
	} {
		code, stdout, stderr := runEvaluate(c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%s: exit %d, %q %q, want %d, %q", c.name, code, stdout, stderr, c.code, c.want)
		}
	}
}

// TestFewerClassesInTest is legal, and the classes that are there are listed.
func TestFewerClassesInTest(t *testing.T) {
	train := table(t, 2, []float32{1, 0, .9, 0, 0, 1, 0, .9, -1, 0, -.9, 0}, []int64{0, 0, 1, 1, 2, 2})
	test := table(t, 2, []float32{2, 0, 0, 2}, []int64{0, 1})
	for _, protocol := range [][]string{{"knn", "--k", "2"}, {"linear", "--optimiser", "sgd", "--rates", "0.3"}, {"fewshot", "--per-class", "2", "--strengths", "1"}} {
		code, stdout, stderr := runEvaluate(append(protocol, "--checkpoint", "features", "--train", train, "--test", test, "--json")...)
		var s struct {
			Accuracy float64
			Classes  int
			PerClass []evaluate.ClassResult `json:"per_class"`
		}
		if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != cli.ExitDone || s.Accuracy != 1 || s.Classes != 3 || len(s.PerClass) != 2 {
			t.Errorf("%v: exit %d, %s%s", protocol, code, stdout, stderr)
		}
	}
}

// TestFinetuneDirectory: --out holds classifiers that the other commands read,
// the command goes on with a run that is done, and says what is wrong with a
// folder that isn't its own.
func TestFinetuneDirectory(t *testing.T) {
	path, out := untrained(t), filepath.Join(t.TempDir(), "tuned")
	args := []string{"finetune", "--checkpoint", path, "--heads", "2", "--train", data("train", "100"), "--test", data("test", "40"),
		"--val", data("test", "20"), "--epochs", "2", "--batch", "16", "--out", out}
	code, first, stderr := runEvaluate(append(args, "--json")...)
	var s struct {
		Accuracy float64
		Details  struct {
			Last   float64
			Best   struct{ Step int }
			Judged string
		}
	}
	if err := json.Unmarshal([]byte(first), &s); err != nil || code != cli.ExitDone || s.Details.Judged != "best" || s.Details.Best.Step%6 != 0 {
		t.Fatalf("exit %d, %v: %s%s", code, err, first, stderr)
	}
	if code, again, _ := runEvaluate(append(args, "--json", "--threads", "2")...); code != cli.ExitDone || again != first {
		t.Errorf("again: exit %d, %s, was %s", code, again, first)
	}
	if code, text, _ := runEvaluate(append(args, "--quiet")...); code != cli.ExitDone || !strings.Contains(text, "the best on the validation images") {
		t.Errorf("exit %d: %s", code, text)
	}
	// Other test images ask for no other training.
	if code, _, stderr := runEvaluate(append(args, "--test", data("test", "30"))...); code != cli.ExitDone || !strings.Contains(stderr, "all steps are done") {
		t.Errorf("other test images: exit %d: %s", code, stderr)
	}
	// The written configuration repeats the run.
	other := filepath.Join(t.TempDir(), "again")
	code, again, stderr := runEvaluate("finetune", "--config", filepath.Join(out, "config.yaml"), "--test", data("test", "40"), "--out", other, "--json")
	if code != cli.ExitDone || again != first {
		t.Errorf("--config: exit %d: %s%s, was %s", code, again, stderr, first)
	}
	for _, name := range []string{"", "best.safetensors", "last.safetensors"} {
		file := filepath.Join(t.TempDir(), "timm.safetensors")
		code, text, stderr := runEvaluate("export", "--checkpoint", filepath.Join(out, name), "--out", file)
		if code != cli.ExitDone || !strings.Contains(text, "num_classes=10, global_pool='avg'") {
			t.Errorf("export %q: exit %d: %s%s", name, code, text, stderr)
		}
		if name == "" {
			continue
		}
		want, _ := os.ReadFile(filepath.Join(out, name))
		if got, _ := os.ReadFile(file); len(got) == 0 || len(want) == 0 {
			t.Errorf("%s: %d bytes, exported again %d", name, len(want), len(got))
		}
	}
	if code, _, stderr := runEvaluate("knn", "--checkpoint", out, "--train", data("train", "50"), "--test", data("test", "20")); code != cli.ExitDone {
		t.Errorf("knn of a fine-tuned network: exit %d: %s", code, stderr)
	}
	if code, _, stderr := runEvaluate(append(args, "--lr", "0.1")...); code != cli.ExitUsage || !strings.Contains(stderr, "lr is 0.002 there, 0.1 in this run") {
		t.Errorf("another rate: exit %d: %s", code, stderr)
	}
	if code, _, stderr := runEvaluate(append(args, "--untrained")...); code != cli.ExitUsage || !strings.Contains(stderr, "started from other weights") {
		t.Errorf("other weights: exit %d: %s", code, stderr)
	}
}
