package trainer

import (
	"fmt"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
	"siameseim/trainer/optim"
	"siameseim/views"
)

// Trainer holds a run's networks and optimiser. One goroutine at a time; Close ends its own.
type Trainer struct {
	config Config
	batch  int // images a step
	micro  int // images a micro-batch
	seed   uint64

	team      *team.Team
	machine   *nn.Machine
	model     objective.Model
	adam      *optim.AdamW
	gradients *optim.Gradients
	ema       *optim.EMA // nil without a momentum branch

	cleared      bool // the gradients are zero: AdamW left them so
	steps        int  // done, skipped ones included
	skipped      int
	skippedInRow int
	position     views.Position // of the stream, behind the last batch
	bad          int64          // bad samples up to there
	savedStep    int            // of the last checkpoint, -1 if there is none

	input     input
	recompute bool
	memory    Memory
	buffers   []savedBuffer
}

// An Option changes how a run computes, not what.
type Option func(*Trainer)

// Recompute has each block keep its input alone for the backward pass, and compute the rest again there: less
// memory and a third more work in the online branch, to the same bits.
func Recompute() Option { return func(t *Trainer) { t.recompute = true } }

// New builds the networks, initialised from seed, and everything else that a run needs memory for. batch is
// the images of a step; threads 0 is one for each processor.
func New(cfg Config, batch, threads int, seed uint64, options ...Option) (*Trainer, error) {
	if err := cfg.Validate(batch); err != nil {
		return nil, err
	}
	t := &Trainer{config: cfg, batch: batch, micro: batch / cfg.Accumulation, seed: seed, savedStep: -1}
	for _, option := range options {
		option(t)
	}
	t.team = team.New(threads)
	err := t.checkMemory()
	if err == nil {
		err = t.build()
	}
	if err != nil {
		t.team.Close()
		return nil, err
	}
	return t, nil
}

func (t *Trainer) build() (err error) {
	t.machine = nn.NewMachine(t.team, nn.Single{})
	t.machine.Precision, t.machine.Recompute = t.config.Precision, t.recompute
	t.model, err = objective.NewOn(t.config.Config, t.micro, t.machine, t.seed)
	if err != nil {
		return fmt.Errorf("trainer: %w", err)
	}
	params := t.model.Params()
	t.adam = optim.NewAdamW(params, optim.Hyper{
		Beta1: t.config.Beta1, Beta2: t.config.Beta2, Eps: t.config.Eps, WeightDecay: t.config.WeightDecay,
	})
	t.gradients = optim.NewGradients(params)
	if target := t.model.TargetParams(); target != nil {
		if t.ema, err = optim.NewEMA(target, params); err != nil {
			return fmt.Errorf("trainer: %w", err)
		}
	}
	t.input = newInput(&t.config, t.micro)
	for _, list := range [][]nn.Buffer{t.model.Buffers(), t.model.TargetBuffers()} {
		for _, b := range list {
			t.buffers = append(t.buffers, savedBuffer{b.Data, make([]float32, len(b.Data))})
		}
	}
	return nil
}

// Close ends the threads.
func (t *Trainer) Close() { t.team.Close() }

// Config returns the configuration.
func (t *Trainer) Config() Config { return t.config }

// Batch is the number of images a step takes.
func (t *Trainer) Batch() int { return t.batch }

// Model gives the networks, to be evaluated between two steps.
func (t *Trainer) Model() objective.Model { return t.model }

// Memory is what the run's steps take, as it was planned.
func (t *Trainer) Memory() Memory { return t.memory }

// Threads is the number of compute threads.
func (t *Trainer) Threads() int { return t.team.Threads() }

// StepsDone counts the steps done since the schedule's start, skipped ones included.
func (t *Trainer) StepsDone() int { return t.steps }

// SkippedInRow counts the last steps that were skipped for values that aren't finite.
func (t *Trainer) SkippedInRow() int { return t.skippedInRow }

// Done tells that the schedule is at its end.
func (t *Trainer) Done() bool { return t.steps >= t.config.Steps }

// Position is where the stream of samples stands behind the last step's batch: where a source for the next
// step starts.
func (t *Trainer) Position() views.Position { return t.position }

// BadSamples is what the batches up to now said of bad samples.
func (t *Trainer) BadSamples() int64 { return t.bad }
