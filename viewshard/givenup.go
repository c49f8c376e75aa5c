package viewshard

import (
	"slices"
	"sync"

	"siameseim/pipeline"
)

// givenUp collects the shards that the pipeline gives up.
type givenUp struct {
	mu    sync.Mutex // the pipeline reports from a goroutine of its own
	names []string   // sorted
}

// giveUp makes the pipeline's reports pass by a collection that begins with
// before, those of an earlier part of the run.
func giveUp(c *Config, before []string) *givenUp {
	g := &givenUp{names: slices.Clone(before)}
	report := c.Pipeline.Report
	c.Pipeline.Report = func(b pipeline.Bad) {
		if b.Kind == pipeline.BadShard {
			g.add(b.Source)
		}
		if report != nil {
			report(b)
		}
	}
	return g
}

func (g *givenUp) add(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at, there := slices.BinarySearch(g.names, name); !there {
		g.names = slices.Insert(g.names, at, name)
	}
}

func (g *givenUp) list() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.names)
}
