package nn

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"siameseim/internal/team"
)

// A chain of loops drawn at random ends with what the same loops give one after
// the other on one thread.
func TestChainEqualsLoopsInTurn(t *testing.T) {
	for _, threads := range []int{2, 3, 4} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) {
			workers := team.New(threads)
			defer workers.Close()
			m := NewMachine(workers, nil)
			rapid.Check(t, func(t *rapid.T) {
				images := rapid.IntRange(1, 40).Draw(t, "images")
				kinds := rapid.SliceOfN(rapid.SampledFrom([]string{"rows", "pairs", "columns", "now", "wait"}), 1, 20).Draw(t, "loops")
				want, got := newChained(images), newChained(images)
				for _, kind := range kinds {
					n, body := want.loop(kind)
					body(0, 0, n)
				}
				got.yield = true
				m.Begin(images)
				for i, kind := range kinds {
					switch n, body := got.loop(kind); kind {
					case "rows", "pairs":
						m.Rows(n, body)
					case "columns":
						m.Columns(n, body)
					case "now":
						m.Do(n, body)
						if !slices.Equal(got.made[i], want.made[i]) {
							t.Fatalf("loop %d has not ended after Do", i)
						}
					case "wait":
						if m.Wait(); i > 0 && !slices.Equal(got.made[i-1], want.made[i-1]) {
							t.Fatalf("loop %d has not ended after Wait", i-1)
						}
					}
				}
				m.End()
				for i := range kinds {
					if !slices.Equal(got.made[i], want.made[i]) {
						t.Fatalf("loop %d (%s) differs", i, kinds[i])
					}
				}
			})
		})
	}
}

// chained makes loops over images of chainRows rows of chainColumns numbers:
// each loop over rows makes new rows of those that the last one made.
type chained struct {
	images int
	rows   []uint32   // made last
	made   [][]uint32 // by each loop
	yield  bool
}

const chainRows, chainColumns = 6, 5

func newChained(images int) *chained {
	c := &chained{images: images, rows: make([]uint32, images*chainRows*chainColumns)}
	for i := range c.rows {
		c.rows[i] = uint32(i)
	}
	return c
}

// loop returns the next loop: its number of iterations and its body. "rows"
// makes each row of its image's next, "pairs" two rows of each other, "columns"
// and "now" sum columns of all rows.
func (c *chained) loop(kind string) (n int, body func(worker, lo, hi int)) {
	from, all := c.rows, c.images*chainRows
	var to []uint32
	var one func(i int)
	mix := func(row, other int) {
		for j := range chainColumns {
			to[row*chainColumns+j] = from[row*chainColumns+j]*31 + from[other*chainColumns+(j+1)%chainColumns]
		}
	}
	switch kind {
	case "rows":
		n, to = all, make([]uint32, len(from))
		one = func(i int) { mix(i, i-i%chainRows+(i+1)%chainRows) }
	case "pairs":
		n, to = all/2, make([]uint32, len(from))
		one = func(i int) { mix(2*i, 2*i+1); mix(2*i+1, 2*i) }
	case "columns", "now":
		n, to = chainColumns, make([]uint32, chainColumns)
		one = func(i int) {
			for row := range all {
				to[i] = to[i]*3 + from[row*chainColumns+i]
			}
		}
	}
	if kind == "rows" || kind == "pairs" {
		c.rows = to
	}
	c.made = append(c.made, to)
	return n, func(worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			if c.yield && (worker+i+len(to))%3 == 0 {
				runtime.Gosched()
			}
			one(i)
		}
	}
}
