package team

import (
	"runtime"
	"sync/atomic"
)

// pollsPerYield is how often a goroutine polls, some 10 microseconds, before it
// lets those run that wait for a processor: the view pipeline's, for one.
const pollsPerYield = 1 << 13

// gate lets one goroutine wait for a condition that another makes true: it
// polls for a while, then sleeps on a channel.
type gate struct {
	asleep *atomic.Bool
	wake   chan struct{} // holds a token for a waiter that announced its sleep
}

func newGate() gate { return gate{new(atomic.Bool), make(chan struct{}, 1)} }

// open is called after the condition was made true. Whoever takes the asleep
// flag back decides: open owes the waiter a token, or the waiter needs none.
func (g gate) open() {
	if g.asleep.CompareAndSwap(true, false) {
		g.wake <- struct{}{}
	}
}

// wait returns when ready does; ready must stay true until wait returns. A
// token may be late: open of a condition that the waiter had seen while polling
// comes when it already waits for the next one.
func (g gate) wait(spin int, ready func() bool) {
	for i := range spin {
		if ready() {
			return
		}
		if i%pollsPerYield == pollsPerYield-1 {
			runtime.Gosched()
		}
	}
	for {
		g.asleep.Store(true)
		if ready() && g.asleep.CompareAndSwap(true, false) {
			return
		}
		<-g.wake
		if ready() {
			return // else it was a late token
		}
	}
}
