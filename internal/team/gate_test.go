package team

import (
	"sync/atomic"
	"testing"
)

// A waiter that saw its condition while polling, and waits for the next one,
// meets the first one's token: open comes after the condition is made true.
func TestLateTokenWakesNobody(t *testing.T) {
	g := newGate()
	var stage atomic.Int32
	reached := func(n int32) func() bool { return func() bool { return stage.Load() >= n } }

	stage.Store(1)
	g.wait(1, reached(1)) // seen while polling, before open
	second := make(chan struct{})
	go func() {
		g.wait(0, reached(2))
		if stage.Load() < 2 {
			t.Error("woken by the first condition's token")
		}
		close(second)
	}()
	for !g.asleep.Load() {
	}
	g.open() // the first condition's, late
	for !g.asleep.Load() {
		select {
		case <-second:
			t.Fatal("the waiter left before its condition was true")
		default:
		}
	}
	stage.Store(2)
	g.open()
	<-second
}

// Every worker runs every job once, however the polling ends.
func TestEveryJobOnce(t *testing.T) {
	for _, threads := range []int{2, 3, 5} {
		for _, spin := range []int{0, 1, 20, 2000} {
			tm := start(threads, spin)
			var count atomic.Int64
			for i := range 1000 {
				tm.Do(threads, func(_, lo, hi int) { count.Add(int64(hi - lo)) })
				if got, want := count.Load(), int64(threads*(i+1)); got != want {
					t.Fatalf("%d threads, spin %d: %d parts done after %d jobs, want %d", threads, spin, got, i+1, want)
				}
			}
			tm.Close()
		}
	}
}
