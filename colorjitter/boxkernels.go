package colorjitter

// The kernels of a box of any radius. Sums are exact within 32 unsigned bits.

// weigh is the sum of the inner taps and that of the two outer ones, to 8 bits.
func (k box) weigh(inner, outer uint32) uint8 {
	return uint8((k.inner*inner + k.outer*outer + 1<<(weightBits-1)) >> weightBits)
}

// addRow adds n times src to sums.
func addRow(sums []uint32, src []uint8, n uint32) {
	src = src[:len(sums)]
	for i, v := range src {
		sums[i] += n * uint32(v)
	}
}

// slideRow is a pass of any radius for one row of output: sums are those of the
// inner taps, before and after are the rows of the outer ones, leaving is the
// row that the next row's sums have no more; after is what they gain.
func (k box) slideRow(dst []uint8, sums []uint32, before, leaving, after []uint8) {
	n := len(dst)
	sums, before, leaving, after = sums[:n], before[:n], leaving[:n], after[:n]
	for i := range dst {
		sum, gain := sums[i], uint32(after[i])
		dst[i] = k.weigh(sum, uint32(before[i])+gain)
		sums[i] = sum + gain - uint32(leaving[i])
	}
}
