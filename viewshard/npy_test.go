package viewshard

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"
	"pgregory.net/rapid"

	"siameseim/picture"
	"siameseim/pipeline"
	"siameseim/views"
)

// open reads an array file's header with npyio and returns its data.
func open(t testing.TB, file []byte, descr string, shape ...int) []byte {
	t.Helper()
	in := bytes.NewReader(file)
	r, err := npyio.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	h := r.Header.Descr
	if strings.Trim(h.Type, "'") != descr || !slices.Equal(h.Shape, shape) || h.Fortran {
		t.Fatalf("%+v, want %s %v", h, descr, shape)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if (len(file)-len(data))%64 != 0 {
		t.Errorf("data begins at byte %d", len(file)-len(data))
	}
	return data
}

func view(height, width int) *picture.RGB {
	im := &picture.RGB{Pix: make([]uint8, height*(3*width+5)), Stride: 3*width + 5, Height: height, Width: width}
	for i := range im.Pix {
		im.Pix[i] = uint8(i * i / 7)
	}
	return im
}

func TestEncoders(t *testing.T) {
	im := view(11, 17)
	for format, e := range encoders {
		got, err := e.encode([]byte("before"), im)
		if err != nil || !bytes.HasPrefix(got, []byte("before")) {
			t.Fatalf("%s: %v", format, err)
		}
		got = got[len("before"):]
		if again, _ := e.encode(nil, im); !bytes.Equal(got, again) {
			t.Errorf("%s: other bytes the second time", format)
		}
		var decoded image.Image
		switch format {
		case "npy":
			data := open(t, got, "|u1", 11, 17, 3)
			for y := range 11 {
				if !bytes.Equal(data[y*51:y*51+51], im.Row(y)) {
					t.Errorf("row %d differs", y)
				}
			}
			continue
		case "jpeg":
			decoded, err = jpeg.Decode(bytes.NewReader(got))
		case "png":
			decoded, err = png.Decode(bytes.NewReader(got))
		}
		if err != nil {
			t.Fatal(err)
		}
		worst := 0
		for y := range 11 {
			for x := range 17 {
				r, g, b, _ := decoded.At(x, y).RGBA()
				for c, v := range []uint32{r, g, b} {
					worst = max(worst, int(math.Abs(float64(v>>8)-float64(im.Row(y)[3*x+c]))))
				}
			}
		}
		if format == "png" && worst > 0 || decoded.Bounds().Dx() != 17 || decoded.Bounds().Dy() != 11 {
			t.Errorf("%s: differs by %d, %v", format, worst, decoded.Bounds())
		}
	}
}

func TestEncodersDoNotGrow(t *testing.T) {
	im := picture.NewRGB(32, 32)
	for format, most := range map[string]float64{"npy": 12, "png": 30, "jpeg": 12} {
		buf, err := encoders[format].encode(nil, im)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(50, func() { buf, err = encoders[format].encode(buf[:0], im) }); n > most || err != nil {
			t.Errorf("%s: %v allocations, %v", format, n, err)
		}
	}
}

// The nearest binary16, found by trying its neighbours in exact arithmetic.
func TestFloat16(t *testing.T) {
	value := func(h uint16) float64 {
		exp, frac := int(h>>10&31), float64(h&1023)
		switch exp {
		case 0:
			return math.Ldexp(frac, -24)
		case 31:
			return math.Ldexp(1, 16) + frac // infinity stands at 2^16
		}
		return math.Ldexp(1024+frac, exp-25)
	}
	check := func(t interface{ Fatalf(string, ...any) }, f float32) {
		h := float16(f)
		x := math.Abs(float64(f))
		if h>>15 != uint16(math.Float32bits(f)>>31) {
			t.Fatalf("%v: sign", f)
		}
		h &= 0x7fff
		if x >= 1<<16 {
			if h != 0x7c00 {
				t.Fatalf("%v: %#x", f, h)
			}
			return
		}
		distance := func(h uint16) *big.Float {
			d := new(big.Float).Sub(big.NewFloat(value(h)), big.NewFloat(x))
			return d.Abs(d)
		}
		for _, other := range []uint16{h - 1, h + 1} {
			if other > 0x7c00 {
				continue
			}
			if c := distance(other).Cmp(distance(h)); c < 0 || c == 0 && h&1 == 1 {
				t.Fatalf("%v: %#x, but %#x is as near", f, h, other)
			}
		}
	}
	for _, f := range []float32{0, 1, -1, 65504, 65519.996, 65520, 65536, 1e30, 6e-8, 2.98e-8, 2.9802322e-8, 2.9802326e-8, 6.1035156e-5, 6.1e-5, 1.0004883, 1.0014648,
		float32(math.Inf(1)), math.SmallestNonzeroFloat32} {
		check(t, f)
		check(t, -f)
	}
	if h := float16(float32(math.NaN())); h&0x7c00 != 0x7c00 || h&0x3ff == 0 {
		t.Errorf("NaN: %#x", h)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, math.Float32frombits(rapid.Uint32Max(0x7f7fffff).Draw(t, "bits"))) })
}

