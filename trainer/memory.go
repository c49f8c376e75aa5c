package trainer

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strings"

	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
)

// Memory says what a run's steps take, in bytes: all that grows with network and batch. It is planned before
// any of it is taken.
type Memory struct {
	nn.Plan         // the networks
	Moments   int64 // AdamW's
	Input     int64 // a micro-batch of normalised views
	Views     int64 // whole batches of views in bytes, which the pipeline makes ahead; not in Total
	Available int64 // what the system has left for it; 0: it doesn't tell
}

// Total is the sum of the parts.
func (m Memory) Total() int64 { return m.Plan.Total() + m.Moments + m.Input }

// WeightsTotal is what the networks' values take: with their gradients, moments and packed forms.
func (m Memory) WeightsTotal() int64 { return m.Weights + m.Gradients + m.Packed + m.Moments }

// Fits tells whether the system has so much, the views included. A twentieth is left to decoding and evaluation.
func (m Memory) Fits() bool {
	return m.Available == 0 || m.Total()+m.Views <= m.Available-m.Available/20
}

// batchesAhead is how many batches of views exist at once: being made, ready, being trained on, being handed back.
const batchesAhead = 4

// PlanMemory returns what New would take, without taking it. threads as in New.
func PlanMemory(cfg Config, batch, threads int, options ...Option) (Memory, error) {
	if err := cfg.Validate(batch); err != nil {
		return Memory{}, err
	}
	t := &Trainer{config: cfg, micro: batch / cfg.Accumulation}
	for _, option := range options {
		option(t)
	}
	return t.planMemory(threads)
}

func (t *Trainer) planMemory(threads int) (Memory, error) {
	machine := nn.NewDryMachine(threads)
	machine.Precision, machine.Recompute = t.config.Precision, t.recompute
	if _, err := objective.NewOn(t.config.Config, t.micro, machine, t.seed); err != nil {
		return Memory{}, fmt.Errorf("trainer: %w", err)
	}
	m := Memory{Plan: machine.Planned(), Available: availableMemory()}
	m.Moments = 2 * m.Gradients
	pixels := 3 * int64(t.config.ImageSize*t.config.ImageSize)
	m.Input = 2 * 4 * int64(t.micro) * pixels
	m.Views = batchesAhead * 2 * int64(t.micro*t.config.Accumulation) * pixels
	return m, nil
}

// checkMemory plans t's memory. Where there isn't as much the error says what would fit.
func (t *Trainer) checkMemory() error {
	var err error
	if t.memory, err = t.planMemory(t.team.Threads()); err != nil || t.memory.Fits() {
		return err
	}
	return fmt.Errorf("trainer: memory: micro-batches of %d images (%s) need %s, of which weights, gradients and moments are %s, and batches of views %s; %s are available: %s",
		t.micro, t.precision(), gibi(t.memory.Total()), gibi(t.memory.WeightsTotal()), gibi(t.memory.Views), gibi(t.memory.Available), t.wouldFit(t.team.Threads(), t.memory.Available))
}

func (t *Trainer) precision() nn.Precision {
	if t.config.Precision == "" {
		return nn.FP32
	}
	return t.config.Precision
}

// wouldFit lists what of the run could be changed so that it fits in available bytes.
func (t *Trainer) wouldFit(threads int, available int64) string {
	var ways []string
	for _, recompute := range []bool{false, true} {
		if t.recompute && !recompute {
			continue
		}
		for accumulation := t.config.Accumulation; accumulation <= t.batch; accumulation++ {
			if t.batch%accumulation != 0 || (accumulation == t.config.Accumulation && recompute == t.recompute) {
				continue
			}
			other := &Trainer{config: t.config, micro: t.batch / accumulation, recompute: recompute}
			other.config.Accumulation = accumulation
			m, err := other.planMemory(threads)
			m.Available = available
			if err != nil || !m.Fits() {
				continue
			}
			way := fmt.Sprintf("accumulation %d (micro-batches of %d)", accumulation, other.micro)
			if accumulation == t.config.Accumulation {
				way = "recomputation"
			} else if recompute {
				way += " with recomputation"
			}
			ways = append(ways, fmt.Sprintf("%s would need %s", way, gibi(m.Total())))
			break
		}
	}
	switch {
	case len(ways) == 0 && t.memory.Views > available/2:
		return "no cut of this batch fits, a smaller batch might"
	case len(ways) == 0:
		return "no size of batch fits, a smaller preset might"
	}
	return strings.Join(ways, "; ")
}

func gibi(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// goLimit is what is left of the Go runtime's own memory limit, GOMEMLIMIT; 0: there is none.
func goLimit() int64 {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return 0
	}
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return max(limit-int64(s.HeapAlloc), 1)
}
