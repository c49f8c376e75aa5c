package objective

import (
	"siameseim/internal/simd"
	"siameseim/trainer/nn"
)

// siameseIM is the model of SPEC sections 3 and 4: view 1's visible patches
// predict the target branch's tokens of view 2.
type siameseIM struct {
	cfg       Config
	batch     int
	m         *nn.Machine
	online    *branch
	predictor *predictor
	target    *branch
	relative  *nn.RelativeEmbedding
	loss      *denseLoss

	params, targetParams   []*nn.Param
	buffers, targetBuffers []nn.Buffer

	visible []int32   // [B, V] indices of view 1's visible patches
	places  []float32 // [B, N, 2Dd] relative embedding
	raw     []float32 // [B, N, Dd] the head's output
	answer  []float32 // [B, N, Dd] prediction as it enters the loss: raw, or its LayerNorm
	truth   []float32 // [B, N, Dd] target

	// LayerNorm of prediction and target: statistics [B*N], what runs, its rows.
	mean, rstd, targetMean, targetRstd            []float32
	projected, gradient                           []float32
	now                                           int // images of the last Forward
	normTarget, normPrediction, normPredictionOut func(worker, lo, hi int)
}

func newSiameseIM(cfg Config, batch int, m *nn.Machine, seed uint64) (*siameseIM, error) {
	s := &siameseIM{cfg: cfg, batch: batch, m: m}
	arena := new(nn.Arena)
	online := &nn.Builder{Machine: m, Arena: arena, Batch: batch, Train: true, Fill: nn.Seeded(seed)}
	s.online = newBranch(online, &cfg, cfg.Visible())
	s.predictor = newPredictor(online, &cfg)
	rows := batch * cfg.Patches()
	s.loss = newDenseLoss(online, cfg.DecoderDim, rows, cfg.Lambda)
	s.params, s.buffers = online.Params, online.Buffers

	target := &nn.Builder{Machine: m, Arena: arena, Batch: batch, Fill: nn.CopyOf(s.params)}
	s.target = newBranch(target, &cfg, cfg.Patches())
	s.targetParams, s.targetBuffers = target.Params, target.Buffers
	if err := target.Err(); err != nil {
		return nil, err
	}

	s.relative = nn.NewRelativeEmbedding(m, cfg.Grid(), cfg.DecoderDim, cfg.Relative)
	s.visible = make([]int32, batch*cfg.Visible())
	arena.Keep(&s.places, rows*2*cfg.DecoderDim)
	arena.Keep(&s.raw, rows*cfg.DecoderDim)
	arena.Keep(&s.truth, rows*cfg.DecoderDim)
	arena.Keep(&s.targetMean, rows)
	arena.Keep(&s.targetRstd, rows)
	if cfg.NormalisePrediction {
		arena.Keep(&s.answer, rows*cfg.DecoderDim)
		arena.Keep(&s.mean, rows)
		arena.Keep(&s.rstd, rows)
	}
	m.Plan(arena)
	arena.Allocate()
	if !cfg.NormalisePrediction {
		s.answer = s.raw
	}
	s.normTarget, s.normPrediction, s.normPredictionOut = s.normTargetImages, s.normPredictionRows, s.normPredictionGrad
	return s, nil
}

func (s *siameseIM) Params() []*nn.Param        { return s.params }
func (s *siameseIM) TargetParams() []*nn.Param  { return s.targetParams }
func (s *siameseIM) Buffers() []nn.Buffer       { return s.buffers }
func (s *siameseIM) TargetBuffers() []nn.Buffer { return s.targetBuffers }
func (s *siameseIM) Health() Health             { return s.loss.health() }
func (s *siameseIM) Prediction() []float32      { return s.answer[:s.now*s.cfg.Patches()*s.cfg.DecoderDim] }
func (s *siameseIM) Target() []float32          { return s.truth[:s.now*s.cfg.Patches()*s.cfg.DecoderDim] }
func (s *siameseIM) RelativeEmbedding() []float32 {
	return s.places[:s.now*s.cfg.Patches()*2*s.cfg.DecoderDim]
}

// Forward implements Model.
func (s *siameseIM) Forward(in *nn.Input, key nn.DropKey) (float64, error) {
	if err := s.check(in); err != nil {
		return 0, err
	}
	s.now = in.Batch
	defer s.m.Leave()
	s.m.Enter(nn.PhasePredictor)
	rows := in.Batch * s.cfg.Patches()
	s.listVisible(in)
	s.relative.Forward(s.places, in)

	s.projected = s.target.forward(in.View2, nil, in.Batch, key)
	s.m.Do(in.Batch, s.normTarget)

	projected := s.online.forward(in.View1, s.visible, in.Batch, key)
	s.m.Enter(nn.PhasePredictor)
	s.predictor.forward(s.raw, projected, s.visible, s.places, in.Batch, key)
	if s.cfg.NormalisePrediction {
		s.m.Do(rows, s.normPrediction)
	}
	s.m.Enter(nn.PhaseLoss)
	return s.loss.forward(s.answer, s.truth, rows), nil
}

// Backward implements Model.
func (s *siameseIM) Backward(scale float32) {
	defer s.m.Leave()
	s.m.Enter(nn.PhaseLoss)
	s.gradient = s.loss.backward(scale)
	s.m.Enter(nn.PhaseBackward)
	if s.cfg.NormalisePrediction {
		s.m.Do(s.now*s.cfg.Patches(), s.normPredictionOut)
	}
	s.predictor.backward(s.online.dprojected, s.gradient, s.places, s.now)
	s.online.backward(s.now)
}

// listVisible fills visible: the patches of each image that the mask leaves,
// in ascending order.
func (s *siameseIM) listVisible(in *nn.Input) {
	at := 0
	for i, masked := range in.Mask[:in.Batch*s.cfg.Patches()] {
		if masked == 0 {
			s.visible[at] = int32(i % s.cfg.Patches())
			at++
		}
	}
}

// normTargetImages drops the class token and normalises each other token.
func (s *siameseIM) normTargetImages(_, lo, hi int) {
	n, d := s.cfg.Patches(), s.cfg.DecoderDim
	for image := lo; image < hi; image++ {
		first := image * n
		tokens := s.projected[(first+image+1)*d:]
		simd.LayerNorm(s.truth[first*d:(first+n)*d], tokens[:n*d], nil, nil, d, lossEps,
			s.targetMean[first:first+n], s.targetRstd[first:first+n])
	}
}

func (s *siameseIM) normPredictionRows(_, lo, hi int) {
	d := s.cfg.DecoderDim
	simd.LayerNorm(s.answer[lo*d:hi*d], s.raw[lo*d:hi*d], nil, nil, d, lossEps, s.mean[lo:hi], s.rstd[lo:hi])
}

func (s *siameseIM) normPredictionGrad(_, lo, hi int) {
	d := s.cfg.DecoderDim
	g := s.gradient[lo*d : hi*d]
	simd.LayerNormBackward(g, g, s.raw[lo*d:hi*d], nil, s.mean[lo:hi], s.rstd[lo:hi], d)
}
