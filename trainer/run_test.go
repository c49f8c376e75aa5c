package trainer

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"siameseim/trainer/checkpoint"
)

// loop runs a trainer on the synthetic stream, saving to a folder of its own; it returns the steps saved at.
func loop(t *testing.T, ctx context.Context, tr *Trainer, last int, every int, step func(Metrics) error) (saves []int, err error) {
	t.Helper()
	store, err := checkpoint.NewStore(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	source := newStream(ctx, tr.Config(), tr.StepsDone(), last)
	begun := tr.StepsDone()
	err = Run(ctx, tr, source, Hooks{
		Step: step,
		Save: func() error {
			saves = append(saves, tr.StepsDone())
			_, err := tr.Save(store, nil)
			return err
		},
		SaveEvery: every,
	})
	if source.released != tr.StepsDone()-begun {
		t.Errorf("%d batches released in %d steps", source.released, tr.StepsDone()-begun)
	}
	return saves, err
}

func TestRunToTheEnd(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	tr := newSmall(t, 1, nil)
	var seen []int
	saves, err := loop(t, context.Background(), tr, 100, 3, func(m Metrics) error {
		if m.WaitSeconds < 0 || m.StepSeconds <= 0 {
			t.Errorf("waited %v s, stepped %v s", m.WaitSeconds, m.StepSeconds)
		}
		seen = append(seen, m.Step)
		return nil
	})
	if err != nil || len(seen) != 8 || seen[7] != 8 {
		t.Errorf("steps %v, %v", seen, err)
	}
	if len(saves) != 3 || saves[0] != 3 || saves[1] != 6 || saves[2] != 8 {
		t.Errorf("saved at %v", saves)
	}
	if saves, err := loop(t, context.Background(), tr, 100, 3, nil); err != nil || saves != nil {
		t.Errorf("a run that is done: saved at %v, %v", saves, err)
	}
}

// TestStopSavesAndGoesOn: a run stopped in step 3 saves it, and what goes on from there is the same run.
func TestStopSavesAndGoesOn(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	whole := newSmall(t, 1, nil)
	if _, err := loop(t, context.Background(), whole, 100, 0, nil); err != nil {
		t.Fatal(err)
	}
	tr := newSmall(t, 1, nil)
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("the user pressed Ctrl-C")
	saves, err := loop(t, ctx, tr, 100, 0, func(m Metrics) error {
		if m.Step == 3 {
			cancel(cause)
		}
		return nil
	})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "stopped after step 3") {
		t.Errorf("got %v", err)
	}
	if len(saves) != 1 || saves[0] != 3 {
		t.Errorf("saved at %v", saves)
	}
	if _, err := loop(t, context.Background(), tr, 100, 0, nil); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, "stopped at step 3", saved(t, whole), saved(t, tr))
}

func TestStopBeforeTheFirstStep(t *testing.T) {
	tr := newSmall(t, 1, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	saves, err := loop(t, ctx, tr, 100, 0, nil)
	if !errors.Is(err, context.Canceled) || len(saves) != 1 || saves[0] != 0 {
		t.Errorf("saved at %v, %v", saves, err)
	}
}

func TestDataUsedUp(t *testing.T) {
	saves, err := loop(t, context.Background(), newSmall(t, 1, nil), 2, 0, nil)
	if err == nil || !strings.Contains(err.Error(), "step 3: batch: the data are used up") || saves != nil {
		t.Errorf("saved at %v, %v", saves, err)
	}
}

func TestSourceFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tr := newSmall(t, 1, nil)
	source := newStream(ctx, tr.Config(), 0, 2)
	source.err = errors.New("shard 7 is gone")
	if err := Run(ctx, tr, source, Hooks{}); !errors.Is(err, source.err) {
		t.Errorf("got %v", err)
	}
}

func TestHookErrorsEndTheRun(t *testing.T) {
	full := errors.New("no space left on device")
	if _, err := loop(t, context.Background(), newSmall(t, 1, nil), 100, 0, func(Metrics) error { return full }); !errors.Is(err, full) {
		t.Errorf("step hook: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tr := newSmall(t, 1, nil)
	err := Run(ctx, tr, newStream(ctx, tr.Config(), 0, 100), Hooks{SaveEvery: 2, Save: func() error { return full }})
	if !errors.Is(err, full) || tr.StepsDone() != 2 {
		t.Errorf("save hook: %v after step %d", err, tr.StepsDone())
	}
}
