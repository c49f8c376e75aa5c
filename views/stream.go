package views

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"siameseim/colorjitter"
	"siameseim/crop"
)

// Names of a sample's random streams.
const (
	StreamView1 = "view1"
	StreamView2 = "view2"
	StreamMask  = "mask"
)

// Stream returns the generator of one purpose of one sample: a PCG whose 128 bits
// of state are the first half of the SHA-256 of
//
//	seed, epoch, len(key), key, len(name), name
//
// with every number as 8 bytes, little-endian. It is a function of its arguments
// alone, never of the worker or of the order in which samples are made, and the
// lengths keep different keys and names apart.
func Stream(seed uint64, epoch int, key, name string) *rand.Rand {
	return new(Sampler).Stream(seed, epoch, key, name)
}

// SamplePair draws both views' parameters for the sample key of an image of
// height x width pixels, each side at least 1. Each view has a stream of its own,
// so that one view's recipe doesn't change what the other one draws. With
// r.SameCrop view 2 takes view 1's crop and flip, with r.SameColour its colours.
func SamplePair(seed uint64, epoch int, key string, height, width int, r *Recipe) PairParams {
	return new(Sampler).Pair(seed, epoch, key, height, width, r)
}

// A Sampler draws what Stream and SamplePair draw, and keeps its memory, so that
// the steady state allocates nothing. The zero value is ready for use; one
// goroutine may use it at a time.
type Sampler struct {
	pcg     rand.PCG
	rng     *rand.Rand // of pcg
	hashed  []byte
	colours [2]colorjitter.Sampler
}

// Stream is the function Stream. The generator is valid until the next call of
// any of s's methods.
func (s *Sampler) Stream(seed uint64, epoch int, key, name string) *rand.Rand {
	b := s.hashed[:0]
	b = binary.LittleEndian.AppendUint64(b, seed)
	b = binary.LittleEndian.AppendUint64(b, uint64(epoch))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(key)))
	b = append(b, key...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(name)))
	b = append(b, name...)
	s.hashed = b
	sum := sha256.Sum256(b)
	s.pcg.Seed(binary.LittleEndian.Uint64(sum[0:]), binary.LittleEndian.Uint64(sum[8:]))
	if s.rng == nil {
		s.rng = rand.New(&s.pcg)
	}
	return s.rng
}

// Pair is SamplePair. What the result points to is valid until the next call of
// Pair.
func (s *Sampler) Pair(seed uint64, epoch int, key string, height, width int, r *Recipe) PairParams {
	var p PairParams
	p.View1 = sampleView(s.Stream(seed, epoch, key, StreamView1), &s.colours[0], height, width, &r.View1)
	p.View2 = sampleView(s.Stream(seed, epoch, key, StreamView2), &s.colours[1], height, width, &r.View2)
	if r.SameCrop {
		p.View2.Crop, p.View2.Flip = p.View1.Crop, p.View1.Flip
	}
	if r.SameColour {
		p.View2.Colour = p.View1.Colour
	}
	return p
}

// sampleView draws in a fixed order: flip, crop, colours.
func sampleView(rng *rand.Rand, colours *colorjitter.Sampler, height, width int, r *ViewRecipe) Params {
	flip := rng.Float64() < r.Flip
	box := crop.Sample(rng, height, width, crop.Range{Scale: r.Scale, Ratio: r.Ratio})
	return Params{Crop: box, Flip: flip, Colour: colours.Sample(rng, colorjitter.Ranges{
		Brightness: r.Jitter[0], Contrast: r.Jitter[1], Saturation: r.Jitter[2], Hue: r.Jitter[3],
		JitterP: r.JitterP, GreyP: r.GreyP, BlurP: r.BlurP, Sigma: r.Sigma,
		SolarizeP: r.SolarizeP, Threshold: r.Threshold,
	})}
}
