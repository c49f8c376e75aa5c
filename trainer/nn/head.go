package nn

import "fmt"

// The norms behind the last layer of a Head (SPEC section 8).
const (
	LastPlain   = "plain" // BatchNorm without scale and shift
	LastScale   = "scale" // BatchNorm without shift
	LastNothing = "none"  // the layer's output as it is
)

// HeadConfig describes a Head.
type HeadConfig struct {
	Name   string // the layers are Name.layers.0, Name.layers.1, ...
	Widths []int  // of the input, then of each layer's output
	Last   string // what stands behind the last layer: LastPlain, LastScale or LastNothing
	Bias   bool   // the last layer has one
	Rows   int    // of a call, at most
	// BatchesOfACall: the rows of a call are so many batches of BatchNorm, one
	// behind the other.
	BatchesOfACall int
}

// Head is the MLP of an objective that compares whole images: linear layers
// without bias, each but the last followed by BatchNorm and ReLU. It computes
// in float32 at every precision: its rows are few, one of each view, and
// BatchNorm over so few of them makes much of what rounding leaves.
type Head struct {
	layers  []headLayer
	buffers [2][]float32 // [rows, widest] gradients on their way down
}

type headLayer struct {
	m      *Machine
	linear *Linear
	norm   *BatchNorm // nil: none
	relu   bool
	out    []float32 // [rows, width] the linear layer's output
	act    []float32 // [rows, width] behind norm and ReLU; out itself where nothing reads that again

	grad            []float32 // of the running call
	clip, clipGrads func(worker, lo, hi int)
}

// NewHead makes NAME.layers.K.linear.weight, and with a norm .norm.weight,
// .norm.bias and the averages.
func NewHead(b *Builder, c HeadConfig) *Head {
	h := &Head{layers: make([]headLayer, len(c.Widths)-1)}
	// Layers ask for the precision when they are built.
	precision := b.Machine.Precision
	b.Machine.Precision = FP32
	defer func() { b.Machine.Precision = precision }()
	mark := b.Arena.Mark()
	widest := 0
	for i := range h.layers {
		l := &h.layers[i]
		name, last := fmt.Sprintf("%s.layers.%d", c.Name, i), i == len(h.layers)-1
		in, out := c.Widths[i], c.Widths[i+1]
		*l = headLayer{m: b.Machine, relu: !last}
		if last && c.Bias {
			l.linear = NewLinear(b, name+".linear", in, out)
		} else {
			l.linear = NewLinearWithoutBias(b, name+".linear", in, out)
		}
		if !last || c.Last != LastNothing {
			l.norm = newBatchNorm(b, BatchNormConfig{
				Name: name + ".norm", Dim: out, Scale: !last || c.Last == LastScale, Shift: !last,
				BatchesOfACall: c.BatchesOfACall,
			})
		}
		l.clip, l.clipGrads = l.clipRows, l.clipGradRows
		l.plan(b, c.Rows*out, last)
		widest = max(widest, out)
	}
	if b.Train {
		for i := range h.buffers {
			b.Arena.Scratch(&h.buffers[i], c.Rows*widest)
		}
	}
	b.Arena.Rewind(mark)
	return h
}

// plan plans n values of output: kept for backward, or scratch but for the
// last layer's, which the caller reads.
func (l *headLayer) plan(b *Builder, n int, last bool) {
	if b.Train || last {
		b.Arena.Keep(&l.out, n)
	} else {
		b.Arena.Scratch(&l.out, n)
	}
	if b.Train && l.norm != nil {
		b.Arena.Keep(&l.act, n)
	}
}

// Forward returns the output [rows, out] for x [rows, in]: the head's memory,
// valid until the next call.
func (h *Head) Forward(x []float32, rows int) []float32 {
	for i := range h.layers {
		l := &h.layers[i]
		l.linear.Forward(l.out, x, rows, nil)
		x = l.activated()
		if l.norm != nil {
			l.norm.Forward(x, l.out, rows)
		}
		if l.relu {
			l.m.Do(rows, l.clip)
		}
	}
	return x
}

// Backward adds the parameters' gradients and computes dx [rows, in], for the
// x of the last Forward and the gradient dy of its output, which it overwrites.
func (h *Head) Backward(dx, dy, x []float32, rows int) {
	for i := len(h.layers) - 1; i >= 0; i-- {
		l := &h.layers[i]
		in, below := x, dx
		if i > 0 {
			in, below = h.layers[i-1].activated(), h.buffers[i%2]
		}
		if l.relu {
			l.grad = dy
			l.m.Do(rows, l.clipGrads)
		}
		if l.norm != nil {
			l.norm.inputGradient(dy, l.out, rows)
		}
		l.linear.Backward(below, dy, in, rows, nil)
		dy = below
	}
}

func (l *headLayer) activated() []float32 {
	if l.act == nil {
		return l.out
	}
	return l.act
}

func (l *headLayer) clipRows(_, lo, hi int) {
	act := l.activated()[lo*l.linear.Out : hi*l.linear.Out]
	for i, v := range act {
		act[i] = max(v, 0) // NaN stays NaN
	}
}

func (l *headLayer) clipGradRows(_, lo, hi int) {
	act, grad := l.activated()[lo*l.linear.Out:hi*l.linear.Out], l.grad[lo*l.linear.Out:hi*l.linear.Out]
	for i, v := range act {
		if v <= 0 {
			grad[i] = 0
		}
	}
}
