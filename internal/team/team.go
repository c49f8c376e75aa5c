// Package team runs a loop on a fixed set of goroutines: each call is cut in
// contiguous parts, one per worker, always the same way. It is made for the
// trainer, whose step is thousands of short loops; it has no queue, no work
// stealing and no cancellation.
//
// Where the body of a loop writes only the outputs of its own range, and each
// output is computed from inputs alone, the result has the same bits for any
// number of threads. Never split a summed axis over workers.
package team

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

// Team is a set of workers. The goroutine that calls Do is worker 0; the
// others are goroutines that live until Close. Calls of Do must come one after
// the other, and never from inside a loop's body. Only the zero thread count
// of New is special; a Team must come from New.
type Team struct {
	helpers []*helper
	spin    int // polls before a goroutine goes to sleep
	pending atomic.Int32
	done    gate
	busy    atomic.Bool
	closed  atomic.Bool
	job     job
}

type job struct {
	n, parts int
	body     func(worker, lo, hi int)
}

// helper is one goroutine besides the caller's.
type helper struct {
	posted atomic.Uint32 // number of jobs given to it so far
	wake   gate
	failed *failure // of the last job
}

// failure is a panic that a worker's body raised.
type failure struct {
	value any
	stack string
}

// spinPolls is how often a goroutine polls before it sleeps: a millisecond or
// so. Waking a sleeper takes a tenth of one on a virtual machine, as long as a
// short loop of a training step; longer pauses than this are between steps.
const spinPolls = 1000000

// New starts a team of threads workers; threads <= 0 means one per processor
// that Go may use (GOMAXPROCS). A team of one has no goroutine.
func New(threads int) *Team {
	limit := runtime.GOMAXPROCS(0)
	if threads <= 0 {
		threads = limit
	}
	if threads > limit {
		return start(threads, 0) // polling would keep the others from running
	}
	return start(threads, spinPolls)
}

// start is New for a given number of polls.
func start(threads, spin int) *Team {
	t := &Team{spin: spin, done: newGate()}
	for range threads - 1 {
		h := &helper{wake: newGate()}
		t.helpers = append(t.helpers, h)
	}
	for i, h := range t.helpers {
		go t.run(h, i+1)
	}
	return t
}

// Threads returns the number of workers, the caller's goroutine included.
func (t *Team) Threads() int { return len(t.helpers) + 1 }

// Do calls body for contiguous parts of [0, n) that cover it once, on at most
// min(n, Threads) workers, and returns when all have returned. Worker w of W
// gets [n*w/W, n*(w+1)/W); worker numbers index per-thread scratch. Part 0
// runs on the caller's goroutine, so n == 1 costs a function call, and with
// n <= 0 body is not called. If a body panics, Do panics when the others have
// finished: with the caller's own value if part 0 panicked, else with an error
// that names the worker and holds its stack.
func (t *Team) Do(n int, body func(worker, lo, hi int)) {
	if n <= 0 {
		return
	}
	if t.closed.Load() {
		panic("team: Do after Close")
	}
	parts := min(n, t.Threads())
	if parts == 1 {
		body(0, 0, n)
		return
	}
	if !t.busy.CompareAndSwap(false, true) {
		panic("team: Do inside of or beside another Do")
	}
	t.job = job{n, parts, body}
	t.pending.Store(int32(parts - 1))
	for _, h := range t.helpers[:parts-1] {
		h.posted.Add(1)
		h.wake.open()
	}
	defer t.finish(parts)
	body(0, 0, n/parts)
}

// finish waits for the helpers and passes on the first panic. It runs
// deferred: a panic of the caller's own part goes on by itself after it.
func (t *Team) finish(parts int) {
	t.done.wait(t.spin, func() bool { return t.pending.Load() == 0 })
	t.job = job{}
	t.busy.Store(false)
	for i, h := range t.helpers[:parts-1] {
		if h.failed != nil {
			f := h.failed
			h.failed = nil
			panic(fmt.Errorf("team: worker %d: panic: %v\n%s", i+1, f.value, f.stack))
		}
	}
}

// Close ends the team's goroutines and returns when they have ended. It must
// not be called during Do; calling it again does nothing.
func (t *Team) Close() {
	if t.closed.Swap(true) {
		return
	}
	t.pending.Store(int32(len(t.helpers)))
	for _, h := range t.helpers {
		h.posted.Add(1)
		h.wake.open()
	}
	t.done.wait(0, func() bool { return t.pending.Load() == 0 })
}

func (t *Team) run(h *helper, worker int) {
	for seen := uint32(1); ; seen++ {
		h.wake.wait(t.spin, func() bool { return h.posted.Load() == seen })
		closed := t.closed.Load()
		if !closed {
			h.failed = t.part(worker)
		}
		if t.pending.Add(-1) == 0 {
			t.done.open()
		}
		if closed {
			return
		}
	}
}

// part runs one worker's share of the job and catches its panic.
func (t *Team) part(worker int) (failed *failure) {
	defer func() {
		if v := recover(); v != nil {
			stack := make([]byte, 16<<10)
			failed = &failure{v, string(stack[:runtime.Stack(stack, false)])}
		}
	}()
	j := t.job
	j.body(worker, j.n*worker/j.parts, j.n*(worker+1)/j.parts)
	return nil
}
