package simd

// JPEG's "fancy" upsampling: each function makes one row of an image from rows
// of a plane. near is the plane's row that covers the image's row, far the next
// one on the nearer side. Beyond the ends of near, its first and last sample
// repeat. dst must not overlap them.

// UpsampleH2V1 doubles the width, weights 3 and 1; dst is 2*len(near) long:
//
//	dst[2*i]   = (3*near[i] + near[i-1] + 1) >> 2
//	dst[2*i+1] = (3*near[i] + near[i+1] + 2) >> 2
func UpsampleH2V1(dst, near []uint8) {
	mustMatch("upsampleh2v1", "dst", len(dst), 2*len(near))
	if len(near) > 0 {
		upsampleH2V1(dst, near)
	}
}

func upsampleH2V1Generic(dst, near []uint8) {
	n := len(near)
	dst = dst[:2*n]
	dst[0], dst[2*n-1] = near[0], near[n-1]
	for i := 1; i < n; i++ {
		p, q := uint32(near[i-1]), uint32(near[i])
		dst[2*i-1] = uint8((3*p + q + 2) >> 2)
		dst[2*i] = uint8((3*q + p + 1) >> 2)
	}
}

// UpsampleH2V2 doubles the width of a row between two; dst is 2*len(near) long.
// With c[i] = 3*near[i] + far[i]:
//
//	dst[2*i]   = (3*c[i] + c[i-1] + 8) >> 4
//	dst[2*i+1] = (3*c[i] + c[i+1] + 7) >> 4
func UpsampleH2V2(dst, near, far []uint8) {
	mustMatch("upsampleh2v2", "dst", len(dst), 2*len(near))
	mustMatch("upsampleh2v2", "far", len(far), len(near))
	if len(near) > 0 {
		upsampleH2V2(dst, near, far)
	}
}

func upsampleH2V2Generic(dst, near, far []uint8) {
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

// upsampleH2V2Ends writes what the vector kernels leave out.
func upsampleH2V2Ends(dst, near, far []uint8) {
	last := len(near) - 1
	p, q := 3*uint32(near[0])+uint32(far[0]), 3*uint32(near[1])+uint32(far[1])
	dst[0], dst[1] = uint8((4*p+8)>>4), uint8((3*p+q+7)>>4)
	p, q = 3*uint32(near[last-1])+uint32(far[last-1]), 3*uint32(near[last])+uint32(far[last])
	dst[2*last], dst[2*last+1] = uint8((3*q+p+8)>>4), uint8((4*q+7)>>4)
}

// upsampleH2V1Ends writes what the vector kernels leave out.
func upsampleH2V1Ends(dst, near []uint8) {
	last := len(near) - 1
	dst[0], dst[1] = near[0], uint8((3*uint32(near[0])+uint32(near[1])+2)>>2)
	dst[2*last], dst[2*last+1] = uint8((3*uint32(near[last])+uint32(near[last-1])+1)>>2), near[last]
}

// UpsampleH1V2 makes a row between two; dst is as long as they are:
//
//	dst[i] = (3*near[i] + far[i] + bias) >> 2
//
// bias is 1 where far is the row above, 2 where it is the row below.
func UpsampleH1V2(dst, near, far []uint8, bias uint32) {
	mustMatch("upsampleh1v2", "dst", len(dst), len(near))
	mustMatch("upsampleh1v2", "far", len(far), len(near))
	upsampleH1V2(dst, near, far, bias)
}

func upsampleH1V2Generic(dst, near, far []uint8, bias uint32) {
	dst, far = dst[:len(near)], far[:len(near)]
	for i, v := range near {
		dst[i] = uint8((3*uint32(v) + uint32(far[i]) + bias) >> 2)
	}
}

// UpsampleRepeat writes each sample h times: dst[h*i+j] = near[i], 0 <= j < h.
// Few files need it: it has no vector twin.
func UpsampleRepeat(dst, near []uint8, h int) {
	mustMatch("upsamplerepeat", "dst", len(dst), h*len(near))
	if h == 1 {
		copy(dst, near)
		return
	}
	for i, v := range near {
		for j := range h {
			dst[h*i+j] = v
		}
	}
}
