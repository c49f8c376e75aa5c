package jpeg

import (
	"bytes"
	"encoding/binary"
)

// Orientation returns the EXIF orientation, 1 to 8, that a file's metadata
// name, or 0. exif is a TIFF structure, with or without a leading "Exif\0\0";
// xmp an XMP packet, asked only where exif holds no such tag. Damaged metadata
// count as none.
func Orientation(exif, xmp []byte) int {
	v, ok := exifOrientation(bytes.TrimPrefix(exif, []byte("Exif\x00\x00")))
	if !ok {
		v = xmpOrientation(xmp)
	}
	if v < 1 || v > 8 {
		return 0
	}
	return v
}

// exifOrientation looks for tag 0x0112 in the first image directory.
func exifOrientation(tiff []byte) (value int, found bool) {
	if len(tiff) < 8 {
		return 0, false
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0, false
	}
	start := int64(order.Uint32(tiff[4:]))
	if start+2 > int64(len(tiff)) {
		return 0, false
	}
	entries := tiff[start+2:]
	for range order.Uint16(tiff[start:]) {
		if len(entries) < 12 {
			break
		}
		const tag, short, long = 0x0112, 3, 4
		kind, count := order.Uint16(entries[2:]), order.Uint32(entries[4:])
		if order.Uint16(entries) == tag && count == 1 {
			switch kind {
			case short:
				value, found = int(order.Uint16(entries[8:])), true
			case long:
				value, found = int(order.Uint32(entries[8:])), true
			}
		}
		entries = entries[12:]
	}
	return value, found
}

// xmpOrientation finds the digit behind tiff:Orientation=" or tiff:Orientation>.
func xmpOrientation(xmp []byte) int {
	const name = "tiff:Orientation"
	for {
		i := bytes.Index(xmp, []byte(name))
		if i < 0 {
			return 0
		}
		xmp = xmp[i+len(name):]
		rest, ok := bytes.CutPrefix(xmp, []byte(`="`))
		if !ok {
			rest, ok = bytes.CutPrefix(xmp, []byte(`>`))
		}
		if ok && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
			return int(rest[0] - '0')
		}
	}
}
