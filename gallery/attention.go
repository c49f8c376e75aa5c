package gallery

import (
	"fmt"
	"math"

	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/weights"
)

// normEps is LayerNorm's eps in a block (SPEC section 3).
const normEps = 1e-6

// Attention computes the class token's attention in an encoder's last block:
// its blocks but the last give that block's input, from which normalisation,
// queries and keys are computed here, since layers keep no weights.
type Attention struct {
	trunk   *weights.Frozen // without the last block and the final norm
	threads *team.Team
	heads   int

	normScale, normShift []float32 // norm1 [D]
	weight, bias         []float32 // of queries and keys: the first 2D rows of qkv [3D, D]
	scratch              []attentionScratch
}

// attentionScratch is what one thread has to itself.
type attentionScratch struct {
	gemm             simd.Workspace
	normed, out, row []float32 // [T, D], [T, 2D], [T]
	mean, rstd       []float32 // [T]
	_                [64]byte  // keeps two threads' memory off one cache line
}

// NewAttention returns the attention of an encoder for at most batch images at
// a time. It looks at the memory of e.Params.
func NewAttention(e *weights.Encoder, batch int, threads *team.Team) (*Attention, error) {
	trunk := *e
	trunk.ViT.Depth--
	trunk.FinalNorm = false
	frozen, err := trunk.Frozen(batch, threads)
	if err != nil {
		return nil, err
	}
	a := &Attention{trunk: frozen, threads: threads, heads: e.ViT.Heads, scratch: make([]attentionScratch, threads.Threads())}
	find := func(name string) (data []float32) {
		name = fmt.Sprintf("blocks.%d.%s", e.ViT.Depth-1, name)
		for _, p := range e.Params {
			if p.Name == name {
				return p.Data
			}
		}
		err = fmt.Errorf("gallery: %s: no parameter %s", e.Source, name)
		return nil
	}
	a.normScale, a.normShift = find("norm1.weight"), find("norm1.bias")
	a.weight, a.bias = find("attn.qkv.weight"), find("attn.qkv.bias")
	return a, err
}

// Maps returns, for each of n normalised images [n, 3, S, S] and each head, the
// weights [G*G] with which the class token attends to the patches. With the one
// of the class token to itself they sum to 1.
func (a *Attention) Maps(images []float32, n int) ([][][]float32, error) {
	tokens, err := a.trunk.Forward(images, n)
	if err != nil {
		return nil, err
	}
	maps := make([][][]float32, n)
	count, dim := a.trunk.Tokens(), a.trunk.Dim()
	a.threads.Do(n, func(worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			maps[i] = a.image(&a.scratch[worker], tokens[i*count*dim:(i+1)*count*dim])
		}
	})
	return maps, nil
}

// image returns one image's maps from the input [T, D] of the last block.
func (a *Attention) image(s *attentionScratch, tokens []float32) [][]float32 {
	count, dim := a.trunk.Tokens(), a.trunk.Dim()
	if s.normed == nil {
		s.normed, s.out, s.row = make([]float32, count*dim), make([]float32, count*2*dim), make([]float32, count)
		s.mean, s.rstd = make([]float32, count), make([]float32, count)
	}
	simd.LayerNorm(s.normed, tokens, a.normScale, a.normShift, dim, normEps, s.mean, s.rstd)
	s.gemm.GemmNT(s.out, 2*dim, s.normed, dim, a.weight, dim, count, 2*dim, dim, false)
	simd.AddBias(s.out, a.bias[:2*dim], count, 2*dim)
	width := dim / a.heads
	scale := float32(1 / math.Sqrt(float64(width)))
	maps := make([][]float32, a.heads)
	for head := range maps {
		query := s.out[head*width : (head+1)*width]
		for t := range count {
			key := s.out[t*2*dim+dim+head*width:]
			s.row[t] = simd.Dot(query, key[:width])
		}
		simd.SoftmaxRow(s.row, s.row, scale)
		maps[head] = append([]float32(nil), s.row[1:]...)
	}
	return maps
}
