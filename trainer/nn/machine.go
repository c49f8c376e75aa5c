package nn

import (
	"siameseim/internal/simd"
	"siameseim/internal/team"
)

// Machine is what layers compute with: the threads, each with its GEMM
// workspace and its tile of scratch memory, and the sums over ranks. Layers
// that share a machine must not run at the same time.
type Machine struct {
	team    *team.Team
	reduce  Reducer
	workers []worker
	tile    int // elements of the largest tile that a layer needs
}

// worker is what one thread has to itself.
type worker struct {
	gemm simd.Workspace
	tile []float32
	_    [64]byte // keeps two threads' workspaces off one cache line
}

// NewMachine returns a machine on the team's threads. reduce nil means Single.
func NewMachine(t *team.Team, reduce Reducer) *Machine {
	if reduce == nil {
		reduce = Single{}
	}
	return &Machine{team: t, reduce: reduce, workers: make([]worker, t.Threads())}
}

// Do runs body on contiguous parts of [0, n), as team.Team.Do. body must be a
// function value that exists already: a closure made here would allocate.
func (m *Machine) Do(n int, body func(worker, lo, hi int)) { m.team.Do(n, body) }

// Reducer returns the sums over ranks.
func (m *Machine) Reducer() Reducer { return m.reduce }

// Gemm returns a worker's GEMM workspace.
func (m *Machine) Gemm(worker int) *simd.Workspace { return &m.workers[worker].gemm }

// needTile asks for a tile of n elements for each worker.
func (m *Machine) needTile(n int) { m.tile = max(m.tile, n) }

// Plan plans the tiles, after all layers have been built.
func (m *Machine) Plan(a *Arena) {
	for i := range m.workers {
		a.Keep(&m.workers[i].tile, m.tile)
	}
}
