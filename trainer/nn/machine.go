package nn

import (
	"fmt"

	"siameseim/internal/simd"
	"siameseim/internal/team"
)

// Precision is what matrix products and attention compute with. Master
// weights, norms, softmax, the residual stream, losses and sums are float32 in
// either (SPEC section 3).
type Precision string

// The precisions.
const (
	FP32 Precision = "fp32"
	BF16 Precision = "bf16" // inputs of products rounded to bfloat16, sums in float32
)

// Check reports a precision that is none. The empty one is FP32.
func (p Precision) Check() error {
	if p != "" && p != FP32 && p != BF16 {
		return fmt.Errorf("nn: precision %q: must be %s or %s", string(p), FP32, BF16)
	}
	return nil
}

// Machine is what layers compute with: the threads, each with its GEMM
// workspace and its tiles of scratch memory, the precision, and the sums over
// ranks. Layers that share a machine must not run at the same time. The
// exported fields are set before the first layer is built.
type Machine struct {
	// Precision of the layers; empty: FP32.
	Precision Precision
	// Recompute has blocks that train keep their input alone, and run forward
	// once more in the backward pass. The results have the same bits.
	Recompute bool

	team    *team.Team
	reduce  Reducer
	workers []worker
	tile    int // elements of the largest tile that a layer needs
	half    int // the same of bfloat16
	dry     bool
	plan    Plan
	watch   stopwatch

	shapes []simd.AttentionShape // that layers need, until Plan
	probe  simd.Workspace        // with a worker's scratch for them

	chain      chain
	runPending func(worker, lo, hi int)
}

// worker is what one thread has to itself.
type worker struct {
	gemm simd.Workspace
	tile []float32
	half []simd.BF16
	_    [64]byte // keeps two threads' workspaces off one cache line
}

// NewMachine returns a machine on the team's threads. reduce nil means Single.
func NewMachine(t *team.Team, reduce Reducer) *Machine {
	if reduce == nil {
		reduce = Single{}
	}
	m := &Machine{team: t, reduce: reduce, workers: make([]worker, t.Threads())}
	m.runPending = m.pendingPart
	return m
}

// NewDryMachine returns a machine to build layers on that are never run: they
// plan their memory for so many threads and take none.
func NewDryMachine(threads int) *Machine {
	return &Machine{reduce: Single{}, workers: make([]worker, threads), dry: true}
}

// Reducer returns the sums over ranks.
func (m *Machine) Reducer() Reducer { return m.reduce }

// Gemm returns a worker's GEMM workspace.
func (m *Machine) Gemm(worker int) *simd.Workspace { return &m.workers[worker].gemm }

// half16 tells whether products compute in bfloat16.
func (m *Machine) half16() bool { return m.Precision == BF16 }

// needTile asks for a tile of n elements for each worker.
func (m *Machine) needTile(n int) { m.tile = max(m.tile, n) }

// needHalf is needTile for bfloat16.
func (m *Machine) needHalf(n int) { m.half = max(m.half, n) }

// A Plan says what memory layers take, in bytes, beside small change. It holds
// for a dry machine too.
type Plan struct {
	Weights     int64 // float32 values of all branches
	Gradients   int64
	Packed      int64 // bfloat16 copies of weights as the products read them
	Attention   int64 // the threads' tiles and copies of heads
	Activations int64 // all else: what backward needs, scratch, other tiles
}

// Total is the sum of the parts.
func (p Plan) Total() int64 { return p.Weights + p.Gradients + p.Packed + p.Attention + p.Activations }

// Planned returns the memory of the layers whose arenas were given to Plan.
func (m *Machine) Planned() Plan { return m.plan }

// Plan plans the tiles, and reserves what attention needs, after all layers have
// been built and before the arena is allocated.
func (m *Machine) Plan(a *Arena) {
	a.dry = m.dry
	for i := range m.workers {
		a.Keep(&m.workers[i].tile, m.tile)
		a.Keep16(&m.workers[i].half, m.half)
	}
	m.reserve()
	m.plan.Activations = a.Bytes() - m.plan.Gradients - m.plan.Packed
}
