package objective

import "siameseim/trainer/nn"

// cosineLoss is BYOL's and SimSiam's (SPEC section 8): over the 2B rows of both
// views, q the prediction of a view and k the target of the same image's other,
//
//	loss = sum(constant - weight * cos(q, k)) / B
//
// without a gradient for k. Cosines are computed in float64.
type cosineLoss struct {
	m                *nn.Machine
	constant, weight float64

	q, k       *unitRows
	images     int
	rows       []float64 // [2B] the rows' losses
	grad       []float32
	scale      float64
	each, back func(worker, lo, hi int)
}

func newCosineLoss(m *nn.Machine, batch int, constant, weight float64) *cosineLoss {
	l := &cosineLoss{m: m, constant: constant, weight: weight, rows: make([]float64, 2*batch)}
	l.each, l.back = l.eachRow, l.backRows
	return l
}

func (l *cosineLoss) forward(q, k *unitRows, images int) float64 {
	l.q, l.k, l.images = q, k, images
	l.m.Do(2*images, l.each)
	return meanOverRanks(l.m, sum(l.rows[:2*images])/float64(images))
}

func (l *cosineLoss) eachRow(_, lo, hi int) {
	for i := lo; i < hi; i++ {
		l.rows[i] = l.constant - float64(l.weight*l.q.cosine(i, l.k, partner(i, l.images)))
	}
}

func (l *cosineLoss) backward(grad []float32, scale float64) {
	l.grad, l.scale = grad, -l.weight*scale/float64(l.images)
	l.m.Do(2*l.images, l.back)
}

func (l *cosineLoss) backRows(_, lo, hi int) {
	for i := lo; i < hi; i++ {
		grad := l.q.row(l.grad, i)
		copy(grad, l.k.row(l.k.unit, partner(i, l.images)))
		l.q.backward(grad, i, l.scale)
	}
}

// partner returns the row of the same image's other view.
func partner(row, images int) int {
	if row < images {
		return row + images
	}
	return row - images
}

func sum(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total
}

// meanOverRanks returns the mean of the ranks' losses.
func meanOverRanks(m *nn.Machine, loss float64) float64 {
	ranks := m.Reducer().Ranks()
	if ranks == 1 {
		return loss
	}
	total := []float64{loss}
	m.Reducer().SumFloat64(total)
	return total[0] / float64(ranks)
}
