package simd

// Interleave joins three planes to len(red) pixels:
//
//	dst[3*i], dst[3*i+1], dst[3*i+2] = red[i], green[i], blue[i]
//
// The planes may be one and the same; dst must not overlap them.
func Interleave(dst, red, green, blue []uint8) {
	mustHold("interleave", "dst", len(dst), 3*len(red))
	mustMatch("interleave", "green", len(green), len(red))
	mustMatch("interleave", "blue", len(blue), len(red))
	interleave(dst[:3*len(red)], red, green, blue)
}

func interleaveGeneric(dst, red, green, blue []uint8) {
	green, blue = green[:len(red)], blue[:len(red)]
	for i, v := range red {
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = v, green[i], blue[i]
	}
}
