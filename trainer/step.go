package trainer

import (
	"fmt"
	"math"
	"time"

	"siameseim/trainer/nn"
	"siameseim/trainer/optim"
	"siameseim/views"
)

// MaxSkippedInRow is how many steps in a row may be skipped for values that aren't finite before Step gives up.
const MaxSkippedInRow = 10

// Metrics is what one step says of itself.
type Metrics struct {
	Step     int     // steps done, this one included
	Loss     float64 // mean over micro-batches; not finite in some skipped steps
	LR       float64
	GradNorm float64 // before clipping; NaN if the loss isn't finite
	EMA      float64 // the momentum; 0 without a momentum branch

	// Signs of collapse (objective.Health), means over micro-batches.
	TargetStd, PredictionStd, Rank float64

	Skipped      bool // the optimiser didn't move: something wasn't finite
	SkippedSteps int  // in the run so far

	Position   views.Position // behind the batch
	BadSamples int64          // in the run so far

	WaitSeconds float64 // for the batch; Run's
	StepSeconds float64 // from batch to updated parameters; Run's
	Phases      Phases
}

// Phases are the seconds that the parts of a step took, in their order.
type Phases struct {
	Views     float64            // bytes to normalised float32
	Model     [nn.Phases]float64 // forward parts, loss and backward
	Health    float64            // signs of collapse
	Work      [nn.Phases]nn.Work // of Model
	Optimizer float64            // momentum branch, zeroed gradients, gradient norm, clipping, AdamW
}

// PhaseTime is the time of one phase.
type PhaseTime struct {
	Name    string
	Seconds float64
	Work    nn.Work
}

// List gives the phases in their order; the signs of collapse count as the loss's.
func (p *Phases) List() []PhaseTime {
	list := []PhaseTime{{Name: "views", Seconds: p.Views}}
	for i, seconds := range p.Model {
		if nn.Phase(i) == nn.PhaseLoss {
			seconds += p.Health
		}
		list = append(list, PhaseTime{nn.Phase(i).String(), seconds, p.Work[i]})
	}
	return append(list, PhaseTime{Name: "optimizer", Seconds: p.Optimizer})
}

// clock adds the time since its last lap to one phase after the other.
type clock struct{ last time.Time }

func (c *clock) lap(phase *float64) {
	now := time.Now()
	*phase += now.Sub(c.last).Seconds()
	c.last = now
}

// savedBuffer is a BatchNorm average and what it was before the step.
type savedBuffer struct{ live, saved []float32 }

// Step does one optimiser step on a batch of views. The batch isn't kept.
//
// A step whose loss or gradient isn't finite is skipped: parameters, moments and AdamW's count of updates stay
// as they are, and BatchNorm's averages, which the forward pass had moved, are put back. The momentum update
// that opened the step stays: it only averaged finite parameters. The schedule goes on, so a run always has
// its length. After MaxSkippedInRow of them Step returns an error that names the first tensor that isn't finite.
//
// A batch that doesn't fit is an error before anything changes.
func (t *Trainer) Step(b *views.Batch) (Metrics, error) {
	if err := t.checkBatch(b); err != nil {
		return Metrics{}, fmt.Errorf("trainer: step %d: batch: %w", t.steps+1, err)
	}
	t.position, t.bad = b.Next, b.Bad
	return t.step(func(row int) *nn.Input { return t.input.convert(b, row, t.team) })
}

// StepInput is Step on normalised float32 views, [Batch() rows]; it moves no position.
func (t *Trainer) StepInput(in *nn.Input) (Metrics, error) {
	if in.Batch != t.batch {
		return Metrics{}, fmt.Errorf("trainer: step %d: input: %d rows, a step takes %d", t.steps+1, in.Batch, t.batch)
	}
	var part nn.Input
	return t.step(func(row int) *nn.Input {
		part = rows(in, row, t.micro)
		return &part
	})
}

