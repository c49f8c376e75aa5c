package shapes

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// pixels returns n pictures of a set as rows of (v/255 - mean)/std with
// ImageNet's constants, and their labels.
func pixels(set Set, n int) (rows blas32.General, labels []int) {
	mean := [3]float32{.485, .456, .406}
	std := [3]float32{.229, .224, .225}
	width := set.Size * set.Size * 3
	rows = blas32.General{Rows: n, Cols: width, Stride: width, Data: make([]float32, n*width)}
	pix := make([]uint8, width)
	var painter Painter
	for i := range n {
		label := set.Draw(&painter, pix, nil, int64(i))
		for j, v := range pix {
			rows.Data[i*width+j] = (float32(v)/255 - mean[j%3]) / std[j%3]
		}
		labels = append(labels, label)
	}
	return rows, labels
}

// statistics returns n pictures of a set as rows of four numbers, each scaled
// to unit variance: mean red, green and blue, and the object's area.
func statistics(set Set, n int) (rows blas32.General, labels []int) {
	rows = blas32.General{Rows: n, Cols: 4, Stride: 4, Data: make([]float32, n*4)}
	pix, mask := make([]uint8, set.Size*set.Size*3), make([]uint8, set.Size*set.Size)
	var painter Painter
	for i := range n {
		label := set.Draw(&painter, pix, mask, int64(i))
		row := rows.Data[4*i:]
		for j, v := range pix {
			row[j%3] += float32(v) / (255 * float32(len(mask)))
		}
		for _, v := range mask {
			row[3] += float32(v) / float32(len(mask))
		}
		for j, spread := range []float32{.15, .15, .15, .035} {
			row[j] /= spread
		}
		labels = append(labels, label)
	}
	return rows, labels
}

// neighbours is the accuracy of a vote of the 20 nearest rows: by cosine, each
// weighing exp(cosine/.07), or by Euclidean distance, each weighing 1.
func neighbours(train blas32.General, trainLabels []int, test blas32.General, testLabels []int, cosine bool) float64 {
	const block, k = 100, 20
	squares := func(m blas32.General) []float32 {
		s := make([]float32, m.Rows)
		for i := range s {
			row := m.Data[i*m.Stride : i*m.Stride+m.Cols]
			for _, v := range row {
				s[i] += v * v
			}
		}
		return s
	}
	trainSquares, testSquares := squares(train), squares(test)
	similarity := blas32.General{Rows: block, Cols: train.Rows, Stride: train.Rows, Data: make([]float32, block*train.Rows)}
	right := 0
	for start := 0; start < test.Rows; start += block {
		part := test
		part.Rows, part.Data = block, test.Data[start*test.Stride:]
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, part, train, 0, similarity)
		for i := range block {
			row := similarity.Data[i*train.Rows : (i+1)*train.Rows]
			type near struct {
				s     float32
				label int
			}
			var best []near
			for j, s := range row {
				if cosine {
					s /= float32(math.Sqrt(float64(trainSquares[j]) * float64(testSquares[start+i])))
				} else {
					s = 2*s - trainSquares[j]
				}
				if len(best) == k && s <= best[k-1].s {
					continue
				}
				at, _ := slices.BinarySearchFunc(best, s, func(n near, s float32) int {
					if n.s >= s {
						return -1
					}
					return 1
				})
				best = slices.Insert(best, at, near{s, trainLabels[j]})
				best = best[:min(len(best), k)]
			}
			votes := make([]float64, len(classNames))
			for _, n := range best {
				if cosine {
					votes[n.label] += math.Exp(float64(n.s) / 0.07)
				} else {
					votes[n.label]++
				}
			}
			answer := 0
			for c, v := range votes {
				if v > votes[answer] {
					answer = c
				}
			}
			if answer == testLabels[start+i] {
				right++
			}
		}
	}
	return float64(right) / float64(test.Rows)
}

// TestRawPixelsTellLittle holds the data set to its purpose: what a network
// learns must show above what the pixels give away.
func TestRawPixelsTellLittle(t *testing.T) {
	trains, tests := 10000, 1000
	if testing.Short() {
		trains, tests = 2000, 500
	}
	for _, light := range []Light{EvenLight, PatchyLight} {
		if light == PatchyLight { // which hides the objects from pixels altogether
			trains, tests = 2000, 500
		}
		train, trainLabels := pixels(Set{Size: 32, Split: "train", Light: light}, trains)
		test, testLabels := pixels(Set{Size: 32, Split: "test", Light: light}, tests)
		for _, cosine := range []bool{true, false} {
			accuracy := neighbours(train, trainLabels, test, testLabels, cosine)
			t.Logf("%d/%d, %v light, cosine %v: %.3f", trains, tests, light, cosine, accuracy)
			if accuracy > 0.35 {
				t.Errorf("raw pixels reach %.3f, more than .35 (%v light, cosine %v)", accuracy, light, cosine)
			}
			if light == EvenLight && cosine && accuracy < 0.12 { // discs, plain as they are, are found by pixels too
				t.Errorf("raw pixels reach only %.3f: the measure itself looks broken", accuracy)
			}
		}
	}
}

// TestColourAndSizeTellNothing: neither mean colour nor the object's area, nor
// both together, may lift a guess far above chance (.1).
func TestColourAndSizeTellNothing(t *testing.T) {
	trains, tests := 10000, 2000
	if testing.Short() {
		trains = 2000
	}
	for _, light := range []Light{EvenLight, PatchyLight} {
		train, trainLabels := statistics(Set{Size: 32, Split: "train", Light: light}, trains)
		test, testLabels := statistics(Set{Size: 32, Split: "test", Light: light}, tests)
		if accuracy := neighbours(train, trainLabels, test, testLabels, false); accuracy > 0.15 {
			t.Errorf("20 nearest by mean colour and area, %v light: %.3f, more than .15", light, accuracy)
		} else {
			t.Logf("20 nearest by mean colour and area, %v light: %.3f", light, accuracy)
		}
		if accuracy := centroids(train, trainLabels, test, testLabels); accuracy > 0.15 {
			t.Errorf("nearest class mean, %v light: %.3f, more than .15", light, accuracy)
		} else {
			t.Logf("nearest class mean, %v light: %.3f", light, accuracy)
		}
	}
}

// centroids is the accuracy of the nearest mean row of a class.
func centroids(train blas32.General, trainLabels []int, test blas32.General, testLabels []int) float64 {
	means := make([][]float64, len(classNames))
	count := make([]float64, len(classNames))
	for c := range means {
		means[c] = make([]float64, train.Cols)
	}
	for i, label := range trainLabels {
		count[label]++
		for j := range train.Cols {
			means[label][j] += float64(train.Data[i*train.Stride+j])
		}
	}
	right := 0
	for i, label := range testLabels {
		answer, nearest := 0, math.Inf(1)
		for c := range means {
			var d float64
			for j := range test.Cols {
				e := float64(test.Data[i*test.Stride+j]) - means[c][j]/count[c]
				d += e * e
			}
			if d < nearest {
				answer, nearest = c, d
			}
		}
		if answer == label {
			right++
		}
	}
	return float64(right) / float64(test.Rows)
}
