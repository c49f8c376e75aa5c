package objective

import (
	"math"

	"siameseim/internal/simd"
	"siameseim/trainer/nn"
)

// wholeViews is the model of the objectives that compare two whole views of an
// image by a projection of their class tokens (SPEC section 8): SimCLR,
// MoCo-v3, BYOL and SimSiam. Rows are views: the first views of all images,
// then the second ones.
type wholeViews struct {
	cfg       Config
	batch     int
	m         *nn.Machine
	online    *embedder
	predictor *nn.Head  // nil: the projection itself is compared
	target    *embedder // nil: no momentum branch
	loss      rowLoss
	q, k      *unitRows // prediction and target; one for simclr
	collapse  *spread

	params, targetParams   []*nn.Param
	buffers, targetBuffers []nn.Buffer

	projected  []float32 // [2B, out] the online branch's projections
	dpredicted []float32 // [2B, out]
	dprojected []float32 // [2B, out], with a predictor only
	now        int       // images of the last Forward
	unit       func(worker, lo, hi int)
}

// rowLoss compares 2B unit rows q with as many k.
type rowLoss interface {
	// forward returns the loss of images images, the mean over ranks.
	forward(q, k *unitRows, images int) float64
	// backward fills grad [2B, out] with scale times the gradient of the rows
	// of q before they were divided by their norms. Once after each forward.
	backward(grad []float32, scale float64)
}

func newWholeViews(cfg Config, batch int, m *nn.Machine, seed uint64) (*wholeViews, error) {
	s := &wholeViews{cfg: cfg, batch: batch, m: m}
	arena, rows := new(nn.Arena), 2*batch
	online := &nn.Builder{Machine: m, Arena: arena, Batch: rows, Train: true, Fill: nn.Seeded(seed)}
	s.online = newEmbedder(online, &cfg)
	s.q = newUnitRows(arena, rows, cfg.HeadOut)
	s.k = s.q
	arena.Keep(&s.dpredicted, rows*cfg.HeadOut)
	if cfg.Objective != SimCLR {
		s.predictor = nn.NewHead(online, cfg.predictor(rows))
		s.k = newUnitRows(arena, rows, cfg.HeadOut)
		arena.Keep(&s.dprojected, rows*cfg.HeadOut)
	}
	switch cfg.Objective {
	case SimCLR:
		s.loss = newNTXent(online, batch, cfg.HeadOut, cfg.Temperature)
	case MoCoV3:
		s.loss = newContrastLoss(online, batch, cfg.HeadOut, cfg.Temperature)
	case BYOL:
		s.loss = newCosineLoss(m, batch, 2, 2)
	case SimSiam:
		s.loss = newCosineLoss(m, batch, 0, .5)
	}
	s.collapse = newSpread(online, rows, cfg.HeadOut)
	s.params, s.buffers = online.Params, online.Buffers
	if cfg.Momentum() {
		target := &nn.Builder{Machine: m, Arena: arena, Batch: rows, Fill: nn.CopyOf(s.params)}
		s.target = newEmbedder(target, &cfg)
		s.targetParams, s.targetBuffers = target.Params, target.Buffers
		if err := target.Err(); err != nil {
			return nil, err
		}
	}
	m.Plan(arena)
	arena.Allocate()
	s.unit = s.unitRange
	return s, nil
}

func (s *wholeViews) Params() []*nn.Param          { return s.params }
func (s *wholeViews) TargetParams() []*nn.Param    { return s.targetParams }
func (s *wholeViews) Buffers() []nn.Buffer         { return s.buffers }
func (s *wholeViews) TargetBuffers() []nn.Buffer   { return s.targetBuffers }
func (s *wholeViews) RelativeEmbedding() []float32 { return nil }
func (s *wholeViews) Prediction() []float32        { return s.q.unit[:2*s.now*s.cfg.HeadOut] }

// Target implements Model: nil for simclr, whose rows are compared with each
// other.
func (s *wholeViews) Target() []float32 {
	if s.k == s.q {
		return nil
	}
	return s.k.unit[:2*s.now*s.cfg.HeadOut]
}

