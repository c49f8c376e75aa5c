package finetune

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/export"
	"siameseim/internal/safetensors"
	"siameseim/weights"
)

// TestTimmClassifier: a classifier that timm saved gives timm's scores, and is
// written with timm's names again, by the call that makes it.
func TestTimmClassifier(t *testing.T) {
	path := filepath.Join("testdata", "classifier.safetensors") // by testdata/make.py
	e, err := weights.Load(path, weights.Options{Heads: 2})
	if err != nil {
		t.Fatal(err)
	}
	r, err := safetensors.Open(filepath.Join("testdata", "scores.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	images, want := make([]float32, 2*3*16*16), make([]float32, 2*3)
	for name, data := range map[string][]float32{"images": images, "scores": want} {
		if err := r.Float32(name, data); err != nil {
			t.Fatal(err)
		}
	}
	c, err := NewClassifier(e, 2, "", threads(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(want))
	c.Features(got, images, 2)
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > 1e-5 {
			t.Errorf("score %d: %g, timm's is %g", i, got[i], want[i])
		}
	}
	if !slices.Equal(e.Head.Labels, []int64{0, 1, 2}) {
		t.Errorf("labels %v", e.Head.Labels)
	}
	e.Head.Labels = []int64{4, 7, 11}
	out := filepath.Join(t.TempDir(), "out.safetensors")
	if _, err := export.WriteTimm(out, e, nil); err != nil {
		t.Fatal(err)
	}
	names := func(path string) ([]string, *safetensors.Reader) {
		r, err := safetensors.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return slices.Sorted(slices.Values(r.Names())), r
	}
	theirs, _ := names(path)
	ours, file := names(out)
	if !slices.Equal(ours, theirs) {
		t.Errorf("tensors %v, timm has %v", ours, theirs)
	}
	const call = "timm.create_model('vit_base_patch16_224', num_classes=3, global_pool='avg', img_size=16, patch_size=4, embed_dim=16, depth=2, num_heads=2, init_values=1.0)"
	if file.Metadata()[export.MetadataCall] != call {
		t.Errorf("call %s", file.Metadata()[export.MetadataCall])
	}
	if back, err := weights.Load(out, weights.Options{}); err != nil || !slices.Equal(back.Head.Labels, []int64{4, 7, 11}) {
		t.Errorf("%v", err)
	}
	// At another size the classifier stays.
	if big, err := weights.Load(out, weights.Options{ImageSize: 24}); err != nil || big.Head == nil || big.ViT.ImageSize != 24 {
		t.Errorf("at 24 pixels: %v", err)
	}
}

// TestHeadsThatAreNone: what isn't a whole classifier of the patches' mean.
func TestHeadsThatAreNone(t *testing.T) {
	e, err := weights.Load(filepath.Join("testdata", "classifier.safetensors"), weights.Options{Heads: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		change     func(*weights.Head)
	}{
		{"NaN", "head.weight: value 5 is NaN", func(h *weights.Head) { h.Weight[5] = float32(math.NaN()) }},
		{"labels", "4 labels for the 3 scores", func(h *weights.Head) { h.Bias = append(h.Bias, 0); h.Labels = []int64{0, 1, 2, 5} }},
		{"falling labels", "must be rising", func(h *weights.Head) { h.Labels = []int64{2, 1, 0} }},
	} {
		head := *e.Head
		head.Weight, head.Bias = slices.Clone(head.Weight), slices.Clone(head.Bias)
		c.change(&head)
		tensors := []safetensors.Tensor{}
		changed := *e
		changed.Head = &head
		for _, x := range export.Tensors(&changed) {
			if x.Name == weights.HeadWeight || x.Name == weights.HeadBias {
				x.Shape = slices.Clone(x.Shape)
				x.Shape[0] = 3
				if x.Name == weights.HeadBias {
					x.Data = head.Bias[:3]
				}
			}
			tensors = append(tensors, x)
		}
		path := filepath.Join(t.TempDir(), "x.safetensors")
		writeTensors(t, path, map[string]string{"num_heads": "2", weights.MetadataLabels: weights.FormatLabels(head.Labels)}, tensors)
		if _, err := weights.Load(path, weights.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	// Without fc_norm the head acts on the class token: passed over.
	var tensors []safetensors.Tensor
	for _, x := range export.Tensors(e) {
		if !strings.HasPrefix(x.Name, "fc_norm") {
			tensors = append(tensors, x)
		}
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	writeTensors(t, path, map[string]string{"num_heads": "2"}, tensors)
	back, err := weights.Load(path, weights.Options{})
	if err != nil || back.Head != nil {
		t.Errorf("a head without fc_norm: %v, %v", back.Head, err)
	}
	if _, err := NewClassifier(back, 1, "", threads(t, 1)); err == nil || !strings.Contains(err.Error(), "no classifier") {
		t.Errorf("no classifier: %v", err)
	}
}

func writeTensors(t *testing.T, path string, metadata map[string]string, list []safetensors.Tensor) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(safetensors.Write(f, metadata, list), f.Close()); err != nil {
		t.Fatal(err)
	}
}
