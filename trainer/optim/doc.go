// Package optim changes parameters: AdamW, the clipping of the gradient's norm, the momentum branch's moving
// average, and the schedules of learning rate and momentum (SPEC section 5).
//
// Everything works on pieces of fixed length, an element is computed from its own inputs alone, and sums
// are added piece by piece in order: results have the same bits for any number of threads. Frozen parameters
// have no state and are not touched. Nothing here allocates after construction.
//
// The package doesn't know networks, and it doesn't decide whether a step is taken: trainer does.
package optim

import (
	"siameseim/internal/simd"
	"siameseim/trainer/nn"
)

// piece is a range of one parameter's elements.
type piece struct{ param, lo, hi int }

// split cuts parameters into pieces of simd.SumChunk elements; a parameter's last may be shorter.
func split(params []*nn.Param) []piece {
	var pieces []piece
	for i, p := range params {
		for lo := 0; lo < len(p.Data); lo += simd.SumChunk {
			pieces = append(pieces, piece{i, lo, min(lo+simd.SumChunk, len(p.Data))})
		}
	}
	return pieces
}

// trained returns the parameters that have a gradient.
func trained(params []*nn.Param) []*nn.Param {
	var list []*nn.Param
	for _, p := range params {
		if p.Trained() {
			list = append(list, p)
		}
	}
	return list
}
