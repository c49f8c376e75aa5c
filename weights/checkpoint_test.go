package weights

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/trainer"
	"siameseim/trainer/checkpoint"
	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
)

// checkpoints saves a small network of an objective, whose branches differ, as
// a run directory.
func checkpoints(t *testing.T, name string) (run string, tr *trainer.Trainer) {
	t.Helper()
	preset, err := trainer.FindPreset("micro")
	if err != nil {
		t.Fatal(err)
	}
	preset.Config.Dim, preset.Config.Depth, preset.Config.Heads = 24, 2, 2 // heads that no rule guesses
	if preset, err = preset.For(name); err != nil {
		t.Fatal(err)
	}
	tr, err = trainer.New(preset.Plan(8, 10, 0), 8, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	run = t.TempDir()
	store, err := checkpoint.NewStore(filepath.Join(run, "checkpoints"), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, params := range [][]*nn.Param{tr.Model().Params(), tr.Model().TargetParams()} {
		for _, p := range params {
			for k := range p.Data {
				p.Data[k] += .01 * float32(i+1+k%3)
			}
			p.Changed()
		}
	}
	if _, err := tr.Save(store, nil); err != nil {
		t.Fatal(err)
	}
	return run, tr
}

// TestOwnCheckpoints: a run directory, a checkpoint's folder and its file give
// the features of the trainer's own encoder, for each branch.
func TestOwnCheckpoints(t *testing.T) {
	team := threads(t)
	for _, name := range []string{objective.SiameseIM, objective.MAE, objective.MoCoV3} {
		run, tr := checkpoints(t, name)
		list, err := checkpoint.List(filepath.Join(run, "checkpoints"))
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		images := make([]float32, 2*3*32*32)
		for i := range images {
			images[i] = float32(i%19)/10 - 1
		}
		branches := map[string][]*nn.Param{"online": tr.Model().Params(), "target": tr.Model().TargetParams()}
		for branch, params := range branches {
			newest := list[len(list)-1].Path
			for _, path := range []string{run, filepath.Join(run, "checkpoints"), newest, filepath.Join(newest, checkpoint.ModelFile)} {
				e, err := Load(path, Options{Branch: branch})
				if params == nil {
					if err == nil || !strings.Contains(err.Error(), "no momentum branch") {
						t.Errorf("%s, %s: %v", name, branch, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%s, %s: %v", name, branch, err)
				}
				if e.Objective != name || e.ViT.Heads != 2 || e.ViT.ImageSize != 32 || e.FinalNorm != (name != objective.SiameseIM) {
					t.Errorf("%s, %s: %+v", name, branch, e)
				}
				own, err := objective.NewEncoder(tr.Config().Config, 2, team, params)
				if err != nil {
					t.Fatal(err)
				}
				frozen, err := e.Frozen(2, team)
				if err != nil {
					t.Fatal(err)
				}
				want, err := own.Forward(images, 2)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := frozen.Forward(images, 2); err != nil || !slices.Equal(got, want) {
					t.Errorf("%s, %s, %s: other tokens than the trainer's encoder, %v", name, branch, filepath.Base(path), err)
				}
			}
		}
		if _, err := Load(run, Options{Heads: 3}); err == nil || !strings.Contains(err.Error(), "trained with 2") {
			t.Errorf("other heads: %v", err)
		}
		// Damage is told, not passed over.
		file := filepath.Join(list[len(list)-1].Path, checkpoint.ModelFile)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1] ^= 1
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(run, Options{}); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a changed file: %v", err)
		}
	}
}
