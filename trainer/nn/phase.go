package nn

import "time"

// Phase is a part of a step whose time is measured.
type Phase int

// The phases of a model, in their order.
const (
	PhaseTarget Phase = iota // the momentum branch's forward pass
	PhaseEncoder
	PhaseProjector
	PhasePredictor
	PhaseLoss
	PhaseBackward
	Phases // how many there are
)

var phaseNames = [Phases]string{"target", "encoder", "projector", "predictor", "loss", "backward"}

func (p Phase) String() string { return phaseNames[p] }

// Work is what a phase has to do, whoever does it: the operations of its matrix
// products and attention, two for each multiply-add, and the bytes that its
// layers read and write if nothing stays in a cache from one layer to the next,
// each operand once.
type Work struct{ FLOP, Bytes float64 }

// stopwatch adds up the time and the work of each phase.
type stopwatch struct {
	spent   [Phases]time.Duration
	work    [Phases]Work
	now     Phase
	running bool
	since   time.Time
}

// Enter ends the phase that runs, if one does, and begins p.
func (m *Machine) Enter(p Phase) {
	m.Leave()
	m.watch.now, m.watch.running, m.watch.since = p, true, time.Now()
}

// Leave ends the phase that runs.
func (m *Machine) Leave() {
	if m.watch.running {
		m.watch.spent[m.watch.now] += time.Since(m.watch.since)
		m.watch.running = false
	}
}

// Count adds work to the phase that runs.
func (m *Machine) Count(flop, bytes int) {
	if m.watch.running {
		w := &m.watch.work[m.watch.now]
		w.FLOP += float64(flop)
		w.Bytes += float64(bytes)
	}
}

// Worked returns each phase's work since the machine was made.
func (m *Machine) Worked() [Phases]Work { return m.watch.work }

// Spent returns each phase's time since the machine was made.
func (m *Machine) Spent() [Phases]time.Duration { return m.watch.spent }
