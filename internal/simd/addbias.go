package simd

// AddBias computes dst[i*cols+j] += bias[j] for a dense dst [rows, cols] and a
// bias of cols elements.
func AddBias(dst, bias []float32, rows, cols int) {
	mustHold("AddBias", "dst", len(dst), blockLen("AddBias", "dst", rows, cols, cols))
	mustHold("AddBias", "bias", len(bias), cols)
	bias = bias[:cols]
	for i := range rows {
		add(dst[i*cols:(i+1)*cols], bias)
	}
}
