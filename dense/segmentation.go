package dense

import (
	"context"
	"fmt"
	"math"

	"siameseim/evaluate"
	"siameseim/internal/team"
	"siameseim/pipeline"
	"siameseim/views"
)

// segmentBatch is how many images go through an encoder at once.
const segmentBatch = 32

// segmentation is a Segment under way.
type segmentation struct {
	Segmenter
	threads           *team.Team
	encoders          []Encoder
	size, grid, patch int

	// The batch that read fills.
	images   []float32   // [batch, 3, S, S]
	masks    []uint8     // [batch, S, S]
	patches  []uint8     // [batch, G*G, patch*patch]: masks, patch by patch
	features [][]float32 // of each encoder: unit rows [batch*G*G, Dim]

	bank    *bank
	known   [256]bool // classes of training masks, then of test masks too
	index   [256]int  // of each training class in classes
	classes []int     // of training masks, rising
	shares  []float32 // [bank, classes]
	common  int       // index of the commonest training class

	train, test int
	bad         int64
	scores      [][]score // of each encoder, then of the majority: one an image
}

func newSegmentation(o Segmenter, threads *team.Team, seed uint64, encoders []Encoder) *segmentation {
	s := &segmentation{
		Segmenter: o, threads: threads, encoders: encoders,
		size: encoders[0].Size(), grid: encoders[0].Grid(),
		scores: make([][]score, len(encoders)+1),
	}
	s.patch = s.size / s.grid
	s.images = make([]float32, segmentBatch*3*s.size*s.size)
	s.masks = make([]uint8, segmentBatch*s.size*s.size)
	s.patches = make([]uint8, segmentBatch*s.size*s.size)
	for _, e := range encoders {
		s.features = append(s.features, make([]float32, segmentBatch*s.grid*s.grid*e.Dim()))
	}
	s.bank = newBank(o.Bank, s.patch*s.patch, seed, len(encoders))
	return s
}

// read streams images and masks through all encoders and calls use for each
// batch of n of them.
func (s *segmentation) read(ctx context.Context, cfg pipeline.Config, use func(n int)) error {
	if err := checkEnd(ctx, cfg.Data); err != nil {
		return err
	}
	cfg.Recipe, cfg.Epochs, cfg.Batch = views.PlainRecipe(s.size), 1, 0
	stream, err := pipeline.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer stream.Close()
	var find masks
	levels := views.NormaliseTable(views.Mean, views.Std)
	area, total := s.size*s.size, 0
	keys := make([]string, 0, segmentBatch)
	flush := func() error {
		if len(keys) == 0 {
			return nil
		}
		if err := s.encode(keys); err != nil {
			return err
		}
		use(len(keys))
		total += len(keys)
		keys = keys[:0]
		return nil
	}
	for item := range stream.Items() {
		height, width := item.Record.Image.Height, item.Record.Image.Width
		mask, err := find.of(item.Sample, height, width)
		if err != nil {
			return fmt.Errorf("%s: sample %q: %w", item.Sample.Source, item.Sample.Key, err)
		}
		at := len(keys)
		cut(s.masks[at*area:(at+1)*area], mask, s.size, width, item.Params.View1.Placement())
		views.Normalise(s.images[at*3*area:(at+1)*3*area], item.View1.Pix, levels)
		keys = append(keys, item.Sample.Key)
		stream.Recycle(item)
		if len(keys) == segmentBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	s.bad += stream.Stats().Bad
	if total == 0 {
		return fmt.Errorf("no samples")
	}
	return nil
}

// encode fills features and patches for the images of these keys.
func (s *segmentation) encode(keys []string) error {
	n, cells := len(keys), s.grid*s.grid
	for e, encoder := range s.encoders {
		rows := s.features[e][:n*cells*encoder.Dim()]
		if err := encoder.Patches(rows, s.images[:n*3*s.size*s.size], n); err != nil {
			return err
		}
		if bad := unit(rows, encoder.Dim()); bad >= 0 {
			return fmt.Errorf("sample %q: features of patch %d aren't finite", keys[bad/cells], bad%cells)
		}
	}
	at := 0
	for i := range n {
		mask := s.masks[i*s.size*s.size:]
		for cell := range cells {
			for y := range s.patch {
				from := (cell/s.grid*s.patch+y)*s.size + cell%s.grid*s.patch
				at += copy(s.patches[at:at+s.patch], mask[from:])
			}
		}
	}
	return nil
}

// learn offers the batch's patches to the bank, but for those without a class.
func (s *segmentation) learn(n int) {
	s.train += n
	pixels := s.patch * s.patch
	for i := range n * s.grid * s.grid {
		classes, void := s.patches[i*pixels:(i+1)*pixels], true
		for _, c := range classes {
			if c != Void {
				s.known[c], void = true, false
			}
		}
		if void {
			continue
		}
		if at := s.bank.place(); at >= 0 {
			s.bank.put(at, classes, func(e int) []float32 {
				dim := s.encoders[e].Dim()
				return s.features[e][i*dim : (i+1)*dim]
			})
		}
	}
}

// learned closes the bank.
func (s *segmentation) learned() error {
	for c, ok := range s.known {
		if ok {
			s.index[c] = len(s.classes)
			s.classes = append(s.classes, c)
		}
	}
	if len(s.classes) < 2 {
		return fmt.Errorf("the masks of %d images have %d class", s.train, len(s.classes))
	}
	s.shares = s.bank.shares(&s.index, len(s.classes))
	sums := make([]float32, len(s.classes))
	for i, v := range s.shares {
		sums[i%len(sums)] += v
	}
	s.common = largest(sums)
	return nil
}

// judge segments the batch's images and scores them.
func (s *segmentation) judge(n int) {
	s.test += n
	area, cells, classes := s.size*s.size, s.grid*s.grid, len(s.classes)
	truth := s.masks[:n*area]
	for _, c := range truth {
		if c != Void {
			s.known[c] = true
		}
	}
	for e, encoder := range s.encoders {
		votes := make([]float32, n*cells*classes)
		evaluate.Nearest(s.bank.rows[e], s.features[e][:n*cells*encoder.Dim()], encoder.Dim(), s.K, s.threads,
			func(_, query int, nearest []evaluate.Neighbour) {
				s.vote(votes[query*classes:(query+1)*classes], nearest)
			})
		batch := make([]score, n)
		s.threads.Do(n, func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				image := votes[i*cells*classes : (i+1)*cells*classes]
				batch[i] = s.score(truth[i*area:(i+1)*area], s.patches[i*area:(i+1)*area],
					func(cell int) int { return s.classes[largest(image[cell*classes:(cell+1)*classes])] },
					s.paint(image))
			}
		})
		s.scores[e] = append(s.scores[e], batch...)
	}
	all := func(int) int { return s.classes[s.common] }
	for i := range n {
		s.scores[len(s.encoders)] = append(s.scores[len(s.encoders)],
			s.score(truth[i*area:(i+1)*area], s.patches[i*area:(i+1)*area], all, all))
	}
}

