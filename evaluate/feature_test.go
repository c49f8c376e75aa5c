package evaluate

import (
	"context"
	"math"
	"strings"
	"testing"
)

// counting is a network whose token t of image i is (10i + t, -t).
type counting struct{ size int }

func (c counting) Size() int   { return c.size }
func (c counting) Dim() int    { return 2 }
func (c counting) Tokens() int { return 5 }
func (c counting) Forward(_ []float32, n int) ([]float32, error) {
	var out []float32
	for i := range n {
		for t := range 5 {
			out = append(out, float32(10*i+t), float32(-t))
		}
	}
	return out, nil
}

// TestFeatures: the class token is token 0, and no part of the mean.
func TestFeatures(t *testing.T) {
	for _, c := range []struct {
		feature string
		want    [2]float32
	}{{"mean", [2]float32{2.5, -2.5}}, {"class", [2]float32{0, 0}}} {
		kind, err := ParseFeature(c.feature)
		if err != nil {
			t.Fatal(err)
		}
		f := NewFeatures(counting{8}, kind, oneThread(t))
		got := make([]float32, 6)
		f.Features(got, make([]float32, 3*3*8*8), 3)
		for i := range 3 {
			if got[2*i] != c.want[0]+float32(10*i) || got[2*i+1] != c.want[1] {
				t.Errorf("%s: %v", c.feature, got)
			}
		}
	}
	if _, err := ParseFeature("cls"); err == nil {
		t.Error("feature cls is taken")
	}
}

// TestExtract: one row an image in the data's order, one table an encoder.
func TestExtract(t *testing.T) {
	data := Data{URLs: []string{"builtin:shapes?size=8&count=30"}, Batch: 7}
	tables, stats, err := Extract(context.Background(), data, Pixels(8), NewFeatures(counting{8}, Class, oneThread(t)))
	if err != nil || stats.Images != 30 || stats.Bad != 0 || len(tables) != 2 {
		t.Fatalf("%+v, %v", stats, err)
	}
	for _, table := range tables {
		if table.Rows() != 30 || len(table.Data) != 30*table.Dim {
			t.Errorf("%d rows, %d values of width %d", table.Rows(), len(table.Data), table.Dim)
		}
	}
	// The seventh image of a batch of 7 is number 6 of its batch.
	if v := tables[1].row(13)[0]; math.Abs(float64(v)-60) > 0 {
		t.Errorf("row 13: %g", v)
	}
	for _, c := range []struct {
		want     string
		url      string
		encoders []Encoder
	}{
		{"give it a count", "builtin:shapes?size=8", []Encoder{Pixels(8)}},
		{"encoders of 8 and 9 pixels", "builtin:shapes?size=8&count=3", []Encoder{Pixels(8), Pixels(9)}},
		{"no-such.tar", "no-such.tar", []Encoder{Pixels(8)}},
	} {
		data.URLs[0] = c.url
		if _, _, err := Extract(context.Background(), data, c.encoders...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
