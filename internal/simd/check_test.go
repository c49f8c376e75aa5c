package simd

import "testing"

// Every wrapper refuses lengths that don't fit, before it touches memory.
func TestWrappersCheckLengths(t *testing.T) {
	s := func(n int) []float32 { return make([]float32, n) }
	d := func(n int) []float64 { return make([]float64, n) }
	for name, f := range map[string]func(){
		"Add":                         func() { Add(s(4), s(3)) },
		"Dot":                         func() { Dot(s(4), s(3)) },
		"Lerp":                        func() { Lerp(s(4), s(3), 1) },
		"GELU":                        func() { GELU(s(4), s(3)) },
		"GELUBackward dy":             func() { GELUBackward(s(4), s(3), s(4)) },
		"GELUBackward x":              func() { GELUBackward(s(4), s(4), s(5)) },
		"SoftmaxRow":                  func() { SoftmaxRow(s(4), s(3), 1) },
		"AdamW v":                     func() { AdamW(s(4), s(4), s(4), s(3), adamWTest) },
		"AddBias dst":                 func() { AddBias(s(5), s(3), 2, 3) },
		"AddBias bias":                func() { AddBias(s(6), s(2), 2, 3) },
		"AddBias negative":            func() { AddBias(s(6), s(3), -2, 3) },
		"LayerNorm no rows":           func() { LayerNorm(s(7), s(7), nil, nil, 3, 0, s(3), s(3)) },
		"LayerNorm no cols":           func() { LayerNorm(nil, nil, nil, nil, 0, 0, nil, nil) },
		"LayerNorm dst":               func() { LayerNorm(s(5), s(6), nil, nil, 3, 0, s(2), s(2)) },
		"LayerNorm gamma":             func() { LayerNorm(s(6), s(6), s(2), s(3), 3, 0, s(2), s(2)) },
		"LayerNorm rstd":              func() { LayerNorm(s(6), s(6), nil, nil, 3, 0, s(2), s(1)) },
		"LayerNormBackward dy":        func() { LayerNormBackward(s(6), s(3), s(6), nil, s(2), s(2), 3) },
		"LayerNormBackward dx":        func() { LayerNormBackward(s(3), s(6), s(6), nil, s(2), s(2), 3) },
		"NormParamGrad range":         func() { NormParamGrad(s(3), s(3), s(6), s(6), s(2), s(2), 2, 3, 1, 4) },
		"NormParamGrad dgamma":        func() { NormParamGrad(s(3), nil, s(6), s(6), s(2), s(2), 2, 3, 1, 3) },
		"NormParamGrad dbeta":         func() { NormParamGrad(nil, s(1), s(6), s(6), s(2), s(2), 2, 3, 1, 3) },
		"NormParamGrad mean":          func() { NormParamGrad(s(3), s(3), s(6), s(6), s(1), s(2), 2, 3, 0, 3) },
		"ColumnSum x":                 func() { ColumnSum(s(3), s(6), 3, 3, 3) },
		"ColumnSum stride":            func() { ColumnSum(s(3), s(9), 3, 3, 2) },
		"ColumnSum64 dst":             func() { ColumnSum64(d(2), s(9), 3, 3, 3) },
		"ColumnMoments variance":      func() { ColumnMoments(d(3), d(2), s(9), 3, 3, 3) },
		"NormColumnSums rstd":         func() { NormColumnSums(d(3), d(3), s(9), s(9), s(3), s(2), 3, 3, 3) },
		"NormColumns shift":           func() { NormColumns(s(9), s(9), s(3), s(3), s(2), 3, 3, 3) },
		"NormColumns dst":             func() { NormColumns(s(8), s(9), s(3), s(3), nil, 3, 3, 3) },
		"NormColumnsBackward b":       func() { NormColumnsBackward(s(9), s(9), s(9), s(3), s(3), s(3), s(2), 3, 3, 3) },
		"NormColumnsBackward columns": func() { NormColumnsBackward(s(9), s(9), s(9), s(3), s(3), s(3), s(3), 3, -3, 3) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
