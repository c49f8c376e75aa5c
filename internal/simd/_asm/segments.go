package main

import (
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A segmented function is a polynomial on each of 32 segments of width 1/2,
// those around k/2 for -16 <= k < 16. Its coefficients stand in registers, two
// for each power, from which VPERMI2PS takes them lane by lane: fewer and
// better spread operations than one long polynomial has.
//
// Adding 1.5*2^22, whose last place is 1/2, rounds x to k/2 and leaves k in the
// last five bits.
const (
	segmentMagic = 3 << 21
	segmentEnd   = 7.5 // |x| is held there to find k
)

type segmented struct {
	name      string
	f         func(x float64) float64
	degree    int
	low, high float64 // beyond, 0 and 1 are near enough
}

func normal(x float64) float64  { return 0.5 * math.Erfc(-x/math.Sqrt2) }
func density(x float64) float64 { return math.Exp(-0.5*x*x) / math.Sqrt(2*math.Pi) }
func slope(x float64) float64   { return normal(x) + x*density(x) }

// Largest errors, their coefficients rounded: TestSegments.
var (
	phiSegments        = segmented{"phi", normal, 5, -5.75, 5.75}       // 4.3e-8
	slopeSegments      = segmented{"slope", slope, 5, -6.25, 6.25}      // 1.8e-7
	phiRoughSegments   = segmented{"phiRough", normal, 3, -5.25, 5.25}  // 1.0e-5, for bfloat16
	slopeRoughSegments = segmented{"slopeRough", slope, 4, -5.75, 5.75} // 3.6e-6, for bfloat16
)

// coefficients returns those of segment k, of rising powers of x - k/2: the
// polynomial that equals f at the Chebyshev nodes.
func (s segmented) coefficients(k int) []float64 {
	centre, n := float64(k)/2, s.degree+1
	c := make([]float64, n)
	switch {
	case centre < s.low:
		return c
	case centre > s.high:
		c[0] = 1
		return c
	}
	nodes, divided := make([]float64, n), make([]float64, n)
	for i := range nodes {
		nodes[i] = 0.25 * math.Cos((float64(i)+0.5)*math.Pi/float64(n))
		divided[i] = s.f(centre + nodes[i])
	}
	for order := 1; order < n; order++ { // Newton's divided differences
		for i := n - 1; i >= order; i-- {
			divided[i] = (divided[i] - divided[i-1]) / (nodes[i] - nodes[i-order])
		}
	}
	for i := n - 1; i >= 0; i-- { // c = c (x - nodes[i]) + divided[i]
		for j := n - 1; j > 0; j-- {
			c[j] = c[j-1] - c[j]*nodes[i]
		}
		c[0] = divided[i] - c[0]*nodes[i]
	}
	return c
}

// A segmentedFunction is a segmented function in registers.
type segmentedFunction struct {
	*vector
	tables     [][2]reg.VecVirtual // of rising powers
	magic, end reg.VecVirtual
}

// segments loads s before a loop.
func (v *vector) segments(s segmented) *segmentedFunction {
	name := s.name + "Segments"
	if !globals[name] {
		globals[name] = true
		v.StaticGlobal(name)
		v.DataAttributes(build.NOPTR | build.RODATA)
		for j := range s.degree + 1 {
			for i := range 32 {
				k := (i+16)%32 - 16 // five bits, signed
				v.AddDatum(4*(32*j+i), operand.U32(math.Float32bits(float32(s.coefficients(k)[j]))))
			}
		}
	}
	f := &segmentedFunction{vector: v, magic: v.float(segmentMagic).(reg.VecVirtual), end: v.float(segmentEnd).(reg.VecVirtual)}
	for j := range s.degree + 1 {
		var t [2]reg.VecVirtual
		for half := range t {
			t[half] = v.ZMM()
			v.VMOVUPS(operand.NewDataAddr(operand.NewStaticSymbol(name), 128*j+64*half), t[half])
		}
		f.tables = append(f.tables, t)
	}
	return f
}

// of returns the function of x, which is kept. Of NaN and of infinities it is
// anything where held, else NaN: held, the polynomial's argument is too.
func (f *segmentedFunction) of(x reg.VecVirtual, held bool) reg.VecVirtual {
	k, u := f.ZMM(), f.ZMM()
	// The lesser of |x| and end, with x's sign.
	const leastWithSign = 2
	f.VRANGEPS(operand.U8(leastWithSign), f.end, x, u)
	f.VADDPS(f.magic, u, k)
	nearest := f.ZMM()
	f.VSUBPS(f.magic, k, nearest)
	if held {
		f.VSUBPS(nearest, u, u)
	} else {
		f.VSUBPS(nearest, x, u)
	}
	look := func(power int) reg.VecVirtual {
		c := f.ZMM()
		f.VMOVAPS(k, c)
		f.VPERMI2PS(f.tables[power][1], f.tables[power][0], c)
		return c
	}
	last := len(f.tables) - 1
	p := look(last)
	for j := last - 1; j >= 0; j-- {
		c := look(j)
		f.VFMADD231PS(p, u, c)
		p = c
	}
	return p
}
