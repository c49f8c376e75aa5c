package dense

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"siameseim/internal/team"
	"siameseim/webdataset"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// A painted is an Encoder of patches' mean colours (red and green, undone to
// 0..1), which of says what to make of.
type painted struct {
	size, grid, dim int
	of              func(dst []float32, red, green float64)
}

func (p painted) Size() int { return p.size }
func (p painted) Grid() int { return p.grid }
func (p painted) Dim() int  { return p.dim }

func (p painted) Patches(dst, images []float32, n int) error {
	patch := p.size / p.grid
	for i := range n * p.grid * p.grid {
		image, cell := i/(p.grid*p.grid), i%(p.grid*p.grid)
		mean := [2]float64{}
		for c := range mean {
			for y := range patch {
				for x := range patch {
					row, col := cell/p.grid*patch+y, cell%p.grid*patch+x
					mean[c] += float64(images[((image*3+c)*p.size+row)*p.size+col])
				}
			}
			mean[c] /= float64(patch * patch)
		}
		p.of(dst[i*p.dim:(i+1)*p.dim], mean[0]*.229+.485, mean[1]*.224+.456)
	}
	return nil
}

// circle gives each colour a direction of its own: the nearest colour has the
// largest cosine.
func circle(dst []float32, red, green float64) {
	for i, v := range []float64{red, green} {
		sin, cos := math.Sincos(v * math.Pi / 2)
		dst[2*i], dst[2*i+1] = float32(sin), float32(cos)
	}
}

func pngBytes(t testing.TB, im image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gradient is an image whose red tells the row and whose green the column.
func gradient(height, width int) image.Image {
	im := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			im.SetNRGBA(x, y, color.NRGBA{uint8(y * 255 / (height - 1)), uint8(x * 255 / (width - 1)), 128, 255})
		}
	}
	return im
}

// shard writes samples to a tar file and returns its name.
func shard(t *testing.T, samples ...webdataset.Sample) string {
	t.Helper()
	var b bytes.Buffer
	w := webdataset.NewWriter(&b)
	for i := range samples {
		if samples[i].Key == "" {
			samples[i].Key = fmt.Sprintf("sample%d", i)
		}
		if err := w.Write(&samples[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "samples.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func field(name string, data []byte) webdataset.Field {
	return webdataset.Field{Name: name, Data: data}
}

// startTeam returns a team of that many threads, which the test's end closes.
func startTeam(t *testing.T, threads int) *team.Team {
	t.Helper()
	team := team.New(threads)
	t.Cleanup(team.Close)
	return team
}

func TestPixelsAreThePatches(t *testing.T) {
	p, err := NewPixels(6, 2)
	if err != nil {
		t.Fatal(err)
	}
	images := make([]float32, 2*3*36)
	for i := range images {
		images[i] = float32(i)
	}
	rows := make([]float32, 2*9*p.Dim())
	if err := p.Patches(rows, images, 2); err != nil {
		t.Fatal(err)
	}
	// Image 1, patch (1, 2), channel 2, pixel (1, 0) of the patch.
	if got, want := rows[(9+5)*12+2*4+2], images[(3+2)*36+3*6+4]; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := NewPixels(32, 5); err == nil {
		t.Error("patches of 5 pixels in images of 32: no error")
	}
}

type tokens int

func (t tokens) Size() int   { return 8 }
func (t tokens) Dim() int    { return 2 }
func (t tokens) Tokens() int { return int(t) }
func (t tokens) Forward(_ []float32, n int) ([]float32, error) {
	all := make([]float32, n*int(t)*2)
	for i := range all {
		all[i] = float32(i)
	}
	return all, nil
}

func TestTokensDropTheClassToken(t *testing.T) {
	e, err := NewTokens(tokens(5))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]float32, 2*4*2)
	if err := e.Patches(rows, nil, 2); err != nil {
		t.Fatal(err)
	}
	if e.Grid() != 2 || rows[0] != 2 || rows[7] != 9 || rows[8] != 12 || rows[15] != 19 {
		t.Errorf("grid %d, rows %v", e.Grid(), rows)
	}
	if _, err := NewTokens(tokens(6)); err == nil {
		t.Error("6 tokens: no error")
	}
}

func TestUnit(t *testing.T) {
	rows := []float32{3, 4, 0, 0, 3e38, 0, 1e-30, 0}
	if bad := unit(rows, 2); bad != -1 {
		t.Errorf("row %d refused", bad)
	}
	for i, want := range []float32{.6, .8, 0, 0, 1, 0, 1, 0} {
		if rows[i] != want {
			t.Errorf("value %d: %v, want %v", i, rows[i], want)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		if bad := unit([]float32{1, 2, float32(v), 0}, 2); bad != 1 {
			t.Errorf("%v: found in row %d, want 1", v, bad)
		}
	}
}

// TestBootstrapOfAShare: the interval of a share of n independent images is the
// binomial's.
func TestBootstrapOfAShare(t *testing.T) {
	const n, right = 400, 120
	share := func(times []int) float64 {
		sum := 0
		for _, k := range times[:right] {
			sum += k
		}
		return float64(sum) / n
	}
	r := bootstrap(n, 1, share)
	half := 1.96 * math.Sqrt(.3*.7/n)
	if r.Value != .3 || math.Abs(r.Low-(.3-half)) > .15*half || math.Abs(r.High-(.3+half)) > .15*half {
		t.Errorf("%+v, want .3 and %.4f to both sides", r, half)
	}
	if again := bootstrap(n, 1, share); again != r {
		t.Errorf("the same seed: %+v, then %+v", r, again)
	}
	if other := bootstrap(n, 2, share); other == r {
		t.Error("another seed draws the same")
	}
}
