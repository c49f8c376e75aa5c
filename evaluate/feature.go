package evaluate

import (
	"fmt"

	"siameseim/internal/simd"
	"siameseim/internal/team"
)

// Feature is what of an image's tokens is its row of features.
type Feature uint8

const (
	Mean  Feature = iota // mean of the patch tokens
	Class                // the class token
)

// ParseFeature reads "mean" or "class".
func ParseFeature(text string) (Feature, error) {
	switch text {
	case "mean":
		return Mean, nil
	case "class":
		return Class, nil
	}
	return 0, fmt.Errorf("evaluate: feature %q: must be mean or class", text)
}

// Tokenizer is a frozen encoder: weights.Frozen is one.
type Tokenizer interface {
	Size() int   // images are Size x Size pixels
	Dim() int    // width of a token
	Tokens() int // of an image: the class token, then the patches
	// Forward returns tokens [n, Tokens, Dim] of normalised images
	// [n, 3, Size, Size], valid until the next call.
	Forward(images []float32, n int) ([]float32, error)
}

// Features is the Encoder that makes one row of a network's tokens.
type Features struct {
	Tokenizer
	feature Feature
	threads *team.Team
	pool    func(worker, lo, hi int)

	dst, tokens []float32 // of the running call
}

// NewFeatures returns the rows that feature says, of width Dim.
func NewFeatures(t Tokenizer, feature Feature, threads *team.Team) *Features {
	f := &Features{Tokenizer: t, feature: feature, threads: threads}
	f.pool = f.poolImages
	return f
}

// Features implements Encoder.
func (f *Features) Features(dst, images []float32, n int) {
	tokens, err := f.Forward(images, n)
	if err != nil {
		panic(err) // sizes are the Extractor's, made for this encoder
	}
	f.dst, f.tokens = dst, tokens
	f.threads.Do(n, f.pool)
}

func (f *Features) poolImages(_, lo, hi int) {
	count, width := f.Tokens(), f.Dim()
	for i := lo; i < hi; i++ {
		row := f.dst[i*width : (i+1)*width]
		tokens := f.tokens[i*count*width : (i+1)*count*width]
		if f.feature == Class {
			copy(row, tokens[:width])
			continue
		}
		clear(row)
		for t := 1; t < count; t++ {
			simd.Add(row, tokens[t*width:(t+1)*width])
		}
		simd.Scale(row, 1/float32(count-1))
	}
}
