package weights

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/safetensors"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// expected reads testdata/tokens.safetensors.
func expected(t *testing.T, name string) (data []float32, shape []int) {
	t.Helper()
	r, err := safetensors.Open(filepath.Join("testdata", "tokens.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	info, ok := r.Info(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	data = make([]float32, info.Len())
	if err := r.Float32(name, data); err != nil {
		t.Fatal(err)
	}
	return data, info.Shape
}

func threads(t *testing.T) *team.Team {
	x := team.New(2)
	t.Cleanup(x.Close)
	return x
}

// TestTokensOfTimm: files as timm, MAE and MoCo-v3 save them give the tokens
// that timm computes, at the size of the weights and at a smaller and a larger
// one, with positions resized.
func TestTokensOfTimm(t *testing.T) {
	for _, c := range []struct {
		file, want string
		opt        Options
	}{
		{"timm.safetensors", "plain", Options{}},
		{"mae.pth", "plain", Options{}},
		{"moco.pth.tar", "plain", Options{Branch: "online"}},
		{"moco.pth.tar", "momentum", Options{Branch: "target"}},
		{"scaled.pth", "scaled", Options{}},
	} {
		for _, size := range []int{16, 8, 24} {
			opt := c.opt
			opt.Heads = 2
			if opt.ImageSize = size; size == 16 {
				opt.ImageSize = 0
			}
			e, err := Load(filepath.Join("testdata", c.file), opt)
			if err != nil {
				t.Errorf("%s, %d: %v", c.file, size, err)
				continue
			}
			f, err := e.Frozen(3, threads(t))
			if err != nil {
				t.Fatal(err)
			}
			suffix := map[int]string{8: ".8", 16: ".16", 24: ".24"}[size]
			images, _ := expected(t, "images"+suffix)
			want, shape := expected(t, c.want+suffix)
			got, err := f.Forward(images, 2)
			if err != nil {
				t.Fatal(err)
			}
			if f.Size() != size || f.Tokens() != shape[1] || f.Dim() != shape[2] || len(got) != len(want) {
				t.Fatalf("%s: size %d, %d tokens of %d, want %v", c.file, f.Size(), f.Tokens(), f.Dim(), shape)
			}
			worst := 0.0
			for i := range want {
				worst = max(worst, math.Abs(float64(got[i]-want[i])))
			}
			if worst > 1e-5 {
				t.Errorf("%s, %s at %d: tokens differ by %g", c.file, c.want, size, worst)
			}
		}
	}
}

// TestResizeKeepsTheSameGrid and keeps a constant constant at any size.
func TestResizeKeepsTheSameGrid(t *testing.T) {
	table := nn.Positions(8, 5)
	if got := Resize(table, 8, 5, 5); !slices.Equal(got, table) {
		t.Error("another table for the same grid")
	}
	for i := range table {
		table[i] = 1.5
	}
	for _, to := range []int{1, 2, 4, 6, 13} {
		for _, v := range Resize(table, 8, 5, to) {
			if math.Abs(float64(v)-1.5) > 1e-6 {
				t.Errorf("to %d: %g", to, v)
			}
		}
	}
}

// save writes the tensors of a file of testdata, changed.
func save(t *testing.T, change func(map[string]*safetensors.Tensor)) string {
	t.Helper()
	r, err := safetensors.Open(filepath.Join("testdata", "timm.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string]*safetensors.Tensor{}
	for _, name := range r.Names() {
		info, _ := r.Info(name)
		data := make([]float32, info.Len())
		if err := r.Float32(name, data); err != nil {
			t.Fatal(err)
		}
		all[name] = &safetensors.Tensor{Name: name, Shape: info.Shape, Data: data}
	}
	change(all)
	var list []safetensors.Tensor
	for _, x := range all {
		list = append(list, *x)
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := safetensors.Write(out, nil, list); err != nil {
		t.Fatal(err)
	}
	return path
}

func zeros(name string, shape ...int) *safetensors.Tensor {
	n := 1
	for _, side := range shape {
		n *= side
	}
	return &safetensors.Tensor{Name: name, Shape: shape, Data: make([]float32, n)}
}

type all = map[string]*safetensors.Tensor

// TestRefusals: what isn't this program's ViT is refused with the name of what
// is strange.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, want string
		opt        Options
		change     func(all)
	}{
		{"no ViT", "no ViT that this program knows", Options{}, func(x all) { delete(x, "patch_embed.proj.weight") }},
		{"no class token", "class token", Options{}, func(x all) { delete(x, "cls_token") }},
		{"no blocks", "no tensors blocks.0", Options{}, func(x all) {
			for name := range x {
				if strings.HasPrefix(name, "blocks.") {
					delete(x, name)
				}
			}
		}},
		{"gap", "no blocks.0", Options{}, func(x all) {
			for name := range x {
				if strings.HasPrefix(name, "blocks.0.") {
					delete(x, name)
				}
			}
		}},
		{"no bias", "no tensor blocks.1.attn.qkv.bias", Options{}, func(x all) { delete(x, "blocks.1.attn.qkv.bias") }},
		{"q_norm", "blocks.0.attn.q_norm.weight", Options{}, func(x all) { x["q"] = zeros("blocks.0.attn.q_norm.weight", 8) }},
		{"registers", "reg_token", Options{}, func(x all) { x["r"] = zeros("reg_token", 1, 4, 16) }},
		{"MLP", "mlp.fc1.weight has shape [32 16], want [64 16]", Options{}, func(x all) { x["blocks.0.mlp.fc1.weight"] = zeros("blocks.0.mlp.fc1.weight", 32, 16) }},
		{"grey", "want [D, 3, p, p]", Options{}, func(x all) { x["patch_embed.proj.weight"] = zeros("patch_embed.proj.weight", 16, 1, 4, 4) }},
		{"positions", "no square", Options{}, func(x all) { x["pos_embed"] = zeros("pos_embed", 1, 15, 16) }},
		{"NaN", "tensor norm.bias: value 3 is NaN", Options{}, func(x all) { x["norm.bias"].Data.([]float32)[3] = float32(math.NaN()) }},
		{"two", "several encoders", Options{}, func(x all) { x["p"] = zeros("student.patch_embed.proj.weight", 16, 3, 4, 4) }},
		{"no target", "no momentum branch", Options{Branch: "target"}, func(all) {}},
		{"heads", "3 heads don't divide", Options{Heads: 3}, func(all) {}},
		{"unknown heads", "--heads", Options{Heads: -1}, func(all) {}},
		{"size", "must be a multiple of the patch, 4", Options{ImageSize: 18}, func(all) {}},
		{"no size", "--image-size", Options{}, func(x all) { delete(x, "pos_embed") }},
		{"branch", `branch "teacher"`, Options{Branch: "teacher"}, func(all) {}},
	} {
		opt := c.opt
		switch opt.Heads {
		case 0:
			opt.Heads = 2
		case -1:
			opt.Heads = 0
		}
		_, err := Load(save(t, c.change), opt)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	dir := t.TempDir()
	if _, err := Load(dir, Options{}); err == nil || !strings.Contains(err.Error(), "neither a run directory") {
		t.Errorf("empty folder: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	empty := filepath.Join(dir, "empty.pth")
	if err := os.WriteFile(empty, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(empty, Options{}); err == nil || !strings.Contains(err.Error(), "empty file") {
		t.Errorf("empty file: %v", err)
	}
}

// TestFixedPositionsWithoutTable: a file without pos_embed has the sines and
// cosines of its own grid; at another size they are resized, not made anew.
func TestFixedPositionsWithoutTable(t *testing.T) {
	path := save(t, func(x all) { delete(x, "pos_embed") })
	e, err := Load(path, Options{Heads: 2, ImageSize: 16})
	if err != nil {
		t.Fatal(err)
	}
	if e.Positions != nil || e.ViT.ImageSize != 16 || e.ViT.Tokens != 16 || !e.FinalNorm {
		t.Errorf("%+v", e.ViT)
	}
}

// TestHeads: what published ViTs have, where the file doesn't tell.
func TestHeads(t *testing.T) {
	for _, c := range []struct {
		dim    int
		prefix string
		want   int
	}{{192, "", 3}, {768, "model.", 12}, {1280, "", 16}, {384, "", 6}, {384, "state_dict.module.base_encoder.", 12}} {
		if got, err := heads(0, 0, c.dim, c.prefix); err != nil || got != c.want {
			t.Errorf("%d under %q: %d, %v, want %d", c.dim, c.prefix, got, err, c.want)
		}
	}
	if _, err := heads(6, 12, 384, ""); err == nil {
		t.Error("other heads than the file's are taken")
	}
}
