package shapes

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestOutlines: every outline has an area of 1, its centre of mass at the
// origin, stays within its radius, and its distance is one (1-Lipschitz, with
// the outside's nearest point where it says).
func TestOutlines(t *testing.T) {
	for class, o := range outlines {
		const n = 400
		side := 2 * o.radius * 1.05
		var area, top, left, reach float64
		for i := range n {
			for j := range n {
				y := (float64(i)+0.5)/n*side - side/2
				x := (float64(j)+0.5)/n*side - side/2
				if o.distance(y, x) < 0 {
					cell := side * side / n / n
					area += cell
					top += y * cell
					left += x * cell
					reach = max(reach, math.Hypot(y, x))
				}
			}
		}
		if math.Abs(area-1) > 0.01 || math.Abs(top) > 0.005 || math.Abs(left) > 0.005 {
			t.Errorf("%s: area %.4f, centre (%.4f, %.4f); want 1, (0, 0)", classNames[class], area, top, left)
		}
		if reach > o.radius+1e-9 || reach < o.radius*0.97 {
			t.Errorf("%s: reaches to %.4f, radius says %.4f", classNames[class], reach, o.radius)
		}
	}
}

func TestDistanceIsADistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := outlines[rapid.IntRange(0, len(outlines)-1).Draw(t, "class")]
		coordinate := rapid.Float64Range(-1.5, 1.5)
		y0, x0 := coordinate.Draw(t, "y0"), coordinate.Draw(t, "x0")
		y1, x1 := coordinate.Draw(t, "y1"), coordinate.Draw(t, "x1")
		d0, d1 := o.distance(y0, x0), o.distance(y1, x1)
		if math.Abs(d0-d1) > math.Hypot(y0-y1, x0-x1)+1e-9 {
			t.Fatalf("distance changes from %g to %g over %g", d0, d1, math.Hypot(y0-y1, x0-x1))
		}
		if mirrored := o.distance(y0, -x0); math.Abs(mirrored-d0) > 1e-9 {
			t.Fatalf("not symmetric: %g and %g", d0, mirrored)
		}
	})
}

// TestClassesBalanced: labels are uniform, within five standard deviations.
func TestClassesBalanced(t *testing.T) {
	const n = 20000
	var count [len(classNames)]float64
	for i := range int64(n) {
		count[Set{}.Scene(i).Class]++
	}
	mean := float64(n) / float64(len(count))
	for c, k := range count {
		if math.Abs(k-mean) > 5*math.Sqrt(mean) {
			t.Errorf("%s: %v of %d pictures", classNames[c], k, n)
		}
	}
}

// TestObjectVisible: in every picture the objects are in sight and stand out from the ground around
// them by brightness or by their pattern; they are the brighter part in half of the pictures.
func TestObjectVisible(t *testing.T) {
	const n, size = 2000, 32
	var p Painter
	pix, mask := make([]uint8, size*size*3), make([]uint8, size*size)
	brighter := 0
	for i := range int64(n) {
		s := Set{}.Scene(i)
		p.Draw(pix, mask, size, &s)
		var sum, squares, count [2]float64
		for at, m := range mask {
			luma := .299*float64(pix[3*at]) + .587*float64(pix[3*at+1]) + .114*float64(pix[3*at+2])
			sum[m] += luma
			squares[m] += luma * luma
			count[m]++
		}
		var placed float64
		for _, place := range s.Places {
			placed += place.Area
		}
		if area := count[1] / (size * size); area < 0.6*placed || area > 1.15*placed {
			t.Errorf("picture %d: %s covers %.3f of the picture, placed %.3f", i, classNames[s.Class], area, placed)
		}
		ground := sum[0] / count[0]
		difference := sum[1]/count[1] - ground
		spread := math.Sqrt(squares[1]/count[1] - 2*ground*sum[1]/count[1] + ground*ground) // of the object, around the ground's mean
		if spread < 8 {                                                                     // a plain disc's lit rim and shadow stand out more
			t.Errorf("picture %d: %s differs by %.1f of 255 from its ground", i, classNames[s.Class], spread)
		}
		if difference > 0 {
			brighter++
		}
	}
	if brighter < n*45/100 || brighter > n*55/100 {
		t.Errorf("the object is brighter in %d of %d pictures", brighter, n)
	}
}

