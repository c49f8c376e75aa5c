package pipeline

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"

	"siameseim/views"
)

// Names of an epoch's random streams, whose key is empty: no sample's.
const (
	streamShards = "order.shards" // the permutation of the sources
	streamBuffer = "order.buffer" // draws from the shuffle buffer
	streamFolder = "order.folder" // followed by the source's position: the permutation of a folder's files
)

// order gives the samples of one epoch in the order that docs/design.md
// defines. It is for one goroutine.
type order struct {
	ctx     context.Context
	wg      *sync.WaitGroup
	cfg     *Config
	sources *sources
	epoch   int

	list  []int     // sources of this rank, in this epoch's order, still to be opened
	slots []*stream // sources that are read in turn
	turn  int       // slot of the next sample

	buffer  []entry // the shuffle buffer
	draw    *rand.Rand
	drained bool // every source is at its end
}

// newOrder begins an epoch. Its readers end with ctx and are counted in wg.
func newOrder(ctx context.Context, wg *sync.WaitGroup, cfg *Config, s *sources, epoch int) *order {
	o := &order{ctx: ctx, wg: wg, cfg: cfg, sources: s, epoch: epoch}
	o.list = share(shardOrder(cfg, len(s.urls), epoch), cfg.Rank, cfg.World)
	o.draw = views.Stream(cfg.Seed, epoch, "", streamBuffer)
	for range min(cfg.Interleave, len(o.list)) {
		o.slots = append(o.slots, o.openNext())
	}
	return o
}

// shardOrder returns the positions of n sources in the order of an epoch, for
// all ranks together.
func shardOrder(cfg *Config, n, epoch int) []int {
	if cfg.Shuffle > 0 {
		return views.Stream(cfg.Seed, epoch, "", streamShards).Perm(n)
	}
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// share returns every world-th element of list from rank on.
func share(list []int, rank, world int) []int {
	var mine []int
	for i := rank; i < len(list); i += world {
		mine = append(mine, list[i])
	}
	return mine
}

func (o *order) openNext() *stream {
	i := o.list[0]
	o.list = o.list[1:]
	var permute *rand.Rand
	if o.cfg.Shuffle > 0 {
		permute = views.Stream(o.cfg.Seed, o.epoch, "", fmt.Sprintf("%s %d", streamFolder, i))
	}
	return o.sources.open(o.ctx, o.wg, i, permute)
}

// close ends the readers that are still open.
func (o *order) close() {
	for _, st := range o.slots {
		st.cancel()
	}
	o.slots = nil
}

// next returns the following sample of the epoch, or io.EOF after the last. A
// *shardError is final for its shard only: the next call goes on without it.
func (o *order) next() (entry, error) {
	for !o.drained && len(o.buffer) < max(o.cfg.Shuffle, 1) {
		e, err := o.interleaved()
		if err == io.EOF {
			o.drained = true
		} else if err != nil {
			return entry{}, err
		} else if o.cfg.Shuffle == 0 {
			return e, nil
		} else {
			o.buffer = append(o.buffer, e)
		}
	}
	n := len(o.buffer)
	if n == 0 {
		return entry{}, io.EOF
	}
	i := o.draw.IntN(n)
	e := o.buffer[i]
	o.buffer[i] = o.buffer[n-1]
	o.buffer[n-1] = entry{}
	o.buffer = o.buffer[:n-1]
	return e, nil
}

// interleaved takes the next sample of the slot whose turn it is. A source at
// its end gives its slot, and its turn, to the next one in the list.
func (o *order) interleaved() (entry, error) {
	for len(o.slots) > 0 {
		source := o.slots[o.turn]
		e, err := source.next(o.ctx)
		if err == nil {
			o.turn = (o.turn + 1) % len(o.slots)
			return e, nil
		}
		if o.ctx.Err() != nil {
			return entry{}, o.ctx.Err()
		}
		if len(o.list) > 0 {
			o.slots[o.turn] = o.openNext()
		} else {
			o.slots = append(o.slots[:o.turn], o.slots[o.turn+1:]...)
			if o.turn == len(o.slots) {
				o.turn = 0
			}
		}
		if err != io.EOF {
			return entry{}, &shardError{source.url, err}
		}
	}
	return entry{}, io.EOF
}

// shardError marks the error of one source that could not be read to its end.
type shardError struct {
	source string
	err    error
}

func (e *shardError) Error() string { return e.err.Error() }
func (e *shardError) Unwrap() error { return e.err }