// Forward implements Model.
func (s *wholeViews) Forward(in *nn.Input, key nn.DropKey) (float64, error) {
	if err := s.cfg.checkInput(in, s.batch); err != nil {
		return 0, err
	}
	s.now = in.Batch
	defer s.m.Leave()
	if s.target != nil {
		s.k.raw = s.target.forward(in, key)
	}
	s.projected = s.online.forward(in, key)
	s.q.raw = s.projected
	if s.predictor != nil {
		s.m.Enter(nn.PhasePredictor)
		s.q.raw = s.predictor.Forward(s.projected, 2*in.Batch)
	}
	if s.cfg.Objective == SimSiam {
		s.k.raw = s.projected
	}
	s.m.Enter(nn.PhaseLoss)
	s.m.Do(2*in.Batch, s.unit)
	return s.loss.forward(s.q, s.k, in.Batch), nil
}

func (s *wholeViews) unitRange(_, lo, hi int) {
	s.q.fill(lo, hi)
	if s.k != s.q {
		s.k.fill(lo, hi)
	}
}

// Backward implements Model.
func (s *wholeViews) Backward(scale float32) {
	defer s.m.Leave()
	s.m.Enter(nn.PhaseLoss)
	s.loss.backward(s.dpredicted, float64(scale))
	s.m.Enter(nn.PhaseBackward)
	grad := s.dpredicted
	if s.predictor != nil {
		s.predictor.Backward(s.dprojected, grad, s.projected, 2*s.now)
		grad = s.dprojected
	}
	s.online.backward(grad, s.now)
}

// Health implements Model. The rows have length 1: their deviation, times the
// root of their width, is near 1 where they point everywhere.
func (s *wholeViews) Health() Health {
	return s.collapse.health(s.q.unit, s.k.unit, 2*s.now)
}

// spread measures how far unit rows spread.
type spread struct {
	m            *nn.Machine
	width        int
	moments      []float64 // [2, width]
	gram         []float32 // [rows, rows]
	squares      []float64 // [rows] of the gram matrix
	x            []float32
	rows         int
	columns, dot func(worker, lo, hi int)
}

func newSpread(b *nn.Builder, rows, width int) *spread {
	p := &spread{m: b.Machine, width: width, moments: make([]float64, 2*width), squares: make([]float64, rows)}
	mark := b.Arena.Mark()
	b.Arena.Scratch(&p.gram, rows*rows)
	b.Arena.Rewind(mark)
	p.columns, p.dot = p.measureColumns, p.dotRows
	return p
}

func (p *spread) health(prediction, target []float32, rows int) Health {
	h := Health{PredictionStd: p.deviation(prediction, rows), TargetStd: p.deviation(target, rows)}
	// |C|^2 is that of the rows' products, of which there are fewer than of
	// channels; tr C is 1.
	p.x = target
	p.m.Do(rows, p.dot)
	if squares := sum(p.squares[:rows]); squares > 0 {
		h.Rank = float64(rows) * float64(rows) / squares
	}
	return h
}

func (p *spread) deviation(x []float32, rows int) float64 {
	p.x, p.rows = x, rows
	p.m.Do(p.width, p.columns)
	return math.Sqrt(sum(p.moments[p.width:]))
}

func (p *spread) measureColumns(_, lo, hi int) {
	simd.ColumnMoments(p.moments[lo:hi], p.moments[p.width+lo:p.width+hi], p.x[lo:], p.rows, hi-lo, p.width)
}

func (p *spread) dotRows(worker, lo, hi int) {
	w, n := p.width, p.rows
	gram := p.gram[lo*n : hi*n]
	p.m.Gemm(worker).GemmNT(gram, n, p.x[lo*w:hi*w], w, p.x, w, hi-lo, n, w, false)
	for i := lo; i < hi; i++ {
		p.squares[i] = simd.SumSquares(gram[(i-lo)*n : (i-lo+1)*n])
	}
}
