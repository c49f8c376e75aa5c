package simd

// BoxSlide is one line of a pass of a box of any radius: sums are those of the
// inner taps, before and after are the lines of the outer ones, leaving is the
// line that the next line's sums have no more; after is what they gain.
//
//	dst[i] = (inner*sums[i] + outer*(before[i]+after[i]) + 1<<23) >> 24
//	sums[i] += after[i] - leaving[i]
//
// in uint32. dst overlaps none of the others.
func BoxSlide(dst []uint8, sums []uint32, before, leaving, after []uint8, inner, outer uint32) {
	n := len(dst)
	mustHold("box slide", "sums", len(sums), n)
	mustHold("box slide", "before", len(before), n)
	mustHold("box slide", "leaving", len(leaving), n)
	mustHold("box slide", "after", len(after), n)
	boxSlide(dst, sums[:n], before[:n], leaving[:n], after[:n], inner, outer)
}

func boxSlideGeneric(dst []uint8, sums []uint32, before, leaving, after []uint8, inner, outer uint32) {
	n := len(dst)
	sums, before, leaving, after = sums[:n], before[:n], leaving[:n], after[:n]
	for i := range dst {
		sum, gain := sums[i], uint32(after[i])
		dst[i] = weigh(sum, uint32(before[i])+gain, inner, outer)
		sums[i] = sum + gain - uint32(leaving[i])
	}
}
