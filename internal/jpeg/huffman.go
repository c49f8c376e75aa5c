package jpeg

// zigzag maps the order of coding to the natural one, row*8 + column (T.81,
// figure A.6). Damaged data can run past the last coefficient: libjpeg then
// writes coefficient 63. There also goes the zero that stands for an end of
// block.
var zigzag = func() (z [256]uint8) {
	order := [64]uint8{
		0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
		12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
		35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
		58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
	}
	for i := range z {
		z[i] = 63
	}
	copy(z[:], order[:])
	return z
}()

const (
	lookBits = 11 // codes up to this length are found in one look-up
	eobRun   = 80 // run of an end of block in fast

	endOfBlock = 63 // its advance in pair
	pairSize   = 7  // the largest size of pair's first value
)

// huffTable decodes one Huffman table. fast is indexed by the next 11 bits:
//
//	bits 0..5   bits to drop: code and value together, 0 if they don't fit
//	bits 8..15  coefficients to skip in front of the value
//	bits 16..31 the value, int16
//
// A code whose value does not fit, or is larger than pair can hold, has bits
// 0..5 zero, its length in bits 6..10 and its symbol in bits 16..23; a code of
// more than 11 bits is all zero. In plain tables (DC, progressive AC) every code
// is of the second kind.
//
// pair, of tables that are not plain, decodes up to two symbols at once, see
// simd.Coefficients.
type huffTable struct {
	pair   [1 << lookBits]uint32
	fast   [1 << lookBits]uint32
	limit  [17]uint32 // by length: left-aligned 16-bit codes below this have at most this length
	offset [17]int32  // index into symbols of the length's code 0
	symbol [256]uint8
}

// huffSlot is a table as DHT gives it, and as built for decoding.
type huffSlot struct {
	defined bool
	counts  [16]uint8 // codes of length 1 to 16
	symbols [256]uint8

	built       bool // table was built from the four below
	plain       bool
	builtCounts [16]uint8
	builtSymbol [256]uint8
	table       huffTable
}

func (d *Decoder) readHuffman(body []byte, length int) error {
	for len(body) > 16 {
		class, slot := body[0]>>4, body[0]&15
		if class > 1 || slot > 3 {
			return d.bad("Huffman table %#02x", body[0])
		}
		n := 0
		for _, c := range body[1:17] {
			n += int(c)
		}
		if n > 256 || 17+n > len(body) {
			return d.bad("Huffman table of %d codes", n)
		}
		s := &d.huff[class][slot]
		s.defined = true
		s.counts = [16]uint8(body[1:17])
		clear(s.symbols[:])
		copy(s.symbols[:], body[17:17+n])
		body = body[17+n:]
	}
	if len(body) != 0 || length < 2 {
		return d.bad("Huffman tables of length %d", length)
	}
	return nil
}

// table returns the decoding table of a class (0 DC, 1 AC) and destination.
// It is built again only where the definition differs from the last one built,
// as it seldom does from file to file.
func (d *Decoder) table(class int, slot byte, plain bool) (*huffTable, error) {
	if slot > 3 || !d.huff[class][slot].defined {
		return nil, d.bad("no Huffman table %d of class %d", slot, class)
	}
	s := &d.huff[class][slot]
	if s.built && s.plain == plain && s.builtCounts == s.counts && s.builtSymbol == s.symbols {
		return &s.table, nil
	}
	s.built = false
	if !s.table.build(&s.counts, &s.symbols, class == 0, plain) {
		return nil, d.bad("Huffman table %d of class %d is no prefix code", slot, class)
	}
	s.built, s.plain, s.builtCounts, s.builtSymbol = true, plain, s.counts, s.symbols
	return &s.table, nil
}

// build assigns the codes (T.81, annex C). It reports whether they are legal:
// no length may use up all its codes, and DC symbols are sizes up to 15.
func (t *huffTable) build(counts *[16]uint8, symbols *[256]uint8, isDC, plain bool) bool {
	clear(t.fast[:])
	t.symbol = *symbols
	code, next := uint32(0), 0
	for length := 1; length <= 16; length++ {
		t.offset[length] = int32(next) - int32(code)
		for range counts[length-1] {
			if isDC && symbols[next] > 15 {
				return false
			}
			if length <= lookBits {
				if code>>length != 0 {
					return false
				}
				t.fill(code, length, symbols[next], plain)
			}
			next++
			code++
		}
		if counts[length-1] > 0 && code >= 1<<length {
			return false
		}
		t.limit[length] = code << (16 - length)
		code <<= 1
	}
	if !plain {
		t.fillPairs()
	}
	return true
}

