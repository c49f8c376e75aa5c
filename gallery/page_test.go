package gallery

import (
	"bytes"
	"context"
	"encoding/base64"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"siameseim/evaluate"
	"siameseim/internal/shapes"
	"siameseim/webdataset"
	"siameseim/weights"
)

func collect(t *testing.T, e *weights.Encoder, d evaluate.Data, threads int, o Options) *Gallery {
	t.Helper()
	g, err := Collect(context.Background(), d, e, startTeam(t, threads), o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// shard writes pictures of builtin:shapes, every one twice under two keys.
func twins(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := webdataset.NewWriter(&b)
	set := shapes.Set{Size: 16, Split: "train"}
	var painter shapes.Painter
	for i := range n {
		pix := make([]uint8, 16*16*3)
		set.Draw(&painter, pix, nil, int64(i/2))
		page := &Page{Gallery: &Gallery{Size: 16}}
		var image bytes.Buffer
		if err := png.Encode(&image, page.picture(pix)); err != nil {
			t.Fatal(err)
		}
		key := []string{"left", "right <b>"}[i%2] + string(rune('a'+i/2))
		if err := w.Write(&webdataset.Sample{Key: key, Fields: []webdataset.Field{{Name: "png", Data: image.Bytes()}, {Name: "cls", Data: []byte{'0' + byte(i/2)}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "twins.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTwinsAreNeighbours: the nearest to each image is its twin, never itself.
func TestTwinsAreNeighbours(t *testing.T) {
	g := collect(t, encoder(t, 2, 0, false), evaluate.Data{URLs: []string{twins(t, 10)}, Batch: 3}, 2, Options{Count: 20, Pool: 50, Neighbours: 4, Classes: []string{"zero", "one"}})
	if len(g.Images) != 10 || g.Pool != 10 || g.Size != 16 || g.Grid != 4 {
		t.Fatalf("%d images of %d, size %d, grid %d", len(g.Images), g.Pool, g.Size, g.Grid)
	}
	for _, m := range g.Images {
		for _, list := range [][]Neighbour{m.Nearest, m.NearestRaw} {
			if len(list) != 4 || list[0].Key[len(list[0].Key)-1] != m.Key[len(m.Key)-1] || list[0].Key == m.Key || math.Abs(float64(list[0].Cosine)-1) > 1e-5 || list[1].Cosine > list[0].Cosine {
				t.Errorf("%q: neighbours %q %v, %q %v", m.Key, list[0].Key, list[0].Cosine, list[1].Key, list[1].Cosine)
			}
		}
		if len(m.Components) != 3*16 || len(m.Attention) != 3 || len(m.Attention[0]) != 16 {
			t.Errorf("%q: %d components, %d maps", m.Key, len(m.Components), len(m.Attention))
		}
	}
	if a, b, c := g.Images[0].Label, g.Images[2].Label, g.Images[9].Label; a != "zero" || b != "one" || c != "4" {
		t.Errorf("labels %q, %q, %q", a, b, c)
	}
}

// TestPageIndependentOfThreads: the page has the same bytes for any number of
// threads, workers and any batch; another seed shows other images.
func TestPageIndependentOfThreads(t *testing.T) {
	e := encoder(t, 2, 0, true)
	o := Options{Count: 3, Pool: 30, Neighbours: 2, Seed: 1}
	var first []byte
	for i, c := range []struct{ threads, workers, batch int }{{1, 1, 8}, {3, 2, 5}} {
		var b bytes.Buffer
		g := collect(t, e, evaluate.Data{URLs: []string{"builtin:shapes?size=16&count=100"}, Batch: c.batch, Workers: c.workers}, c.threads, o)
		if g.Pool != 30 || len(g.Images) != 3 {
			t.Errorf("%d images of a pool of %d", len(g.Images), g.Pool)
		}
		if err := (&Page{Gallery: g, Title: "t"}).Write(&b); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = b.Bytes()
		} else if !bytes.Equal(b.Bytes(), first) {
			t.Errorf("%+v: another page", c)
		}
	}
	o.Seed = 2
	other := collect(t, e, evaluate.Data{URLs: []string{"builtin:shapes?size=16&count=100"}, Batch: 8}, 1, o)
	var b bytes.Buffer
	if err := (&Page{Gallery: other, Title: "t"}).Write(&b); err != nil || bytes.Equal(b.Bytes(), first) {
		t.Errorf("another seed: the same page (%v)", err)
	}
}

// TestPageIsWhole: every picture of the page is a PNG inside of it, of the right
// size, nothing is fetched, and keys are text.
func TestPageIsWhole(t *testing.T) {
	g := collect(t, encoder(t, 1, 0, false), evaluate.Data{URLs: []string{twins(t, 4)}, Batch: 4}, 1, Options{Count: 4, Pool: 4, Neighbours: 1})
	var b bytes.Buffer
	if err := (&Page{Gallery: g, Title: "<title>", Facts: []Fact{{"a & b", "<i>"}}}).Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if strings.Contains(text, "<b>a") || strings.Contains(text, "<i>") || strings.Contains(text, "http") || strings.Contains(text, "<script") {
		t.Error("a key or a fact is markup, or something is fetched")
	}
	sizes := map[int]int{}
	for _, m := range regexp.MustCompile(`src="data:image/png;base64,([^"]*)"`).FindAllStringSubmatch(strings.ReplaceAll(text, "&#43;", "+"), -1) {
		data, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil {
			t.Fatal(err)
		}
		im, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		sizes[im.Bounds().Dx()]++
	}
	// Of each image: itself, the mean, 3 heads, 2 neighbours; and its components.
	if want := map[int]int{16: 4 * 7, 4: 4}; !reflect.DeepEqual(sizes, want) {
		t.Errorf("pictures by width: %v, want %v", sizes, want)
	}
}

func TestHeat(t *testing.T) {
	p := &Page{Gallery: &Gallery{Size: 4, Grid: 2}}
	white := bytes.Repeat([]uint8{255}, 4*4*3)
	im := p.heat(white, []float32{0, .1, .2, .4})
	for _, c := range []struct{ x, y, r, g int }{{0, 0, 18, 12}, {1, 1, 18, 12}, {2, 0, 94, 24}, {0, 3, 186, 54}, {3, 3, 252, 255}} {
		if r, g, _, _ := im.At(c.x, c.y).RGBA(); int(r>>8) != c.r || int(g>>8) != c.g {
			t.Errorf("pixel (%d, %d): %d, %d, want %d, %d", c.y, c.x, r>>8, g>>8, c.r, c.g)
		}
	}
	if r, _, _, _ := p.heat(white, make([]float32, 4)).At(3, 3).RGBA(); r>>8 != 18 {
		t.Errorf("no attention at all: red %d", r>>8)
	}
}

func TestCollectErrors(t *testing.T) {
	good, broken := encoder(t, 1, 0, false), encoder(t, 1, 0, false)
	broken.Params[len(broken.Params)-1].Data[0] = float32(math.NaN())
	for _, c := range []struct {
		name, data string
		e          *weights.Encoder
		o          Options
		want       string
	}{
		{"NaN", "builtin:shapes?size=16&count=2", broken, Options{Count: 1, Pool: 2}, `sample "shape-00000000": feature 0 is NaN`},
		{"missing", "missing.tar", good, Options{Count: 1, Pool: 2}, "missing.tar"},
		{"endless", "builtin:shapes?size=16", good, Options{Count: 1, Pool: 2}, "endless"},
		{"nothing to show", "builtin:shapes?size=16&count=2", good, Options{Count: 0, Pool: 2}, "too small"},
	} {
		_, err := Collect(context.Background(), evaluate.Data{URLs: []string{c.data}, Batch: 2}, c.e, startTeam(t, 1), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	one := collect(t, good, evaluate.Data{URLs: []string{"builtin:shapes?size=16&count=1"}, Batch: 2}, 1, Options{Count: 3, Pool: 3, Neighbours: 3})
	if len(one.Images) != 1 || len(one.Images[0].Nearest) != 0 {
		t.Errorf("of one image: %d shown, %d neighbours", len(one.Images), len(one.Images[0].Nearest))
	}
}
