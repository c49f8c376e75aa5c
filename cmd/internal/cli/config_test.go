package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/views"
)

type testCommand struct {
	Common
	RecipeFlags
	Data  []string `sep:"none"`
	Batch int      `default:"32"`
	LR    float64  `name:"lr" default:"1"`
	seen  func(*testCommand)
}

func (c *testCommand) Run(*Env) error { c.seen(c); return nil }

func run(t *testing.T, args ...string) (seen *testCommand, code int, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	env := &Env{Context: context.Background(), Program: "test", Args: args, Stdout: &out, Stderr: &errOut}
	grammar := struct {
		Run testCommand `cmd:"" default:"withargs"`
	}{testCommand{seen: func(c *testCommand) { copied := *c; seen = &copied }}}
	code = Main(env, "a test", &grammar)
	return seen, code, errOut.String()
}

func yamlFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagsOverFileOverEnvironmentOverDefault(t *testing.T) {
	t.Setenv("SIAMESEIM_BATCH", "8")
	t.Setenv("SIAMESEIM_LR", "2")
	t.Setenv("SIAMESEIM_SEED", "5")
	t.Setenv("SIAMESEIM_VIEW1_BLUR_P", "0.25")
	file := yamlFile(t, "batch: 16\nlr: 3\nrecord:\n  anything: goes\n")
	for _, c := range []struct {
		name  string
		args  []string
		batch int
		lr    float64
	}{
		{"environment over default", nil, 8, 2},
		{"file over environment", []string{"--config", file}, 16, 3},
		{"flag over file", []string{"--config", file, "--batch", "64"}, 64, 3},
		{"flag over environment", []string{"--batch=64"}, 64, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, code, stderr := run(t, c.args...)
			if code != ExitDone {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			if got.Batch != c.batch || got.LR != c.lr || got.Seed != 5 {
				t.Errorf("batch %d, lr %v, seed %d; want %d, %v, 5", got.Batch, got.LR, got.Seed, c.batch, c.lr)
			}
			if got.View1.BlurP == nil || *got.View1.BlurP != .25 {
				t.Errorf("view1.blur-p = %v, want 0.25", got.View1.BlurP)
			}
		})
	}
}

func TestFileNestsAndTakesLists(t *testing.T) {
	file := yamlFile(t, `
data: ["a-{0,1}.tar", "b.tar"]
same_crop: true
size: 32
view1:
  scale: [0.2, 1]
  blur_p: 0.5
view2:
  jitter: [0.4, 0.4, 0.2, 0.1]
`)
	got, code, stderr := run(t, "run", "--config", file)
	if code != ExitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if !slices.Equal(got.Data, []string{"a-{0,1}.tar", "b.tar"}) {
		t.Errorf("data %q", got.Data)
	}
	recipe := views.DefaultRecipe()
	if err := got.Apply(&recipe); err != nil {
		t.Fatal(err)
	}
	want := views.DefaultRecipe()
	want.Size, want.SameCrop, want.View1.Scale, want.View1.BlurP = 32, true, [2]float64{.2, 1}, .5
	if recipe != want {
		t.Errorf("recipe %+v\nwant %+v", recipe, want)
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string // in the message
	}{
		{"unknown flag", []string{"--no-such"}, "no-such"},
		{"not a number", []string{"--batch", "x"}, "batch"},
		{"unknown key", []string{"--config", yamlFile(t, "bach: 3")}, "unknown key bach"},
		{"not YAML", []string{"--config", yamlFile(t, "a: [")}, "configuration file"},
		{"missing file", []string{"--config", "does-not-exist.yaml"}, "does-not-exist.yaml"},
		{"extra word", []string{"run", "extra"}, "extra"},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen, code, stderr := run(t, c.args...)
			if code != ExitUsage || seen != nil {
				t.Errorf("exit %d, ran %v", code, seen != nil)
			}
			if !strings.Contains(stderr, c.want) {
				t.Errorf("message %q lacks %q", stderr, c.want)
			}
		})
	}
	t.Run("wrong list length", func(t *testing.T) {
		got, _, _ := run(t, "--view1.scale", "0.5")
		recipe := views.DefaultRecipe()
		if err := got.Apply(&recipe); err == nil || !strings.Contains(err.Error(), "view1.scale") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("value without meaning", func(t *testing.T) {
		got, _, _ := run(t, "--view2.blur-p", "1.5")
		recipe := views.DefaultRecipe()
		if err := got.Apply(&recipe); err == nil || !strings.Contains(err.Error(), "view2.blur_p") {
			t.Errorf("error %v", err)
		}
	})
}

// TestRecipeFlagsFromGeneralToSpecial: a flag of one view wins over that of
// both, which wins over the strength of colours.
func TestRecipeFlagsFromGeneralToSpecial(t *testing.T) {
	got, _, _ := run(t, "--view2.blur-p", "0.7", "--views.blur-p", "0.3", "--colour", "none", "--views.scale", "0.5,1")
	recipe := views.DefaultRecipe()
	if err := got.Apply(&recipe); err != nil {
		t.Fatal(err)
	}
	want := views.DefaultRecipe()
	if err := want.SetColour(views.ColourNone); err != nil {
		t.Fatal(err)
	}
	want.View1.BlurP, want.View2.BlurP = .3, .7
	want.View1.Scale, want.View2.Scale = [2]float64{.5, 1}, [2]float64{.5, 1}
	if recipe != want {
		t.Errorf("recipe %+v\nwant %+v", recipe, want)
	}
	got, _, _ = run(t, "--colour", "loud")
	if err := got.Apply(&recipe); err == nil || !strings.Contains(err.Error(), "colour") {
		t.Errorf("error %v", err)
	}
	got, _, _ = run(t, "--views.scale", "0.5")
	if err := got.Apply(&recipe); err == nil || !strings.Contains(err.Error(), "--views.scale") {
		t.Errorf("error %v", err)
	}
}
