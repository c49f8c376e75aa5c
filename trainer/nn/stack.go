package nn

import "siameseim/internal/simd"

// Stack is a row of transformer blocks with its input and output. Without
// blocks, the input is the output.
type Stack struct {
	m           *Machine
	tokens, dim int
	blocks      []block
	stream      [][]float32 // the blocks' inputs and the output; one slice in a branch without backward
	half        []simd.BF16 // [B, T, D] in backward on a machine of bfloat16: the gradient as products read it

	grad  []float32
	round func(worker, lo, hi int)
}

// NewStack makes c.Depth blocks.
func NewStack(b *Builder, c StackConfig) *Stack {
	s := &Stack{m: b.Machine, tokens: c.Tokens, dim: c.Dim}
	mark := b.Arena.Mark()
	if b.Train && b.Machine.half16() && c.Depth > 0 {
		b.Arena.Scratch16(&s.half, b.Batch*c.Tokens*c.Dim)
	}
	for i := range c.Depth {
		s.blocks = append(s.blocks, newBlock(b, &c, i))
	}
	b.Arena.Rewind(mark)
	s.stream = make([][]float32, 1)
	if b.Train {
		s.stream = make([][]float32, c.Depth+1)
	}
	for i := range s.stream {
		b.Arena.Keep(&s.stream[i], b.Batch*c.Tokens*c.Dim)
	}
	s.round = s.roundRows
	return s
}

// In returns the input [B, T, D], to be filled before Forward.
func (s *Stack) In() []float32 { return s.stream[0] }

// Out returns the output [B, T, D] of the last Forward.
func (s *Stack) Out() []float32 { return s.stream[len(s.stream)-1] }

// Forward runs the blocks on the first batch images of In.
func (s *Stack) Forward(batch int, key DropKey) {
	s.m.Begin(batch)
	s.forward(batch, key)
	s.m.End()
}

// forward is Forward in a chain that is open, if batch is for one.
func (s *Stack) forward(batch int, key DropKey) {
	last := len(s.stream) - 1
	for i, k := range s.blocks {
		k.forward(s.stream[min(i+1, last)], s.stream[min(i, last)], batch, key)
	}
}

// Backward turns grad, the gradient of Out, into that of In, in place.
func (s *Stack) Backward(grad []float32, batch int) {
	s.m.Begin(batch)
	if s.half != nil {
		s.grad = grad
		s.m.Rows(batch*s.tokens, s.round)
	}
	for i := len(s.blocks) - 1; i >= 0; i-- {
		s.blocks[i].backward(grad, s.half, s.stream[i], batch)
	}
	s.m.End()
}

func (s *Stack) roundRows(_, lo, hi int) {
	simd.ToBF16(s.half[lo*s.dim:hi*s.dim], s.grad[lo*s.dim:hi*s.dim])
}