// step takes the micro-batches from rows, which is asked for each one's first row.
func (t *Trainer) step(rows func(row int) *nn.Input) (Metrics, error) {
	c := &t.config
	m := Metrics{
		LR:       optim.LearningRate(t.steps, c.Steps, c.WarmupSteps, c.LR),
		GradNorm: math.NaN(),
	}
	watch := clock{time.Now()}
	if t.ema != nil {
		m.EMA = optim.Momentum(t.steps, c.Steps, c.EMA)
		t.ema.Update(t.team, m.EMA)
	}
	for _, b := range t.buffers {
		copy(b.saved, b.live)
	}
	if !t.cleared {
		t.gradients.Zero(t.team)
	}
	t.cleared = false
	watch.lap(&m.Phases.Optimizer)
	before, worked := t.machine.Spent(), t.machine.Worked()
	in, err := t.gradient(rows, &m)
	for i, spent := range t.machine.Spent() {
		m.Phases.Model[i] = (spent - before[i]).Seconds()
		now := t.machine.Worked()[i]
		m.Phases.Work[i] = nn.Work{FLOP: now.FLOP - worked[i].FLOP, Bytes: now.Bytes - worked[i].Bytes}
	}
	if err != nil {
		return m, fmt.Errorf("trainer: step %d: %w", t.steps+1, err)
	}
	watch = clock{time.Now()}
	if finite(m.Loss) {
		m.GradNorm = t.gradients.Norm(t.team)
	}
	m.Skipped = !finite(m.GradNorm)
	if m.Skipped {
		err = t.skip(in)
	} else {
		t.adam.Step(t.team, m.LR, optim.ClipFactor(m.GradNorm, c.Clip))
		t.skippedInRow, t.cleared = 0, true
	}
	watch.lap(&m.Phases.Optimizer)
	t.steps++
	m.Step, m.SkippedSteps, m.Position, m.BadSamples = t.steps, t.skipped, t.position, t.bad
	return m, err
}

// gradient runs the micro-batches: loss and signs of collapse into m, gradients into the parameters. It stops
// at a loss that isn't finite, and returns the last input used.
func (t *Trainer) gradient(rows func(row int) *nn.Input, m *Metrics) (in *nn.Input, err error) {
	n := float64(t.config.Accumulation)
	watch := clock{time.Now()}
	for row := 0; row < t.batch; row += t.micro {
		in = rows(row)
		watch.lap(&m.Phases.Views)
		loss, err := t.model.Forward(in, nn.DropKey{Seed: t.seed, Step: int64(t.steps), Row: row})
		if err != nil {
			return in, err
		}
		m.Loss += loss / n
		watch = clock{time.Now()}
		health := t.model.Health()
		watch.lap(&m.Phases.Health)
		m.TargetStd += health.TargetStd / n
		m.PredictionStd += health.PredictionStd / n
		m.Rank += health.Rank / n
		if !finite(loss) {
			return in, nil
		}
		t.model.Backward(float32(1 / n))
		watch = clock{time.Now()}
	}
	return in, nil
}

// skip undoes what the forward pass changed. in is the input at fault, or the last one.
func (t *Trainer) skip(in *nn.Input) error {
	t.skipped++
	t.skippedInRow++
	var err error
	if t.skippedInRow >= MaxSkippedInRow {
		err = fmt.Errorf("trainer: step %d: loss or gradient not finite, for the %dth step in a row: first in %s",
			t.steps+1, t.skippedInRow, t.firstNonFinite(in))
	}
	t.restoreBuffers()
	return err
}

// firstNonFinite names a tensor in the order in which a step computes them, and the place in it.
func (t *Trainer) firstNonFinite(in *nn.Input) string {
	type tensor struct {
		name string
		data []float32
	}
	list := []tensor{{"input view 1", in.View1}, {"input view 2", in.View2}}
	for _, p := range t.model.TargetParams() {
		list = append(list, tensor{"parameter target." + p.Name, p.Data})
	}
	for _, p := range t.model.Params() {
		list = append(list, tensor{"parameter " + p.Name, p.Data})
	}
	list = append(list, tensor{"targets", t.model.Target()}, tensor{"predictions", t.model.Prediction()})
	for _, p := range t.model.Params() {
		list = append(list, tensor{"gradient of " + p.Name, p.Grad})
	}
	for _, x := range list {
		for i, v := range x.data {
			if !finite(float64(v)) {
				return fmt.Sprintf("%s: element %d is %v", x.name, i, v)
			}
		}
	}
	return "the loss alone: it is too large for its type"
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
