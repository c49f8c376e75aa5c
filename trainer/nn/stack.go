package nn

// Stack is a row of transformer blocks with its input and output. Without
// blocks, the input is the output.
type Stack struct {
	tokens, dim int
	blocks      []*block
	stream      [][]float32 // the blocks' inputs and the output; one slice in a branch without backward
}

// NewStack makes c.Depth blocks.
func NewStack(b *Builder, c StackConfig) *Stack {
	s := &Stack{tokens: c.Tokens, dim: c.Dim}
	for i := range c.Depth {
		s.blocks = append(s.blocks, newBlock(b, &c, i))
	}
	s.stream = make([][]float32, 1)
	if b.Train {
		s.stream = make([][]float32, c.Depth+1)
	}
	for i := range s.stream {
		b.Arena.Keep(&s.stream[i], b.Batch*c.Tokens*c.Dim)
	}
	return s
}

// In returns the input [B, T, D], to be filled before Forward.
func (s *Stack) In() []float32 { return s.stream[0] }

// Out returns the output [B, T, D] of the last Forward.
func (s *Stack) Out() []float32 { return s.stream[len(s.stream)-1] }

// Forward runs the blocks on the first batch images of In.
func (s *Stack) Forward(batch int, key DropKey) {
	last := len(s.stream) - 1
	for i, k := range s.blocks {
		k.forward(s.stream[min(i+1, last)], s.stream[min(i, last)], batch, key)
	}
}

// Backward turns grad, the gradient of Out, into that of In, in place.
func (s *Stack) Backward(grad []float32, batch int) {
	for i := len(s.blocks) - 1; i >= 0; i-- {
		s.blocks[i].backward(grad, s.stream[i], batch)
	}
}