// fillPairs makes pair of fast. Nothing follows an end of block.
func (t *huffTable) fillPairs() {
	for i, e := range t.fast {
		drop, advance, value := e&63, e>>8&255+1, e>>16&0xff
		if drop == 0 {
			t.pair[i] = endOfBlock << 6
			continue
		}
		if advance > 16 {
			t.pair[i] = drop | endOfBlock<<6
			continue
		}
		p := advance<<6 | value<<18
		next := t.fast[i<<drop&(1<<lookBits-1)] // its low bits are unknown: it must do without
		more, second := next&63, int32(next)>>16
		if more != 0 && drop+more <= lookBits && -32 <= second && second < 32 {
			p |= drop + more | min(next>>8&255+1, endOfBlock)<<12 | uint32(second)<<26
		} else {
			p |= drop
		}
		t.pair[i] = p
	}
}

// fill enters one code of up to 11 bits.
func (t *huffTable) fill(code uint32, length int, symbol uint8, plain bool) {
	free := lookBits - length
	run, size := uint32(symbol>>4), int(symbol&15)
	part := t.fast[code<<free : (code+1)<<free]
	entry := uint32(length)<<6 | uint32(symbol)<<16
	switch {
	case plain:
	case size == 0 && run == 15:
		entry = uint32(length) | run<<8 // 16 zeros
	case size == 0:
		entry = uint32(length) | eobRun<<8 // baseline reads every other run as end of block
	case size <= min(free, pairSize):
		for i := range part {
			value := extend(uint32(i)>>(free-size), size)
			part[i] = uint32(length+size) | run<<8 | uint32(uint16(value))<<16
		}
		return
	}
	for i := range part {
		part[i] = entry
	}
}

// extend returns the signed value of size bits, 0 to 15 (T.81, figure F.12):
// those that begin with 0 are negative. Nothing foretells them: no branch.
func extend(bits uint32, size int) int32 {
	positive := -int32(bits >> ((size - 1) & 31) & 1) // all ones, or 0
	return int32(bits) + ^positive&(-1<<(size&31)+1)
}

// long decodes a symbol whose fast entry e does not hold a value: it returns
// the symbol and the length of its code. A code that does not exist is 17 bits
// long and means 0, as in libjpeg. acc holds the next bits, left-aligned.
func (t *huffTable) long(acc uint64, e uint32) (symbol uint8, length int) {
	if n := int(e >> 6 & 31); n != 0 {
		return uint8(e >> 16), n
	}
	code := uint32(acc >> 48)
	for n := lookBits + 1; n <= 16; n++ {
		if code < t.limit[n] {
			return t.symbol[uint8(int32(code>>(16-n))+t.offset[n])], n
		}
	}
	return 0, 17
}

// standardTables defines the tables of T.81, annex K, where a sequential file
// defines none: Motion JPEG leaves them out.
func (d *Decoder) standardTables() {
	for class := range standard {
		for slot, def := range standard[class] {
			if s := &d.huff[class][slot]; !s.defined {
				s.defined = true
				s.counts = [16]uint8([]byte(def[:16]))
				clear(s.symbols[:])
				copy(s.symbols[:], def[16:])
			}
		}
	}
}

// standard holds tables K.3 to K.6 by class (DC, AC) and use (luminance,
// chrominance): 16 counts, then the symbols.
var standard = [2][2]string{
	{
		"\x00\x01\x05\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00" +
			"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b",
		"\x00\x03\x01\x01\x01\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00" +
			"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b",
	},
	{
		"\x00\x02\x01\x03\x03\x02\x04\x03\x05\x05\x04\x04\x00\x00\x01\x7d" +
			"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07" +
			"\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52\xd1\xf0" +
			"\x24\x33\x62\x72\x82\x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28" +
			"\x29\x2a\x34\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49" +
			"\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69" +
			"\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83\x84\x85\x86\x87\x88\x89" +
			"\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7" +
			"\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5" +
			"\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2" +
			"\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8" +
			"\xf9\xfa",
		"\x00\x02\x01\x02\x04\x04\x03\x04\x07\x05\x04\x04\x00\x01\x02\x77" +
			"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71" +
			"\x13\x22\x32\x81\x08\x14\x42\x91\xa1\xb1\xc1\x09\x23\x33\x52\xf0" +
			"\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1\x17\x18\x19\x1a\x26" +
			"\x27\x28\x29\x2a\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48" +
			"\x49\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68" +
			"\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x82\x83\x84\x85\x86\x87" +
			"\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5" +
			"\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3" +
			"\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda" +
			"\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8" +
			"\xf9\xfa",
	},
}