// vote writes the neighbours' weighted mean share of each class.
func (s *segmentation) vote(dst []float32, nearest []evaluate.Neighbour) {
	// Relative to the nearest, so that no weight overflows at a low temperature.
	top, total := float64(nearest[0].Cosine), 0.0
	for _, n := range nearest {
		weight := math.Exp((float64(n.Cosine) - top) / s.Temperature)
		total += weight
		shares := s.shares[int(n.Row)*len(dst) : (int(n.Row)+1)*len(dst)]
		for j, v := range shares {
			dst[j] += float32(weight * float64(v))
		}
	}
	for j := range dst {
		dst[j] = float32(float64(dst[j]) / total)
	}
}

// paint returns the function from a pixel to its class: the largest of the
// votes [G*G, classes], interpolated between the centres of patches; beyond the
// outer centres the edge's hold.
func (s *segmentation) paint(votes []float32) func(pixel int) int {
	classes := len(s.classes)
	at := make([]float32, classes)
	along := func(i int) (lo, hi int, share float32) {
		centre := (float64(i)+.5)/float64(s.patch) - .5
		centre = min(max(centre, 0), float64(s.grid-1))
		lo = int(centre)
		return lo, min(lo+1, s.grid-1), float32(centre - float64(lo))
	}
	return func(pixel int) int {
		top, bottom, down := along(pixel / s.size)
		left, right, over := along(pixel % s.size)
		a, b := votes[(top*s.grid+left)*classes:], votes[(top*s.grid+right)*classes:]
		c, d := votes[(bottom*s.grid+left)*classes:], votes[(bottom*s.grid+right)*classes:]
		for j := range at {
			// The conversions keep a compiler from fusing products and sums.
			upper := a[j] + float32(over*(b[j]-a[j]))
			lower := c[j] + float32(over*(d[j]-c[j]))
			at[j] = upper + float32(down*(lower-upper))
		}
		return s.classes[largest(at)]
	}
}