// TestPureFunction: a picture depends on nothing but (seed, index, size).
func TestPureFunction(t *testing.T) {
	const size = 17
	set := Set{Size: size, Seed: 3, Split: "train"}
	var used Painter
	used.Draw(make([]uint8, 64*64*3), nil, 64, &Scene{})
	pix, again := make([]uint8, size*size*3), make([]uint8, size*size*3)
	for i := range int64(20) {
		label := set.Draw(&used, pix, nil, i)
		if other := Draw(again, size, 3, i); other != label || !bytes.Equal(pix, again) {
			t.Fatalf("picture %d is not the same twice", i)
		}
	}
	Draw(again, size, 4, 19)
	if bytes.Equal(pix, again) {
		t.Error("the seed changes nothing")
	}
}

// TestSameSceneAtAnySize: a large picture, averaged down, is the small one, but
// for grain and the sampling of edges and patterns at pixel centres.
func TestSameSceneAtAnySize(t *testing.T) {
	const small, factor = 32, 4
	const large = small * factor
	var p Painter
	a, b := make([]uint8, small*small*3), make([]uint8, large*large*3)
	for i := range int64(20) {
		s := Set{}.Scene(i)
		s.Grain = 0
		p.Draw(a, nil, small, &s)
		p.Draw(b, nil, large, &s)
		var worst, total float64
		for row := range small {
			for col := range small {
				for ch := range 3 {
					var sum float64
					for y := range factor {
						for x := range factor {
							sum += float64(b[((row*factor+y)*large+col*factor+x)*3+ch])
						}
					}
					d := math.Abs(sum/(factor*factor) - float64(a[(row*small+col)*3+ch]))
					worst, total = max(worst, d), total+d
				}
			}
		}
		if mean := total / (small * small * 3); mean > 10 {
			t.Errorf("picture %d: sizes differ by %.2f on average, %.0f at most", i, mean, worst)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		spec string
		want Set
	}{
		{"builtin:shapes", Set{Size: 32, Split: "train"}},
		{"builtin:shapes?", Set{Size: 32, Split: "train"}},
		{"builtin:shapes?size=224&count=20000&split=test&seed=18446744073709551615",
			Set{Size: 224, Count: 20000, Split: "test", Seed: math.MaxUint64}},
		{"builtin:shapes?light=patchy", Set{Size: 32, Split: "train", Light: PatchyLight}},
		{"builtin:shapes?light=even", Set{Size: 32, Split: "train"}},
	} {
		got, err := Parse(c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.spec, diff)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%s: read back as %v, %v", got, again, err)
		}
	}
	for _, spec := range []string{
		"", "builtin:cats", "shapes", "builtin:shapes?colour=red", "builtin:shapes?size=7",
		"builtin:shapes?size=4096", "builtin:shapes?size=", "builtin:shapes?count=-1",
		"builtin:shapes?split=val", "builtin:shapes?seed=-1", "builtin:shapes?size=32&size=32",
		"builtin:shapes?count=9223372036854775807", "builtin:shapes?%zz", "builtin:shapes?light=", "builtin:shapes?light=dim",
	} {
		if got, err := Parse(spec); err == nil {
			t.Errorf("%q: read as %v, want an error", spec, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("builtin:shapes?size=32&count=20000&split=train&seed=0")
	f.Add("builtin:shapes?size=32;count=1")
	f.Fuzz(func(t *testing.T, spec string) {
		set, err := Parse(spec)
		if err != nil {
			return
		}
		if again, err := Parse(set.String()); err != nil || again != set {
			t.Errorf("%q: %v read back as %v, %v", spec, set, again, err)
		}
	})
}

func TestKeys(t *testing.T) {
	set := Set{Size: 8, Count: 3, Split: "test"}
	for i, want := range []string{"shape-test-00000000", "shape-test-00000001", "shape-test-00000002"} {
		if key := set.Key(int64(i)); key != want {
			t.Errorf("got %q, want %q", key, want)
		}
	}
}

// TestSplitsAreDisjoint: the same number in the two splits is another picture.
func TestSplitsAreDisjoint(t *testing.T) {
	a, b := make([]uint8, 32*32*3), make([]uint8, 32*32*3)
	var p Painter
	Set{Size: 32, Split: "train"}.Draw(&p, a, nil, 0)
	Set{Size: 32, Split: "test"}.Draw(&p, b, nil, 0)
	if bytes.Equal(a, b) {
		t.Error("train and test begin with the same picture")
	}
}

func BenchmarkDraw(b *testing.B) {
	set := Set{Size: 32}
	pix := make([]uint8, 32*32*3)
	var p Painter
	b.SetBytes(int64(len(pix)))
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		set.Draw(&p, pix, nil, i)
	}
}
