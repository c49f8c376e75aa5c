package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"

	"siameseim/internal/shapes"
	"siameseim/webdataset"
)

// entry is one sample as its source gives it: the bytes of files, or the
// number of a picture that a worker has yet to draw.
type entry struct {
	sample *webdataset.Sample // Fields empty if drawn
	set    *shapes.Set        // not nil: sample.Index is the picture's number in it
}

// sources is the expanded list of what is read.
type sources struct {
	urls []string
	sets []*shapes.Set // by position; nil for shards and folders
	opt  webdataset.Options
}

func expand(specs []string) (*sources, error) {
	urls, err := webdataset.Expand(specs)
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	s := &sources{urls: urls, sets: make([]*shapes.Set, len(urls))}
	stdin := false
	for i, url := range urls {
		switch {
		case url == "-" && stdin:
			return nil, &ConfigError{errors.New("standard input is given twice")}
		case url == "-":
			stdin = true
		case strings.HasPrefix(url, "builtin:"):
			set, err := shapes.Parse(url)
			if err != nil {
				return nil, fmt.Errorf("pipeline: %w", err)
			}
			s.sets[i] = &set
		}
	}
	return s, nil
}

// Sources returns the sources that data (specs as Config.Data) name, in their
// order.
func Sources(data []string) ([]string, error) {
	s, err := expand(data)
	if err != nil {
		return nil, err
	}
	return s.urls, nil
}

// once reports whether a source can be read only once.
func (s *sources) once() bool {
	for _, url := range s.urls {
		if url == "-" {
			return true
		}
	}
	return false
}

// Count returns the number of samples in the data (specs as Config.Data) and
// the bytes of their fields, by one pass over the headers. An endless built-in
// set and standard input are errors, and so are commands unless allowPipe.
func Count(ctx context.Context, data []string, allowPipe bool) (samples, sizeBytes int64, err error) {
	s, err := expand(data)
	if err != nil {
		return 0, 0, err
	}
	for i, url := range s.urls {
		n, size := int64(0), int64(0)
		if set := s.sets[i]; set == nil {
			n, size, err = webdataset.Count(ctx, url, webdataset.Options{AllowPipe: allowPipe})
		} else if n = set.Count; n == 0 {
			err = fmt.Errorf("pipeline: %s: the set is endless; give it a count", url)
		}
		if err != nil {
			return 0, 0, err
		}
		samples, sizeBytes = samples+n, sizeBytes+size
	}
	return samples, sizeBytes, nil
}

// stream is one open source, read ahead by a goroutine of its own so that
// decompression of the interleaved shards runs in parallel.
type stream struct {
	url    string
	ch     chan entry
	err    error // set before ch is closed; nil at the source's end
	cancel context.CancelFunc
}

// readAhead is how many samples of an open source wait in memory.
const readAhead = 4

// open starts to read source i. The goroutine, counted in wg, ends with the
// source, with ctx or with close.
func (s *sources) open(ctx context.Context, wg *sync.WaitGroup, i int, permute *rand.Rand) *stream {
	ctx, cancel := context.WithCancel(ctx)
	st := &stream{url: s.urls[i], ch: make(chan entry, readAhead), cancel: cancel}
	wg.Go(func() {
		defer close(st.ch)
		defer cancel()
		if set := s.sets[i]; set != nil {
			st.err = draw(ctx, st.ch, set)
			return
		}
		opt := s.opt
		opt.Permute = permute
		st.err = read(ctx, st.ch, s.urls[i], opt)
	})
	return st
}

// next returns the following entry, io.EOF at the source's end, or what went
// wrong.
func (st *stream) next(ctx context.Context) (entry, error) {
	select {
	case e, ok := <-st.ch:
		if ok {
			return e, nil
		}
		if st.err == nil {
			return entry{}, io.EOF
		}
		return entry{}, st.err
	case <-ctx.Done():
		return entry{}, ctx.Err()
	}
}

func read(ctx context.Context, ch chan<- entry, url string, opt webdataset.Options) (err error) {
	r, err := webdataset.Open(ctx, url, opt)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := r.Close(); err == nil {
			err = closeErr
		}
	}()
	for {
		sample, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case ch <- entry{sample: sample}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func draw(ctx context.Context, ch chan<- entry, set *shapes.Set) error {
	url := set.String()
	for i := int64(0); set.Count == 0 || i < set.Count; i++ {
		e := entry{sample: &webdataset.Sample{Key: set.Key(i), Source: url, Index: i}, set: set}
		select {
		case ch <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
