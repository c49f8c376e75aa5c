package simd

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkVector runs the vector kernels on 64 rows of 384, which is more
// than the first-level cache and less than the second.
func BenchmarkVector(b *testing.B) {
	const rows, cols = 64, 384
	rng := rand.New(rand.NewPCG(71, 72))
	x, y, z, v := randoms(rng, rows*cols, 2), randoms(rng, rows*cols, 2), randoms(rng, rows*cols, 2), make([]float32, rows*cols)
	gamma, beta := randoms(rng, cols, 1), randoms(rng, cols, 1)
	mean, rstd := make([]float32, rows), make([]float32, rows)
	sums, more := make([]float64, cols), make([]float64, cols)
	narrow, act := make([]BF16, rows*cols), make([]BF16, rows*cols)
	for _, k := range []struct {
		name string
		call func()
	}{
		{"Add", func() { Add(y, x) }},
		{"Scale", func() { Scale(y, -1) }},
		{"Lerp", func() { Lerp(y, x, 0.1) }},
		{"Dot", func() { Dot(x, z) }},
		{"SumSquares", func() { SumSquares(x) }},
		{"GELU", func() { GELU(y, x) }},
		{"GELUBackward", func() { GELUBackward(y, z, x) }},
		{"SoftmaxRow65", func() {
			for i := 0; i+65 <= len(x); i += 65 {
				SoftmaxRow(y[i:i+65], x[i:i+65], 0.125)
			}
		}},
		{"LayerNorm", func() { LayerNorm(y, x, gamma, beta, cols, 1e-6, mean, rstd) }},
		{"LayerNormBackward", func() { LayerNormBackward(y, z, x, gamma, mean, rstd, cols) }},
		{"NormParamGrad", func() { NormParamGrad(gamma, beta, z, x, mean, rstd, rows, cols, 0, cols) }},
		{"AddBias", func() { AddBias(y, beta, rows, cols) }},
		{"ColumnSum", func() { ColumnSum(beta, x, rows, cols, cols) }},
		{"ColumnMoments", func() { ColumnMoments(sums, more, x, rows, cols, cols) }},
		{"NormColumns", func() { NormColumns(y, x, gamma, beta, beta, rows, cols, cols) }},
		{"NormColumnSums", func() { NormColumnSums(sums, more, z, x, gamma, beta, rows, cols, cols) }},
		{"NormColumnsBackward", func() { NormColumnsBackward(y, z, x, gamma, beta, gamma, beta, rows, cols, cols) }},
		{"AdamW", func() { AdamW(y, x, z, v, adamWTest) }},
		{"ToBF16", func() { ToBF16(narrow, x) }},
		{"FromBF16", func() { FromBF16(y, narrow) }},
		{"BiasTileBF16", func() { BiasTileBF16(narrow, cols, x, cols, rows, cols, beta) }},
		{"BiasGELUTile", func() { BiasGELUTile(y, cols, y, cols, rows, cols, beta) }},
		{"BiasGELUTileBF16", func() { BiasGELUTileBF16(narrow, act, cols, x, cols, rows, cols, beta) }},
		{"GELUBackwardTileBF16", func() { GELUBackwardTileBF16(act, cols, x, cols, narrow, cols, rows, cols) }},
		{"BiasResidualTile", func() { BiasResidualTile(y, cols, x, cols, z, cols, rows, cols, beta) }},
		{"LayerNormBF16", func() { LayerNormBF16(narrow, x, gamma, beta, cols, 1e-6, mean, rstd) }},
		{"ColumnSumBF16", func() { ColumnSumBF16(beta, narrow, rows, cols, cols) }},
	} {
		forEachVariant(b, func(variant string) {
			b.Run(k.name+"/"+variant, func(b *testing.B) {
				b.SetBytes(4 * rows * cols)
				b.ReportAllocs()
				for b.Loop() {
					k.call()
				}
			})
		})
	}
}

func TestVectorKernelsDoNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(73, 74))
	x, y := randoms(rng, 1000, 1), randoms(rng, 1000, 1)
	sums, more := make([]float64, 200), make([]float64, 200)
	forEachVariant(t, func(variant string) {
		if n := testing.AllocsPerRun(5, func() {
			GELU(y, x)
			SoftmaxRow(y, x, 1)
			LayerNorm(y, x, x[:200], x[:200], 200, 1e-6, y[:5], y[5:10])
			NormParamGrad(y[:200], y[200:400], x, x, x[:5], x[:5], 5, 200, 0, 200)
			ColumnSum(y[:200], x, 5, 200, 200)
			ColumnMoments(sums, more, x, 5, 200, 200)
			AdamW(y, x, x, x, adamWTest)
		}); n != 0 {
			t.Errorf("%s: %v allocations", variant, n)
		}
	})
}
