package nn

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"siameseim/crop"
)

func TestArenaSharesScratchAndNothingElse(t *testing.T) {
	var a Arena
	var keep1, keep2, scratch1, scratch2, scratch3 []float32
	a.Keep(&keep1, 5)
	mark := a.Mark()
	a.Scratch(&scratch1, 100)
	a.Rewind(mark)
	a.Scratch(&scratch2, 7)
	a.Keep(&keep2, 16)
	a.Scratch(&scratch3, 20)
	a.Allocate()
	if want := int64(4 * (16 + 16 + 112)); a.Bytes() != want {
		t.Errorf("%d bytes, want %d", a.Bytes(), want)
	}
	fill := func(x []float32, v float32) {
		for i := range x {
			x[i] = v
		}
	}
	holds := func(x []float32, n int, v float32) bool {
		return len(x) == n && cap(x) == n && !slices.ContainsFunc(x, func(w float32) bool { return w != v })
	}
	fill(keep1, 1)
	fill(keep2, 2)
	fill(scratch1, 3)
	if !holds(keep1, 5, 1) || !holds(keep2, 16, 2) || !holds(scratch1, 100, 3) {
		t.Errorf("kept slices overlap: %v %v", keep1, keep2)
	}
	fill(scratch2, 4)
	fill(scratch3, 5)
	if !holds(scratch2, 7, 4) || !holds(scratch3, 20, 5) || scratch1[0] != 4 || scratch1[16] != 5 || scratch1[36] != 3 {
		t.Error("scratch of the same mark isn't the same memory, or slices of one life overlap")
	}
	defer func() {
		if recover() == nil {
			t.Error("a second Allocate went through")
		}
	}()
	a.Allocate()
}

func TestBatchNormKeepsRunningAverages(t *testing.T) {
	const rows, dim = 6, 5
	b := bench(t, 1)
	n := NewBatchNorm(b, "n", dim)
	b.done()
	x, y := noise(rows*dim, 1), make([]float32, rows*dim)
	n.Forward(y, x, rows)
	n.Forward(y, x, rows)
	for j := range dim {
		var mean, variance float64
		for i := range rows {
			mean += float64(x[i*dim+j]) / rows
		}
		for i := range rows {
			d := float64(x[i*dim+j]) - mean
			variance += d * d / (rows - 1)
		}
		wantMean, wantVar := .19*mean, .81+.19*variance // twice momentum .1
		if math.Abs(float64(n.runningMean[j])-wantMean) > 1e-6 || math.Abs(float64(n.runningVar[j])-wantVar) > 1e-6 {
			t.Errorf("channel %d: %g, %g; want %g, %g", j, n.runningMean[j], n.runningVar[j], wantMean, wantVar)
		}
	}
}

func TestPositions(t *testing.T) {
	const dim, grid = 12, 5
	table := Positions(dim, grid)
	if len(table) != grid*grid*dim {
		t.Fatalf("%d values", len(table))
	}
	for row := range grid {
		for col := range grid {
			got := table[(row*grid+col)*dim:]
			for k := range 3 {
				omega := math.Pow(10000, -float64(k)/3)
				for part, want := range []float64{
					math.Sin(float64(row) * omega), math.Cos(float64(row) * omega),
					math.Sin(float64(col) * omega), math.Cos(float64(col) * omega),
				} {
					if got[3*part+k] != float32(want) {
						t.Errorf("row %d, col %d, part %d, k %d: %g, want %g", row, col, part, k, got[3*part+k], want)
					}
				}
			}
		}
	}
}

// Every value against the exact rational centre of its patch.
func TestRelativeEmbedding(t *testing.T) {
	const grid, dim, q = 3, 8, 2
	in := &Input{
		Batch:     3,
		Crop:      []int32{3, 5, 20, 31, 0, 11, 40, 17, 0, 0, 30, 40, 7, 1, 10, 9, 1, 2, 8, 8, 1, 2, 8, 8},
		Flip:      []uint8{0, 0, 1, 0, 1, 1},
		ImageSize: []int32{40, 50, 33, 47, 20, 20},
	}
	if err := in.CheckGeometry(); err != nil {
		t.Fatal(err)
	}
	b := bench(t, 3)
	r := NewRelativeEmbedding(b.Machine, grid, dim, "")
	out := make([]float32, 3*grid*grid*2*dim)
	r.Forward(out, in)
	for image := range 3 {
		view1, view2 := in.placement(image, 0), in.placement(image, 1)
		for patch := range grid * grid {
			y, x := crop.ExactPatchCentre(view1, view2, int(in.ImageSize[2*image+1]), patch/grid, patch%grid, grid)
			row, _ := y.Float64()
			col, _ := x.Float64()
			values := []float64{
				row, col,
				10 * math.Log(float64(view2.Box.Height)/float64(view1.Box.Height)),
				10 * math.Log(float64(view2.Box.Width)/float64(view1.Box.Width)),
			}
			got := out[(image*grid*grid+patch)*2*dim:]
			for part, value := range values {
				for k := range q {
					phase := value * math.Pow(10000, -float64(k)/q)
					sin, cos := got[part*2*q+k], got[part*2*q+q+k]
					if math.Abs(float64(sin)-math.Sin(phase)) > 1e-7 || math.Abs(float64(cos)-math.Cos(phase)) > 1e-7 {
						t.Errorf("image %d, patch %d, part %d, k %d: %g, %g; want %g, %g",
							image, patch, part, k, sin, cos, math.Sin(phase), math.Cos(phase))
					}
				}
			}
		}
	}
}

