package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// logEvery is how often progress is told where there is no terminal.
const logEvery = 30 * time.Second

// Progress shows how far a run is: a bar on a terminal, else a line every 30
// seconds. Its methods may be called from one goroutine only.
type Progress struct {
	w       io.Writer
	unit    string
	total   int64
	start   time.Time
	first   int64
	last    time.Time
	bars    *mpb.Progress
	bar     *mpb.Bar
	mu      sync.Mutex // guards note against the bar's own goroutine
	note    string
	started bool
}

// NewProgress returns a Progress on w towards total units ("steps", "pairs");
// total 0 means unknown. With quiet it shows nothing.
func NewProgress(w io.Writer, unit string, total int64, quiet bool) *Progress {
	p := &Progress{w: w, unit: unit, total: total}
	if quiet {
		p.w = nil
		return p
	}
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(16), mpb.WithRefreshRate(250*time.Millisecond))
	describe := decor.Any(func(decor.Statistics) string {
		p.mu.Lock()
		defer p.mu.Unlock()
		return "  " + p.note
	})
	p.bar = p.bars.New(total, mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─"),
		mpb.PrependDecorators(decor.CountersNoUnit("%d/%d "+unit+" ")),
		mpb.AppendDecorators(describe))
	return p
}

// Update says that done units are done and what else is worth a look (rate,
// loss). The first call sets where this run started, for the ETA.
func (p *Progress) Update(done int64, note string) {
	if p.w == nil {
		return
	}
	now := time.Now()
	if !p.started {
		p.started, p.start, p.last, p.first = true, now, now, done
	}
	if p.total > 0 && done > p.first {
		per := now.Sub(p.start) / time.Duration(done-p.first)
		note = fmt.Sprintf("ETA %v  %s", (per * time.Duration(p.total-done)).Round(time.Second), note)
	}
	if p.bar != nil {
		p.mu.Lock()
		p.note = note
		p.mu.Unlock()
		p.bar.SetCurrent(done)
		return
	}
	if now.Sub(p.last) >= logEvery {
		p.last = now
		p.line(done, note)
	}
}

func (p *Progress) line(done int64, note string) {
	if p.total > 0 {
		fmt.Fprintf(p.w, "%d/%d %s  %s\n", done, p.total, p.unit, note)
		return
	}
	fmt.Fprintf(p.w, "%d %s  %s\n", done, p.unit, note)
}

// Close ends the bar and leaves its last state on the screen.
func (p *Progress) Close() {
	if p.bar == nil {
		return
	}
	if !p.bar.Completed() {
		p.bar.Abort(false)
	}
	p.bars.Wait()
	p.bar = nil
}
