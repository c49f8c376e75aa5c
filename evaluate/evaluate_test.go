package evaluate

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siameseim/internal/shapes"
	"siameseim/internal/team"
	"siameseim/views"
)

// TestWilson: the published example of 10 of 20, and the ends. The bounds are
// the roots of (p - right/n)^2 = z^2 p(1-p)/n, checked as such.
func TestWilson(t *testing.T) {
	for _, c := range []struct{ right, n int }{{10, 20}, {0, 10}, {10, 10}, {1, 1}, {650, 2000}} {
		low, high := Wilson(c.right, c.n)
		share := float64(c.right) / float64(c.n)
		for _, p := range []float64{low, high} {
			if p == 0 || p == 1 {
				continue // cut, or exact
			}
			distance := math.Abs(p-share) / math.Sqrt(p*(1-p)/float64(c.n))
			if math.Abs(distance-1.959963984540054) > 1e-9 {
				t.Errorf("%d of %d: bound %g lies %g deviations off", c.right, c.n, p, distance)
			}
		}
		if low < 0 || high > 1 || low > share || high < share {
			t.Errorf("%d of %d: [%g, %g]", c.right, c.n, low, high)
		}
	}
	if low, high := Wilson(10, 20); math.Abs(low-.2993) > 5e-5 || math.Abs(high-.7007) > 5e-5 {
		t.Errorf("10 of 20: [%.4f, %.4f], want [.2993, .7007]", low, high)
	}
	if low, high := Wilson(0, 0); low != 0 || high != 1 {
		t.Errorf("0 of 0: [%g, %g]", low, high)
	}
}

// meanColour is an encoder of three features.
type meanColour struct{ size, largest int }

func (m *meanColour) Size() int { return m.size }
func (m *meanColour) Dim() int  { return 3 }
func (m *meanColour) Features(dst, images []float32, n int) {
	m.largest = max(m.largest, n)
	plane := m.size * m.size
	for i := range 3 * n {
		var sum float32
		for _, v := range images[i*plane : (i+1)*plane] {
			sum += v
		}
		dst[i] = sum / float32(plane)
	}
}

// TestExtractorIndependentOfBatch: the same table for any batch, never more
// images at once than agreed, and the normalisation of training.
func TestExtractorIndependentOfBatch(t *testing.T) {
	const size, n = 9, 23
	set := shapes.Set{Size: size, Split: "train"}
	batch := views.NewBatch(n, size, 0)
	var painter shapes.Painter
	for i := range n {
		batch.Labels[i] = int64(set.Draw(&painter, batch.View1[i*size*size*3:], nil, int64(i)))
	}
	var want *Table
	for _, size := range []int{1, 7, n, 100} {
		encoder := &meanColour{size: 9}
		x := NewExtractor(encoder, size)
		if err := x.AddBatch(batch); err != nil {
			t.Fatal(err)
		}
		if encoder.largest > size {
			t.Errorf("%d images at once, more than %d", encoder.largest, size)
		}
		if want == nil {
			want = x.Table()
		} else if diff := cmp.Diff(want, x.Table()); diff != "" {
			t.Errorf("batch %d: %s", size, diff)
		}
	}
	var red float64
	for i := 0; i < size*size; i++ {
		red += (float64(batch.View1[3*i])/255 - .485) / .229 / (size * size)
	}
	if got := float64(want.row(0)[0]); math.Abs(got-red) > 1e-5 {
		t.Errorf("mean red %g, want %g", got, red)
	}
}

func TestExtractorErrors(t *testing.T) {
	x := NewExtractor(Pixels(8), 4)
	if err := x.Add(make([]uint8, 8*8*3), []int64{1, 2}); err == nil || !strings.Contains(err.Error(), "192 bytes for 2 images of 8 x 8") {
		t.Errorf("short pixels: %v", err)
	}
	if err := x.AddBatch(views.NewBatch(1, 16, 0)); err == nil || !strings.Contains(err.Error(), "views of 16 pixels for an encoder of 8") {
		t.Errorf("other size: %v", err)
	}
}

// TestRawPixelsOfShapes: the whole way from pictures to a figure. Raw pixels
// are above chance and far from good on the built-in data, and at chance with
// another picture's label.
func TestRawPixelsOfShapes(t *testing.T) {
	threads := team.New(2)
	defer threads.Close()
	table := func(split string, n, shift int64) *Table {
		set := shapes.Set{Size: 16, Split: split}
		x := NewExtractor(Pixels(16), 256)
		pix := make([]uint8, 16*16*3)
		var painter shapes.Painter
		for i := range n {
			set.Draw(&painter, pix, nil, i)
			if err := x.Add(pix, []int64{int64(set.Scene(i + shift).Class)}); err != nil {
				t.Fatal(err)
			}
		}
		return x.Table()
	}
	test := table("test", 600, 0)
	right, err := DefaultKNN.Evaluate(table("train", 3000, 0), test, threads)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := DefaultKNN.Evaluate(table("train", 3000, 1), test, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("raw pixels %.3f [%.3f, %.3f], with others' labels %.3f", right.Accuracy, right.Low, right.High, wrong.Accuracy)
	if right.Low < .12 || right.High > .35 {
		t.Errorf("raw pixels: %.3f, [%.3f, %.3f]", right.Accuracy, right.Low, right.High)
	}
	if wrong.Low > .1 || wrong.High < .1 {
		t.Errorf("others' labels: [%.3f, %.3f] doesn't hold chance, .1", wrong.Low, wrong.High)
	}
}
