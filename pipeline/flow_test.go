package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"siameseim/webdataset"
)

// A consumer that takes nothing stops the readers: what has been read stays
// below shuffle buffer, read-ahead, window and batches.
func TestSlowConsumer(t *testing.T) {
	const count = 400
	var b bytes.Buffer
	w := webdataset.NewWriter(&b)
	for i := range count {
		if err := w.Write(&webdataset.Sample{Key: fmt.Sprintf("%04d", i), Fields: []webdataset.Field{
			{Name: "png", Data: pngOf(t, i)}, {Name: "txt", Data: make([]byte, 1<<17)}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	in := &counting{in: bytes.NewReader(b.Bytes()), read: make(chan int, 1)}
	in.read <- 0
	cfg := smallConfig([]string{"-"})
	cfg.Stdin, cfg.Batch, cfg.Shuffle, cfg.Window = in, 4, 10, 8
	p, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	last := -1
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		n := in.total()
		if n == last && n > 0 {
			break
		}
		last = n
	}
	// One batch waits, one is full, one is begun; two samples of slack for buffers.
	if most := (10 + 8 + 3*4 + readAhead + 3) * (1<<17 + 2048); last > most {
		t.Errorf("%d of %d bytes read, at most %d expected", last, b.Len(), most)
	}
}

type counting struct {
	in   io.Reader
	read chan int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.read <- <-c.read + n
	return n, err
}

func (c *counting) total() int {
	n := <-c.read
	c.read <- n
	return n
}

func TestCancelInEveryPhase(t *testing.T) {
	paths := writeShards(t, []int{20, 20, 20}, nil)
	for taken := range 8 {
		for _, byClose := range []bool{false, true} {
			ctx, cancel := context.WithCancel(context.Background())
			cfg := smallConfig(paths)
			cfg.Epochs, cfg.Batch = 0, taken%3 // items, too
			if taken == 7 {
				cfg.Data, cfg.Epochs = []string{"-"}, 1
				in, out := io.Pipe()
				defer out.Close()
				cfg.Stdin = in
			}
			p, err := Start(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			for range min(taken, 6) {
				if taken == 7 {
					break
				}
				if cfg.Batch > 0 {
					p.Release(<-p.Batches())
				} else {
					p.Recycle(<-p.Items())
				}
			}
			if byClose {
				p.Close()
			} else {
				cancel()
			}
			for range p.Batches() {
			}
			for range p.Items() {
			}
			if p.Err() != context.Canceled {
				t.Errorf("%d taken: %v", taken, p.Err())
			}
			p.Close()
			cancel()
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p, err := Start(ctx, smallConfig(paths))
	if err != nil {
		t.Fatal(err)
	}
	for range p.Batches() {
	}
	if !errors.Is(p.Err(), context.Canceled) {
		t.Error(p.Err())
	}
	p.Close()
}
