package gallery

import (
	"math"
	"slices"

	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/views"
)

// neighbours fills in the images' nearest of the pool, but for themselves.
func (p *pool) neighbours(g *Gallery, chosen []int, count int, threads *team.Team) {
	table := p.features.Table()
	learned := func(_ []float32, i int) []float32 { return table.Data[i*table.Dim : (i+1)*table.Dim] }
	levels := views.NormaliseTable(views.Mean, views.Std)
	raw := func(buffer []float32, i int) []float32 {
		views.Normalise(buffer, p.items[i].Pix, levels)
		return buffer
	}
	threads.Do(len(chosen), func(_, lo, hi int) {
		mine, other := make([]float32, len(p.items[0].Pix)), make([]float32, len(p.items[0].Pix))
		for n := lo; n < hi; n++ {
			g.Images[n].Nearest = p.nearest(chosen[n], count, learned, mine, other)
			g.Images[n].NearestRaw = p.nearest(chosen[n], count, raw, mine, other)
		}
	})
}

// nearest returns the images of the largest cosine with image i, the first of
// equal ones first. row returns an image's features, in the buffer where they
// must be made.
func (p *pool) nearest(i, count int, row func(buffer []float32, i int) []float32, mine, other []float32) []Neighbour {
	query := row(mine, i)
	norm := func(x []float32) float64 { return math.Sqrt(simd.SumSquares(x)) }
	length := norm(query)
	var list []Neighbour
	for j := range p.items {
		if j == i {
			continue
		}
		candidate := row(other, j)
		cosine := 0.0
		if d := length * norm(candidate); d > 0 {
			cosine = float64(simd.Dot(query, candidate)) / d
		}
		list = append(list, Neighbour{p.items[j], float32(cosine)})
	}
	slices.SortStableFunc(list, func(a, b Neighbour) int {
		switch {
		case a.Cosine > b.Cosine:
			return -1
		case a.Cosine < b.Cosine:
			return 1
		}
		return 0
	})
	return list[:min(count, len(list))]
}
