package export

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"siameseim/evaluate"
	"siameseim/internal/safetensors"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/weights"
)

// encoder returns an untrained encoder whose parameters, biases and norms
// included, are all away from their first values.
func encoder(t *testing.T, c nn.ViTConfig, norm bool) *weights.Encoder {
	t.Helper()
	c.Tokens = c.ImageSize / c.Patch * (c.ImageSize / c.Patch)
	e, err := (&weights.Encoder{ViT: c, FinalNorm: norm, Source: "test"}).Untrained(1)
	if err != nil {
		t.Fatal(err)
	}
	state := uint64(1)
	for _, p := range e.Params {
		for i := range p.Data {
			state = state*6364136223846793005 + 1442695040888963407
			p.Data[i] += float32(int32(state>>32)) / (1 << 34) // up to an eighth
		}
	}
	e.Objective = "siameseim"
	return e
}

// The encoders that are exported: SiameseIM's, one with LayerScale, a baseline
// with final norm, and one with positions of its own.
func encoders(t *testing.T) map[string]*weights.Encoder {
	list := map[string]*weights.Encoder{
		"siameseim":   encoder(t, nn.ViTConfig{ImageSize: 16, Patch: 4, Dim: 24, Depth: 3, Heads: 3}, false),
		"layer scale": encoder(t, nn.ViTConfig{ImageSize: 16, Patch: 8, Dim: 32, Depth: 2, Heads: 4, LayerScale: 1}, false),
		"final norm":  encoder(t, nn.ViTConfig{ImageSize: 12, Patch: 4, Dim: 16, Depth: 2, Heads: 2}, true),
		"positions":   encoder(t, nn.ViTConfig{ImageSize: 8, Patch: 4, Dim: 16, Depth: 1, Heads: 2}, true),
	}
	own := make([]float32, 4*16)
	for i := range own {
		own[i] = float32(i%7) / 5
	}
	e := list["positions"]
	e.Positions, e.ViT.Positions = own, own
	return list
}

func frozen(t *testing.T, e *weights.Encoder, threads int) *weights.Frozen {
	t.Helper()
	team := team.New(threads)
	t.Cleanup(team.Close)
	f, err := e.Frozen(8, team)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// images writes a folder of PNG files of that size, without labels.
func images(t *testing.T, n, size int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		im := image.NewNRGBA(image.Rect(0, 0, size, size))
		for y := range size {
			for x := range size {
				im.SetNRGBA(x, y, color.NRGBA{uint8(x*31 + i*7), uint8(y*29 + x*y), uint8(i*53 + y), 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, im); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("im%02d.png", i)), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestWeightsComeBack: an exported file is read as the encoder that it was.
func TestWeightsComeBack(t *testing.T) {
	for name, e := range encoders(t) {
		path := filepath.Join(t.TempDir(), "deep", "weights.safetensors")
		n, err := WriteTimm(path, e, map[string]string{"branch": "online"})
		if err != nil {
			t.Fatal(err)
		}
		back, err := weights.Load(path, weights.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n != len(e.Params)+1 || back.FinalNorm != e.FinalNorm || back.Objective != e.Objective || back.ViT.Heads != e.ViT.Heads || back.ViT.ImageSize != e.ViT.ImageSize {
			t.Errorf("%s: %d tensors, %+v", name, n, back.ViT)
		}
		pixels := make([]float32, 8*3*e.ViT.ImageSize*e.ViT.ImageSize)
		for i := range pixels {
			pixels[i] = float32(i%23)/11 - 1
		}
		want, err := frozen(t, e, 1).Forward(pixels, 8)
		if err != nil {
			t.Fatal(err)
		}
		got, err := frozen(t, back, 2).Forward(pixels, 8)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: other features", name)
		}
		first, _ := os.ReadFile(path)
		if _, err := WriteTimm(path, e, map[string]string{"branch": "online"}); err != nil {
			t.Fatal(err)
		}
		if again, _ := os.ReadFile(path); !bytes.Equal(first, again) {
			t.Errorf("%s: the same weights give another file", name)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

// TestCall: the call names all that isn't the base model's.
func TestCall(t *testing.T) {
	list := encoders(t)
	for name, want := range map[string]string{
		"siameseim":   "timm.create_model('vit_base_patch16_224', num_classes=0, final_norm=False, img_size=16, patch_size=4, embed_dim=24, depth=3, num_heads=3, init_values=None)",
		"layer scale": "timm.create_model('vit_base_patch16_224', num_classes=0, final_norm=False, img_size=16, patch_size=8, embed_dim=32, depth=2, num_heads=4, init_values=1.0)",
		"final norm":  "timm.create_model('vit_base_patch16_224', num_classes=0, final_norm=True, img_size=12, patch_size=4, embed_dim=16, depth=2, num_heads=2, init_values=None)",
	} {
		if got := Call(list[name]); got != want {
			t.Errorf("%s:\n%s, want\n%s", name, got, want)
		}
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if _, err := WriteTimm(path, list["siameseim"], nil); err != nil {
		t.Fatal(err)
	}
	r, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := r.Metadata(); got[MetadataCall] != Call(list["siameseim"]) || got["mean"] != "0.485, 0.456, 0.406" || got["format"] != "pt" {
		t.Errorf("metadata %v", got)
	}
}

// TestTimmParity: timm loads the file strictly and computes the same tokens.
func TestTimmParity(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	const find = `
import importlib.util, sys
sys.exit(", ".join(m for m in ("timm", "torch", "numpy", "PIL", "safetensors") if importlib.util.find_spec(m) is None) or None)`
	if out, err := exec.Command(python, "-c", find).CombinedOutput(); err != nil {
		t.Skipf("python3 lacks a package: %s", bytes.TrimSpace(out))
	}
	args := []string{filepath.Join("..", "docs", "bench", "timm_parity.py")}
	for _, e := range encoders(t) {
		dir, pictures := t.TempDir(), images(t, 5, e.ViT.ImageSize)
		model, features := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, "f.safetensors")
		if _, err := WriteTimm(model, e, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := WriteFeatures(context.Background(), features, evaluate.Data{URLs: []string{pictures}, Batch: 3}, frozen(t, e, 2), All); err != nil {
			t.Fatal(err)
		}
		args = append(args, model, features, pictures)
	}
	out, err := exec.Command(python, args...).CombinedOutput()
	if err != nil || bytes.Count(out, []byte("largest_difference")) != 4 {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