func TestCheckGeometry(t *testing.T) {
	good := func() *Input {
		return &Input{Batch: 1, Crop: []int32{0, 0, 4, 4, 1, 1, 3, 3}, Flip: []uint8{0, 1}, ImageSize: []int32{4, 4}}
	}
	if err := good().CheckGeometry(); err != nil {
		t.Errorf("good input: %v", err)
	}
	for name, spoil := range map[string]func(*Input){
		"empty crop of view 1": func(in *Input) { in.Crop[3] = 0 },
		"crop beyond the edge": func(in *Input) { in.Crop[4] = 2 },
		"negative left":        func(in *Input) { in.Crop[1] = -1 },
		"no image":             func(in *Input) { in.ImageSize[0] = 0 },
		"too few flips":        func(in *Input) { in.Flip = in.Flip[:1] },
		"too few crops":        func(in *Input) { in.Crop = nil },
		"too few sizes":        func(in *Input) { in.ImageSize = nil },
	} {
		in := good()
		spoil(in)
		if in.CheckGeometry() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDropScale(t *testing.T) {
	const rate, n = .3, 20000
	key := DropKey{Seed: 5, Step: 9}
	sum, kept := 0.0, 0
	for row := range n {
		f := dropScale(key, row, 3, rate)
		if f != 0 && f != float32(1/(1-rate)) {
			t.Fatalf("factor %g", f)
		}
		if f != 0 {
			kept++
		}
		sum += float64(f)
		// A micro-batch's rows count from its first.
		if dropScale(DropKey{Seed: 5, Step: 9, Row: row - 7}, 7, 3, rate) != f {
			t.Fatalf("row %d depends on where its micro-batch starts", row)
		}
	}
	if sigma := math.Sqrt(n * rate * (1 - rate)); math.Abs(float64(kept)-n*(1-rate)) > 4*sigma {
		t.Errorf("%d of %d kept", kept, n)
	}
	if dropScale(key, 1, 1, 0) != 1 {
		t.Error("rate 0 scales")
	}
	// Each part of the key matters: about 2*.3*.7 of the draws differ.
	for name, other := range map[string]func(row int) float32{
		"seed":   func(row int) float32 { return dropScale(DropKey{Seed: 6, Step: 9}, row, 3, rate) },
		"order":  func(row int) float32 { return dropScale(DropKey{Seed: 9, Step: 5}, row, 3, rate) },
		"step":   func(row int) float32 { return dropScale(DropKey{Seed: 5, Step: 10}, row, 3, rate) },
		"branch": func(row int) float32 { return dropScale(key, row, 4, rate) },
		"row":    func(row int) float32 { return dropScale(key, row+1, 3, rate) },
	} {
		differ := 0
		for row := range n {
			if other(row) != dropScale(key, row, 3, rate) {
				differ++
			}
		}
		if share := float64(differ) / n; math.Abs(share-.42) > .02 {
			t.Errorf("another %s changes %.3f of the draws", name, share)
		}
	}
}

// A dropped image's tokens pass unchanged, and its gradient too.
func TestDropPathLeavesDroppedImages(t *testing.T) {
	const batch, tokens, dim = 8, 3, 4
	b := bench(t, batch)
	s := NewStack(b, StackConfig{Name: "b", Depth: 2, Tokens: tokens, Dim: dim, Heads: 1, Norm: "layer", DropPath: .6})
	b.done()
	copy(s.In(), noise(len(s.In()), 1))
	s.Forward(batch, DropKey{Seed: 1})
	grad := noise(len(s.In()), 2)
	before := slices.Clone(grad)
	last := s.blocks[1].(*block32)
	last.backward(grad, nil, s.stream[1], batch)
	seen := 0
	for image := range batch {
		dropped := last.close1.drop[image] == 0 && last.close2.drop[image] == 0
		at, end := image*tokens*dim, (image+1)*tokens*dim
		same := slices.Equal(s.stream[1][at:end], s.stream[2][at:end]) && slices.Equal(grad[at:end], before[at:end])
		if same != dropped {
			t.Errorf("image %d: dropped %v, unchanged %v", image, dropped, same)
		}
		if dropped {
			seen++
		}
	}
	if seen == 0 || seen == batch {
		t.Errorf("%d of %d images dropped: nothing tested", seen, batch)
	}
	if s.blocks[0].(*block32).close1.drop != nil {
		t.Error("the first block drops")
	}
}

func ExamplePositions() {
	table := Positions(4, 2)
	fmt.Printf("patch 1 (row 0, column 1): %.2f\n", table[4:8])
	// Output: patch 1 (row 0, column 1): [0.00 1.00 0.84 0.54]
}