// The arrays of a batch shard hold what the pipeline's batches do.
func TestBatchContent(t *testing.T) {
	data := writeSource(t, 6, 9)
	cfg := config(data)
	cfg.Batch, cfg.Pipeline.Batch = 5, 5
	p, err := pipeline.Start(context.Background(), cfg.Pipeline)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var want []*views.Batch
	for b := range p.Batches() {
		want = append(want, b)
	}
	if p.Err() != nil {
		t.Fatal(p.Err())
	}
	table := views.NormaliseTable(views.Mean, views.Std)
	cfg.Pipeline.Batch = 0
	for name, d := range map[string]int{"uint8": 1, "float16": 2, "float32": 4} {
		cfg.Dtype = name
		cfg.ShardSamples = 10
		dir := t.TempDir()
		if sum, err := WriteFolder(context.Background(), dir, cfg); err != nil || sum.Shards != 3 {
			t.Fatalf("%+v, %v", sum, err)
		}
		for i, b := range want {
			shard := samples(t, filepath.Join(dir, shardName(i/2)))
			if i == 0 && len(shard) != 2 {
				t.Fatalf("%d batches in a shard", len(shard))
			}
			s := shard[i%2]
			if s.Key != fmt.Sprintf("batch-%08d", i) {
				t.Errorf("key %s", s.Key)
			}
			get := func(name, descr string, shape ...int) []byte {
				file, ok := s.Field(name)
				if !ok {
					t.Fatalf("no %s", name)
				}
				return open(t, file, descr, shape...)
			}
			n := b.Samples
			for v, pixels := range [][]uint8{b.View1, b.View2} {
				got := get(fmt.Sprintf("view%d.npy", v+1), map[int]string{1: "|u1", 2: "<f2", 4: "<f4"}[d], n, 3, 16, 16)
				if len(got) != n*3*256*d {
					t.Fatalf("%d bytes", len(got))
				}
				for k := range n {
					plain := make([]float32, 3*256)
					views.Normalise(plain, pixels[k*768:k*768+768], table)
					for j, x := range plain {
						at := got[(k*768+j)*d:]
						ok := false
						switch d {
						case 1:
							ok = at[0] == pixels[k*768+j%256*3+j/256]
						case 2:
							ok = binary.LittleEndian.Uint16(at) == float16(x)
						case 4:
							ok = binary.LittleEndian.Uint32(at) == math.Float32bits(x)
						}
						if !ok {
							t.Fatalf("%s: batch %d, sample %d, value %d", name, i, k, j)
						}
					}
				}
			}
			if got := get("crop.npy", "<i4", n, 2, 4); !bytes.Equal(got, littleEndian(t, b.Crop)) {
				t.Error("crop differs")
			}
			if got := get("flip.npy", "|u1", n, 2); !bytes.Equal(got, b.Flip) {
				t.Error("flip differs")
			}
			if got := get("image_size.npy", "<i4", n, 2); !bytes.Equal(got, littleEndian(t, b.ImageSize)) {
				t.Error("image_size differs")
			}
			if got := get("label.npy", "<i8", n); !bytes.Equal(got, littleEndian(t, b.Labels)) {
				t.Error("label differs")
			}
			var relatives []float64
			for k := range n {
				c := b.Crop[8*k:]
				flip := float64(b.Flip[2*k] ^ b.Flip[2*k+1])
				h, w := float64(c[2]), float64(c[3])
				relatives = append(relatives, float64(c[4]-c[0])/h, float64(c[5]-c[1])/w, float64(c[6])/h, float64(c[7])/w,
					flip, float64(b.ImageSize[2*k+1]-c[1]-c[5])/w)
			}
			if got := get("relative.npy", "<f8", n, 6); !bytes.Equal(got, littleEndian(t, relatives)) {
				t.Error("relative differs")
			}
			var meta struct{ Keys []string }
			text, _ := s.Field("json")
			if err := json.Unmarshal(text, &meta); err != nil || !slices.Equal(meta.Keys, b.Keys) {
				t.Errorf("%s, %v", text, err)
			}
		}
	}
}

func littleEndian(t testing.TB, data any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
