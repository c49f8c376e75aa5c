package dense

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"siameseim/crop"
	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/pipeline"
	"siameseim/views"
)

// Reach is how far, in patches of view 1 and between centres, a match may lie
// from the truth and still be right.
const Reach = 1.0

// A Located is what Locate found for one encoder.
type Located struct {
	Share Interval `json:"share"` // of the queries matched within Reach
	Error float64  `json:"error"` // median distance of a match from the truth, in patches of view 1
}

// A Location is the result of Locate.
type Location struct {
	Images  int   `json:"images"`  // whose views overlap
	Apart   int   `json:"apart"`   // whose views don't, which have no query
	Queries int   `json:"queries"` // patches of view 2 whose centre lies in view 1
	Bad     int64 `json:"bad"`     // samples left out

	// What needs no features: the expected share of a blind guess, and the share
	// of matching each patch with the one of the same row and column, which is
	// all that features of position alone can do.
	Chance    float64 `json:"chance"`
	SamePlace float64 `json:"same_place"`

	Encoders []Located `json:"encoders"` // in the order of Locate's argument
}

// Locate makes two views of each image of a stream and matches patches between
// them: a patch of view 2 whose centre lies within view 1 is matched with the
// patch of view 1 whose features have the largest cosine with its own (the first
// of equal ones). A match is right if the two patches' centres lie within Reach
// of each other, by the crops' exact geometry.
//
// cfg.Recipe says how the views are made; its size is the encoders'. cfg.Batch
// must be positive, cfg.Epochs too. Data without an image, without overlapping
// views, or features that aren't finite are errors.
func Locate(ctx context.Context, cfg pipeline.Config, threads *team.Team, seed uint64, encoders ...Encoder) (Location, error) {
	if err := checkEncoders(encoders, cfg.Recipe.Size); err != nil {
		return Location{}, fmt.Errorf("dense: locate: %w", err)
	}
	if err := checkEnd(ctx, cfg.Data); err != nil {
		return Location{}, fmt.Errorf("dense: locate: %w", err)
	}
	l := newLocator(threads, cfg.Batch, encoders)
	stream, err := pipeline.Start(ctx, cfg)
	if err != nil {
		return Location{}, err
	}
	defer stream.Close()
	for batch := range stream.Batches() {
		if err := l.add(batch); err != nil {
			return Location{}, fmt.Errorf("dense: locate: %w", err)
		}
		stream.Release(batch)
	}
	if err := stream.Err(); err != nil {
		return Location{}, err
	}
	r, err := l.result(seed)
	r.Bad = stream.Stats().Bad
	return r, err
}

// checkEncoders reports encoders that can't be compared.
func checkEncoders(encoders []Encoder, size int) error {
	if len(encoders) == 0 {
		return fmt.Errorf("no encoder")
	}
	for _, e := range encoders {
		if e.Size() != size || e.Grid() != encoders[0].Grid() {
			return fmt.Errorf("an encoder of %d pixels and %d x %d patches, the views have %d pixels and %d x %d patches",
				e.Size(), e.Grid(), e.Grid(), size, encoders[0].Grid(), encoders[0].Grid())
		}
	}
	return nil
}

