package export

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"

	"siameseim/evaluate"
	"siameseim/internal/safetensors"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// TestFeaturesAreTheTokens: both formats hold the tokens that the encoder
// gives, with keys and labels in the order of the data, the same bytes for any
// number of threads and workers and any batch.
func TestFeaturesAreTheTokens(t *testing.T) {
	e := encoders(t)["siameseim"]
	net := frozen(t, e, 1)
	data := evaluate.Data{URLs: []string{images(t, 7, 16), "builtin:shapes?size=16&count=4"}, Batch: 4, Workers: 1}
	tokens, width := net.Tokens(), net.Dim()
	all := read(t, data, net, All)
	if want := []int{11, tokens, width}; !slices.Equal(all.shape, want) {
		t.Fatalf("shape %v, want %v", all.shape, want)
	}
	if all.keys != "im00\nshape-00000000\nim01\nshape-00000001\nim02\nshape-00000002\nim03\nshape-00000003\nim04\nim05\nim06\n" {
		t.Errorf("keys %q", all.keys)
	}
	if all.labels[0] != -1 || all.labels[1] < 0 {
		t.Errorf("labels %v", all.labels)
	}
	class, mean := read(t, data, net, Class), read(t, data, net, Mean)
	table, _, err := evaluate.Extract(context.Background(), data, evaluate.NewFeatures(net, evaluate.Mean, team.New(1)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 11 {
		image := all.values[i*tokens*width : (i+1)*tokens*width]
		if !slices.Equal(class.values[i*width:(i+1)*width], image[:width]) {
			t.Errorf("image %d: the class token isn't the first", i)
		}
		for j := range width {
			sum := 0.0
			for k := 1; k < tokens; k++ {
				sum += float64(image[k*width+j])
			}
			got := mean.values[i*width+j]
			if math.Abs(float64(got)-sum/float64(tokens-1)) > 1e-6 || got != table[0].Data[i*width+j] {
				t.Fatalf("image %d: mean %v, want %v (evaluate has %v)", i, got, sum/float64(tokens-1), table[0].Data[i*width+j])
			}
		}
	}
	for _, c := range []struct{ threads, workers, batch int }{{2, 3, 8}, {3, 2, 1}} {
		data.Workers, data.Batch = c.workers, c.batch
		if again := read(t, data, frozen(t, e, c.threads), All); !slices.Equal(again.values, all.values) || again.keys != all.keys {
			t.Errorf("%+v: other bits", c)
		}
	}
}

type features struct {
	shape  []int
	values []float32
	keys   string
	labels []int64
}

// read writes features in both formats and reads them back.
func read(t *testing.T, d evaluate.Data, net evaluate.Tokenizer, kind Features) features {
	t.Helper()
	dir := t.TempDir()
	one, many := filepath.Join(dir, "f.safetensors"), filepath.Join(dir, "f.npy")
	w, err := WriteFeatures(context.Background(), one, d, net, kind)
	if err != nil {
		t.Fatal(err)
	}
	r, err := safetensors.Open(one)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f := features{shape: w.Shape, values: make([]float32, len(w.Shape))}
	info, _ := r.Info(FeaturesTensor)
	keys, _ := r.Info(KeysTensor)
	f.values, f.labels = make([]float32, info.Len()), make([]int64, w.Images)
	text := make([]uint8, keys.Len())
	for _, err := range []error{r.Float32(FeaturesTensor, f.values), r.Int64(LabelsTensor, f.labels), r.Uint8(KeysTensor, text)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f.keys = string(text)
	if !slices.Equal(info.Shape, w.Shape) {
		t.Errorf("shape %v in the file, told %v", info.Shape, w.Shape)
	}

	w, err = WriteFeatures(context.Background(), many, d, net, kind)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{many, filepath.Join(dir, "f.labels.npy"), filepath.Join(dir, "f.keys.txt")}; !slices.Equal(w.Files, want) {
		t.Errorf("files %v, want %v", w.Files, want)
	}
	var values []float32
	var labels []int64
	readNPY(t, many, &values)
	readNPY(t, w.Files[1], &labels)
	if text, err := os.ReadFile(w.Files[2]); err != nil || string(text) != f.keys || !slices.Equal(values, f.values) || !slices.Equal(labels, f.labels) {
		t.Errorf("the two formats differ (%v)", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 4 {
		t.Errorf("files %v", left)
	}
	return f
}

func readNPY(t *testing.T, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := npyio.Read(f, into); err != nil {
		t.Fatal(err)
	}
}

func TestWriteFeaturesErrors(t *testing.T) {
	e := encoders(t)["siameseim"]
	good, pictures := frozen(t, e, 1), images(t, 2, 16)
	broken := encoder(t, nn.ViTConfig{ImageSize: 16, Patch: 4, Dim: 24, Depth: 3, Heads: 3}, false)
	broken.Params[2].Data[3] = float32(math.NaN())
	for _, c := range []struct {
		name, path, data string
		net              evaluate.Tokenizer
		kind             Features
		want             string
	}{
		{"NaN", "f.npy", pictures, frozen(t, broken, 1), Class, `sample "im00": feature`},
		{"another name", "f.csv", pictures, good, Class, "must end in .npy or .safetensors"},
		{"another kind", "f.npy", pictures, good, "some", "must be mean, class or all"},
		{"no images", "f.npy", "no-such-folder", good, Class, "no-such-folder"},
		{"endless", "f.npy", "builtin:shapes?size=16", good, Class, "endless"},
		{"a folder in its place", ".safetensors", pictures, good, Class, "is a folder"},
	} {
		dir := t.TempDir()
		if c.name == "a folder in its place" {
			if err := os.Mkdir(filepath.Join(dir, c.path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		_, err := WriteFeatures(context.Background(), filepath.Join(dir, c.path), evaluate.Data{URLs: []string{c.data}, Batch: 2}, c.net, c.kind)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*f*")); len(left) > 0 && c.name != "a folder in its place" {
			t.Errorf("%s: left behind: %v", c.name, left)
		}
	}
	file := filepath.Join(pictures, "im00.png")
	if _, err := WriteFeatures(context.Background(), filepath.Join(file, "f.npy"), evaluate.Data{URLs: []string{pictures}, Batch: 2}, good, Class); err == nil {
		t.Error("a file in place of the folder: no error")
	}
	if _, err := WriteTimm(filepath.Join(file, "w.safetensors"), e, nil); err == nil {
		t.Error("weights below a file: no error")
	}
}
