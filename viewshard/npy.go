package viewshard

import (
	"encoding/binary"
	"math"

	"siameseim/views"
)

// dtype is the element type of a batch's views.
type dtype struct {
	descr string
	size  int // bytes
	// value appends the element for level v of channel c.
	value func(dst []byte, t *[3][256]float32, c, v int) []byte
}

var dtypes = map[string]dtype{
	"uint8": {"|u1", 1, func(dst []byte, _ *[3][256]float32, _, v int) []byte { return append(dst, uint8(v)) }},
	"float16": {"<f2", 2, func(dst []byte, t *[3][256]float32, c, v int) []byte {
		return binary.LittleEndian.AppendUint16(dst, float16(t[c][v]))
	}},
	"float32": {"<f4", 4, func(dst []byte, t *[3][256]float32, c, v int) []byte {
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(t[c][v]))
	}},
}

// levels is the encoded element for each channel and level, little-endian, in
// the low bytes.
type levels [3][256]uint32

func (d dtype) levels() *levels {
	t := views.NormaliseTable(views.Mean, views.Std)
	l := new(levels)
	for c := range l {
		for v := range l[c] {
			var b [4]byte
			copy(b[:], d.value(nil, t, c, v))
			l[c][v] = binary.LittleEndian.Uint32(b[:])
		}
	}
	return l
}

// appendPlanes appends pixels [N, S, S, 3] as [N, 3, S, S] of the type.
func (d dtype) appendPlanes(dst []byte, l *levels, pixels []uint8, samples, size int) []byte {
	area := size * size
	for n := range samples {
		image := pixels[n*area*3 : (n+1)*area*3]
		for c := range 3 {
			start := len(dst)
			dst = append(dst, make([]byte, area*d.size)...)
			plane, table := dst[start:], &l[c]
			switch d.size {
			case 1:
				for i := range plane {
					plane[i] = image[3*i+c]
				}
			case 2:
				for i := range area {
					binary.LittleEndian.PutUint16(plane[2*i:], uint16(table[image[3*i+c]]))
				}
			case 4:
				for i := range area {
					binary.LittleEndian.PutUint32(plane[4*i:], table[image[3*i+c]])
				}
			}
		}
	}
	return dst
}

// float16 rounds to IEEE 754 binary16, ties to even; what is too large becomes
// infinite.
func float16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520, half way between the largest number and the next
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: multiples of 2^-24
		return sign | uint16(math.RoundToEven(math.Ldexp(float64(math.Float32frombits(b)), 24)))
	}
	b += 0xfff + b>>13&1  // half of the last place kept, less one if that is even
	b -= (127 - 15) << 23 // the other bias
	return sign | uint16(b>>13)
}