// checkEnd reports built-in data without an end; it reads nothing.
func checkEnd(ctx context.Context, data []string) error {
	for _, url := range data {
		if strings.HasPrefix(url, "builtin:") {
			if _, _, err := pipeline.Count(ctx, []string{url}, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// locator sums up what add has seen.
type locator struct {
	threads  *team.Team
	encoders []Encoder
	grid     int
	levels   *[3][256]float32
	images   [2][]float32 // of each view: [batch, 3, S, S]
	features [2][]float32 // of each view: [batch, G*G, Dim]
	scratch  []workspace

	seen, apart int
	queries     []int       // of each image with overlap
	chance      []float64   // expected right ones of a blind guess, likewise
	same        []int       // right ones of the same row and column
	right       [][]int     // of each encoder: right ones
	errors      [][]float64 // of each encoder: of all queries
}

func newLocator(threads *team.Team, batch int, encoders []Encoder) *locator {
	size := encoders[0].Size()
	l := &locator{
		threads: threads, encoders: encoders, grid: encoders[0].Grid(),
		levels:  views.NormaliseTable(views.Mean, views.Std),
		scratch: make([]workspace, threads.Threads()),
		right:   make([][]int, len(encoders)),
		errors:  make([][]float64, len(encoders)),
	}
	widest := 0
	for _, e := range encoders {
		widest = max(widest, e.Dim())
	}
	cells := l.grid * l.grid
	for v := range 2 {
		l.images[v] = make([]float32, batch*3*size*size)
		l.features[v] = make([]float32, batch*cells*widest)
	}
	for i := range l.scratch {
		l.scratch[i].cosines = make([]float32, cells*cells)
	}
	return l
}

// A query is a patch of view 2 and where its centre lies in view 1's grid.
type query struct {
	cell     int
	row, col float64
}

// queriesOf lists the patches of view 2 of a batch's image i whose centres lie
// within view 1.
func (l *locator) queriesOf(b *views.Batch, i int) []query {
	place := func(view int) crop.Placement {
		c := b.Crop[i*8+view*4 : i*8+view*4+4]
		return crop.Placement{
			Box:  crop.Box{Top: int(c[0]), Left: int(c[1]), Height: int(c[2]), Width: int(c[3])},
			Flip: b.Flip[i*2+view] != 0,
		}
	}
	relative := crop.Relate(place(0), place(1), int(b.ImageSize[i*2+1]))
	var list []query
	limit := float64(l.grid) - .5
	for cell := range l.grid * l.grid {
		y, x := relative.PatchCentre(cell/l.grid, cell%l.grid, l.grid)
		if y >= -.5 && x >= -.5 && y <= limit && x <= limit {
			list = append(list, query{cell, y, x})
		}
	}
	return list
}

// distance is that of a patch of view 1 from the truth.
func (l *locator) distance(q query, cell int) float64 {
	return math.Hypot(q.row-float64(cell/l.grid), q.col-float64(cell%l.grid))
}

// workspace is what one thread has to itself.
type workspace struct {
	gemm    simd.Workspace
	cosines []float32 // [G*G, G*G]
	_       [64]byte  // keeps two threads' workspaces off one cache line
}

// add matches the patches of a batch.
func (l *locator) add(b *views.Batch) error {
	cells := l.grid * l.grid
	queries := make([][]query, b.Samples)
	var known []int // images with overlap
	for i := range b.Samples {
		if queries[i] = l.queriesOf(b, i); len(queries[i]) == 0 {
			l.apart++
			continue
		}
		known = append(known, i)
		chance, same := 0.0, 0
		for _, q := range queries[i] {
			for cell := range cells {
				if l.distance(q, cell) <= Reach {
					chance += 1 / float64(cells)
					if cell == q.cell {
						same++
					}
				}
			}
		}
		l.queries = append(l.queries, len(queries[i]))
		l.chance, l.same = append(l.chance, chance), append(l.same, same)
	}
	l.seen += b.Samples
	each := b.Size * b.Size * 3
	for v, pix := range [][]uint8{b.View1, b.View2} {
		for i := range b.Samples {
			views.Normalise(l.images[v][i*each:(i+1)*each], pix[i*each:(i+1)*each], l.levels)
		}
	}
	for e, encoder := range l.encoders {
		dim := encoder.Dim()
		for v := range l.features {
			features := l.features[v][:b.Samples*cells*dim]
			if err := encoder.Patches(features, l.images[v][:b.Samples*each], b.Samples); err != nil {
				return err
			}
			if bad := unit(features, dim); bad >= 0 {
				return fmt.Errorf("sample %q: features of patch %d of view %d aren't finite", b.Keys[bad/cells], bad%cells, v+1)
			}
		}
		found := make([][]float64, b.Samples) // distances, by image
		l.threads.Do(len(known), func(worker, lo, hi int) {
			for _, i := range known[lo:hi] {
				found[i] = l.match(&l.scratch[worker], queries[i], i, dim)
			}
		})
		for _, i := range known {
			right := 0
			for _, d := range found[i] {
				if d <= Reach {
					right++
				}
			}
			l.right[e] = append(l.right[e], right)
			l.errors[e] = append(l.errors[e], found[i]...)
		}
	}
	return nil
}

// match returns how far from the truth each query of image i is matched.
func (l *locator) match(w *workspace, queries []query, i, dim int) []float64 {
	cells := l.grid * l.grid
	view1, view2 := l.features[0][i*cells*dim:], l.features[1][i*cells*dim:]
	w.gemm.GemmNT(w.cosines, cells, view2, dim, view1, dim, cells, cells, dim, false)
	distances := make([]float64, len(queries))
	for n, q := range queries {
		distances[n] = l.distance(q, largest(w.cosines[q.cell*cells:(q.cell+1)*cells]))
	}
	return distances
}

// result sums up. The intervals are drawn from seed.
func (l *locator) result(seed uint64) (Location, error) {
	r := Location{Images: len(l.queries), Apart: l.apart}
	if l.seen == 0 {
		return r, fmt.Errorf("dense: locate: no samples")
	}
	if r.Images == 0 {
		return r, fmt.Errorf("dense: locate: the views of none of %d images overlap", l.seen)
	}
	for i, n := range l.queries {
		r.Queries += n
		r.Chance += l.chance[i]
		r.SamePlace += float64(l.same[i])
	}
	r.Chance /= float64(r.Queries)
	r.SamePlace /= float64(r.Queries)
	for e := range l.encoders {
		share := bootstrap(r.Images, seed, func(times []int) float64 {
			right, all := 0, 0
			for i, t := range times {
				right += t * l.right[e][i]
				all += t * l.queries[i]
			}
			return float64(right) / float64(all)
		})
		slices.Sort(l.errors[e])
		r.Encoders = append(r.Encoders, Located{share, l.errors[e][len(l.errors[e])/2]})
	}
	return r, nil
}
