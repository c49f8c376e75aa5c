package nn

import (
	"slices"

	"siameseim/internal/simd"
)

// needAttention asks for each worker's scratch for heads of a shape.
func (m *Machine) needAttention(s simd.AttentionShape) {
	if !slices.Contains(m.shapes, s) {
		m.shapes = append(m.shapes, s)
		m.probe.NeedAttention(s)
	}
}

// reserve plans the workers' scratch for attention and, if m isn't dry, takes it.
func (m *Machine) reserve() {
	m.plan.Attention = int64(len(m.workers)) * m.probe.AttentionBytes()
	if !m.dry {
		for i := range m.workers {
			m.workers[i].gemm.ReserveAttention(&m.probe)
		}
	}
	m.shapes, m.probe = nil, simd.Workspace{}
}

// AttentionBytes is what the workers' scratch for attention takes now: the
// plan's, unless a layer needs what it didn't ask for.
func (m *Machine) AttentionBytes() (n int64) {
	for i := range m.workers {
		n += m.workers[i].gemm.AttentionBytes()
	}
	return n
}
