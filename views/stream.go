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
	b := make([]byte, 0, 128)
	b = binary.LittleEndian.AppendUint64(b, seed)
	b = binary.LittleEndian.AppendUint64(b, uint64(epoch))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(key)))
	b = append(b, key...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(name)))
	b = append(b, name...)
	sum := sha256.Sum256(b)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[0:]), binary.LittleEndian.Uint64(sum[8:])))
}

// SamplePair draws both views' parameters for the sample key of an image of
// height x width pixels, each side at least 1. Each view has a stream of its own,
// so that one view's recipe doesn't change what the other one draws. With
// r.SameCrop view 2 takes view 1's crop and flip, with r.SameColour its colours.
func SamplePair(seed uint64, epoch int, key string, height, width int, r *Recipe) PairParams {
	p := PairParams{
		View1: sampleView(Stream(seed, epoch, key, StreamView1), height, width, &r.View1),
		View2: sampleView(Stream(seed, epoch, key, StreamView2), height, width, &r.View2),
	}
	if r.SameCrop {
		p.View2.Crop, p.View2.Flip = p.View1.Crop, p.View1.Flip
	}
	if r.SameColour {
		p.View2.Colour = p.View1.Colour
	}
	return p
}

// sampleView draws in a fixed order: flip, crop, colours.
func sampleView(rng *rand.Rand, height, width int, r *ViewRecipe) Params {
	flip := rng.Float64() < r.Flip
	box := crop.Sample(rng, height, width, crop.Range{Scale: r.Scale, Ratio: r.Ratio})
	return Params{Crop: box, Flip: flip, Colour: colorjitter.Sample(rng, colorjitter.Ranges{
		Brightness: r.Jitter[0], Contrast: r.Jitter[1], Saturation: r.Jitter[2], Hue: r.Jitter[3],
		JitterP: r.JitterP, GreyP: r.GreyP, BlurP: r.BlurP, Sigma: r.Sigma,
		SolarizeP: r.SolarizeP, Threshold: r.Threshold,
	})}
}
