package crop

import (
	"bytes"
	"errors"
	"testing"

	"siameseim/picture"
)

// ramp is a plane whose samples are the means of a linear ramp over the pixels.
func ramp(height, width, step, down, across int) picture.Plane {
	p := picture.Plane{StepHigh: step, StepWide: step}
	rows, cols := (height+step-1)/step, (width+step-1)/step
	p.Reset(rows, cols, rows, cols+3)
	for y := range rows {
		for x := range cols {
			twice := (2*y+1)*step*down + (2*x+1)*step*across // twice the value in the middle
			p.Pix[y*p.Stride+x] = uint8(40 + twice/8)
		}
	}
	return p
}

// A ramp stays the same ramp whatever the resolution of its plane, where the
// crop begins, and which way it is turned, but for rounding and the image's edge.
func TestPlanesOfAnyStepShowTheSame(t *testing.T) {
	const height, width, size = 96, 80, 32
	var r PlaneResizer
	for _, flip := range []bool{false, true} {
		for _, box := range []Box{{16, 17, 33, 47}, {9, 8, 64, 64}, {40, 30, 20, 17}} {
			var want *picture.Planar
			for _, step := range []int{1, 2, 3, 4} {
				src := &picture.YCbCr{Height: height, Width: width, Y: ramp(height, width, step, 3, 2)}
				got := some(size, size)
				if err := r.Apply(got, src, Placement{Box: box, Flip: flip}); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = got
					continue
				}
				for i, v := range got.Pix[0] {
					if d := int(v) - int(want.Pix[0][i]); (d > 3 || d < -3) && inner(i, size) {
						t.Fatalf("flip %v, box %v, step %d: pixel %d is %d, want %d", flip, box, step, i, v, want.Pix[0][i])
					}
				}
			}
		}
	}
}

// inner leaves out a border, where the taps end at the crop's edge.
func inner(pixel, size int) bool {
	const border = 6
	y, x := pixel/size, pixel%size
	return min(y, x) >= border && max(y, x) < size-border
}

func TestPlanesWithoutDetail(t *testing.T) {
	var r PlaneResizer
	flat := func(step int, v uint8) picture.Plane {
		p := ramp(5, 7, step, 0, 0)
		for i := range p.Pix {
			p.Pix[i] = v
		}
		return p
	}
	src := &picture.YCbCr{Height: 5, Width: 7, Y: flat(1, 100), Cb: flat(2, 128), Cr: flat(4, 128)}
	for _, size := range []int{1, 2, 17, 64} {
		for _, box := range []Box{{0, 0, 5, 7}, {4, 6, 1, 1}, {2, 3, 3, 4}} {
			dst := some(size, size)
			if err := r.Apply(dst, src, Placement{Box: box, Flip: size%2 == 1}); err != nil {
				t.Fatal(err)
			}
			for _, v := range bytes.Join(dst.Pix[:], nil) {
				if v < 99 || v > 101 {
					t.Fatalf("size %d, box %v: %d", size, box, v)
				}
			}
		}
	}
	var bad *BoxError
	if err := r.Apply(some(2, 2), src, Placement{Box: Box{0, 0, 6, 7}}); !errors.As(err, &bad) {
		t.Error(err)
	}
	if err := r.Apply(new(picture.Planar), src, Placement{Box: Box{0, 0, 5, 7}}); err == nil {
		t.Error("no error for a destination without pixels")
	}
}

func some(height, width int) *picture.Planar {
	im := new(picture.Planar)
	im.Reset(height, width)
	return im
}
