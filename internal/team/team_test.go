package team

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDoCoversRangeOnce(t *testing.T) {
	for threads := 1; threads <= 5; threads++ {
		team := New(threads)
		if team.Threads() != threads {
			t.Fatalf("Threads() = %d, want %d", team.Threads(), threads)
		}
		for n := range 40 {
			hits := make([]int32, n)
			var bounds [6][2]int
			var calls atomic.Int32
			team.Do(n, func(worker, lo, hi int) {
				calls.Add(1)
				bounds[worker] = [2]int{lo, hi}
				for i := lo; i < hi; i++ {
					atomic.AddInt32(&hits[i], 1)
				}
			})
			if slices.ContainsFunc(hits, func(h int32) bool { return h != 1 }) {
				t.Fatalf("threads %d, n %d: hits %v", threads, n, hits)
			}
			if want := min(n, threads); int(calls.Load()) != want {
				t.Fatalf("threads %d, n %d: %d calls, want %d", threads, n, calls.Load(), want)
			}
			for w := range min(n, threads) {
				parts := min(n, threads)
				if want := [2]int{n * w / parts, n * (w + 1) / parts}; bounds[w] != want {
					t.Errorf("threads %d, n %d: worker %d has %v, want %v", threads, n, w, bounds[w], want)
				}
			}
		}
		team.Close()
		team.Close()
	}
}

// Every call must see what the one before wrote, and short calls after long
// pauses (sleeping helpers) must work as those in a row (spinning ones).
func TestDoOrdersCalls(t *testing.T) {
	for _, threads := range []int{2, 3} {
		team := New(threads)
		data := make([]int, 1001)
		for round := range 2000 {
			team.Do(len(data), func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					data[len(data)-1-i]++
				}
			})
			if round%500 == 0 {
				time.Sleep(5 * time.Millisecond)
			}
		}
		for i, v := range data {
			if v != 2000 {
				t.Fatalf("data[%d] = %d, want 2000", i, v)
			}
		}
		team.Close()
	}
}

func TestDoWithFewerProcessorsThanThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	team := New(4)
	defer team.Close()
	var sum atomic.Int64
	for range 200 {
		team.Do(4, func(_, lo, hi int) { sum.Add(int64(hi - lo)) })
	}
	if sum.Load() != 800 {
		t.Fatalf("sum = %d, want 800", sum.Load())
	}
}

func TestDefaultThreads(t *testing.T) {
	team := New(0)
	defer team.Close()
	if team.Threads() != runtime.GOMAXPROCS(0) {
		t.Errorf("Threads() = %d, want %d", team.Threads(), runtime.GOMAXPROCS(0))
	}
}

func TestPanicReachesCaller(t *testing.T) {
	team := New(3)
	defer team.Close()
	cause := errors.New("no good")
	for part := range 3 {
		var finished atomic.Int32
		got := func() (v any) {
			defer func() { v = recover() }()
			team.Do(3, func(worker, _, _ int) {
				if worker == part {
					panic(cause)
				}
				time.Sleep(time.Millisecond)
				finished.Add(1)
			})
			return nil
		}()
		if finished.Load() != 2 {
			t.Errorf("part %d: Do returned when %d of 2 others had finished", part, finished.Load())
		}
		if text := fmt.Sprint(got); got == nil || !strings.Contains(text, "no good") {
			t.Errorf("part %d: recovered %v", part, got)
		} else if part > 0 && !strings.Contains(text, fmt.Sprintf("worker %d", part)) {
			t.Errorf("part %d: %q does not name the worker", part, text)
		}
	}
	ran := false
	team.Do(1, func(_, _, _ int) { ran = true })
	if !ran {
		t.Error("team is dead after a panic")
	}
}

func TestMisuse(t *testing.T) {
	panics := func(name string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		f()
	}
	team := New(2)
	panics("nested Do", func() {
		team.Do(2, func(worker, _, _ int) {
			if worker == 0 {
				team.Do(2, func(_, _, _ int) {})
			}
		})
	})
	team.Close()
	panics("Do after Close", func() { team.Do(2, func(_, _, _ int) {}) })
}

func TestDoDoesNotAllocate(t *testing.T) {
	team := New(2)
	defer team.Close()
	data := make([]int, 100)
	body := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			data[i]++
		}
	}
	if n := testing.AllocsPerRun(100, func() { team.Do(len(data), body) }); n != 0 {
		t.Errorf("Do allocates %v times", n)
	}
}

func BenchmarkDo(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprint(threads), func(b *testing.B) {
			team := New(threads)
			defer team.Close()
			b.ReportAllocs()
			for b.Loop() {
				team.Do(threads, func(_, _, _ int) {})
			}
		})
	}
}
