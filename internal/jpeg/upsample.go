package jpeg

// upsampling is how a component's plane grows to the size of the image.
type upsampling uint8

const (
	upNone upsampling = iota
	upH2V1            // "fancy": triangular in the named directions
	upH2V2
	upH1V2
	upRepeat // every sample repeated
)

// chooseUpsampling returns libjpeg's method for a plane of the given width that
// has to grow h times wider and v times higher.
func chooseUpsampling(h, v, width int) upsampling {
	switch {
	case h == 1 && v == 1:
		return upNone
	case h == 2 && v == 1 && width > 2:
		return upH2V1
	case h == 2 && v == 2 && width > 2:
		return upH2V2
	case h == 1 && v == 2:
		return upH1V2
	}
	return upRepeat
}

// The functions below make one row of the image from rows of a plane. near is
// the plane's row that covers the image's row, far the next one on the nearer
// side. dst is exactly len(near) times the horizontal factor long; beyond the
// ends of near, its first and last sample repeat.

// upsampleH2V1: dst[2i] = (3*near[i] + near[i-1] + 1) >> 2,
// dst[2i+1] = (3*near[i] + near[i+1] + 2) >> 2.
func upsampleH2V1(dst, near []uint8) {
	n := len(near)
	dst = dst[:2*n]
	dst[0], dst[2*n-1] = near[0], near[n-1]
	for i := 1; i < n; i++ {
		p, q := uint32(near[i-1]), uint32(near[i])
		dst[2*i-1] = uint8((3*p + q + 2) >> 2)
		dst[2*i] = uint8((3*q + p + 1) >> 2)
	}
}

// upsampleH2V2: with c = 3*near + far, dst[2i] = (3*c[i] + c[i-1] + 8) >> 4,
// dst[2i+1] = (3*c[i] + c[i+1] + 7) >> 4.
func upsampleH2V2(dst, near, far []uint8) {
	n := len(near)
	dst, far = dst[:2*n], far[:n]
	p := 3*uint32(near[0]) + uint32(far[0])
	dst[0] = uint8((4*p + 8) >> 4)
	for i := 1; i < n; i++ {
		q := 3*uint32(near[i]) + uint32(far[i])
		dst[2*i-1] = uint8((3*p + q + 7) >> 4)
		dst[2*i] = uint8((3*q + p + 8) >> 4)
		p = q
	}
	dst[2*n-1] = uint8((4*p + 7) >> 4)
}

// upsampleH1V2: dst[i] = (3*near[i] + far[i] + bias) >> 2; bias is 1 where far
// is the row above, 2 where it is the row below.
func upsampleH1V2(dst, near, far []uint8, bias uint32) {
	dst, far = dst[:len(near)], far[:len(near)]
	for i, v := range near {
		dst[i] = uint8((3*uint32(v) + uint32(far[i]) + bias) >> 2)
	}
}

// upsampleRepeat: dst[h*i+j] = near[i], 0 <= j < h.
func upsampleRepeat(dst, near []uint8, h int) {
	for i, v := range near {
		for j := range h {
			dst[h*i+j] = v
		}
	}
}
