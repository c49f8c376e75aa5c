package optim

import (
	"fmt"

	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// EMA moves a momentum branch towards the online one.
type EMA struct {
	target, online []*nn.Param
	pieces         []piece
	weight         float32
	body           func(worker, lo, hi int)
}

// NewEMA pairs each of the target's parameters with the online one of its name; the online branch may have
// more. An error names a parameter without a partner of its size.
func NewEMA(target, online []*nn.Param) (*EMA, error) {
	byName := make(map[string]*nn.Param, len(online))
	for _, p := range online {
		byName[p.Name] = p
	}
	e := &EMA{target: target, pieces: split(target)}
	for _, p := range target {
		o, ok := byName[p.Name]
		if !ok || len(o.Data) != len(p.Data) {
			return nil, fmt.Errorf("optim: momentum branch: %s: the online branch has no parameter of that name and size", p.Name)
		}
		e.online = append(e.online, o)
	}
	e.body = func(_, lo, hi int) {
		for _, p := range e.pieces[lo:hi] {
			simd.Lerp(e.target[p.param].Data[p.lo:p.hi], e.online[p.param].Data[p.lo:p.hi], e.weight)
		}
	}
	return e, nil
}

// Update does target = momentum*target + (1-momentum)*online, as target += (1-momentum)*(online-target).
func (e *EMA) Update(t *team.Team, momentum float64) {
	e.weight = float32(1 - momentum)
	t.Do(len(e.pieces), e.body)
	for _, p := range e.target {
		p.Changed()
	}
}
