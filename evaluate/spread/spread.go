// Package spread measures features without labels: how near two views of an
// image lie (Alignment) and how evenly images fill the sphere (Uniformity; both
// Wang and Isola, "Understanding Contrastive Representation Learning through
// Alignment and Uniformity on the Hypersphere", ICML 2020), and how many
// dimensions they use (RankMe; Garrido et al., ICML 2023). All three see a
// collapse that the loss may hide.
//
// Results are the same for any machine's number of threads: everything is
// summed in the rows' order, in float64.
package spread

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"siameseim/evaluate"
	"siameseim/internal/simd"
)

// Alignment is the mean over rows of |a - b|^2, for rows a and b divided by
// their norms: 0 where both views of every image have the same features, 2
// where they have nothing in common, at most 4. Row i of both tables is the
// same image; tables that don't fit each other are an error.
func Alignment(a, b *evaluate.Table) (float64, error) {
	x, err := unit(a)
	if err != nil {
		return 0, err
	}
	y, err := unit(b)
	if err != nil {
		return 0, err
	}
	if a.Dim != b.Dim || a.Rows() != b.Rows() {
		return 0, fmt.Errorf("spread: alignment: %d rows of %d and %d rows of %d", a.Rows(), a.Dim, b.Rows(), b.Dim)
	}
	var sum float64
	for i, v := range x {
		d := float64(v) - float64(y[i])
		sum += float64(d * d)
	}
	return sum / float64(a.Rows()), nil
}

// uniformityScale is t in the potential exp(-t |x - y|^2), the paper's choice.
const uniformityScale = 2

// Uniformity is the logarithm of the mean over all pairs of different rows of
// exp(-2 |x - y|^2), for rows divided by their norms: 0 where all are the same,
// near -4 where they fill a sphere of many dimensions evenly. It takes at least
// two rows.
func Uniformity(t *evaluate.Table) (float64, error) {
	x, err := unit(t)
	if err != nil {
		return 0, err
	}
	n, dim := t.Rows(), t.Dim
	if n < 2 {
		return 0, fmt.Errorf("spread: uniformity: %d rows make no pair", n)
	}
	const block = 128
	var w simd.Workspace
	cosines := make([]float32, min(block, n)*n)
	var sum float64
	for first := 0; first < n; first += block {
		rows := min(block, n-first)
		w.GemmNT(cosines, n, x[first*dim:], dim, x, dim, rows, n, dim, false)
		for i := range rows {
			for _, cosine := range cosines[i*n+first+i+1 : (i+1)*n] {
				distance := max(2-2*float64(cosine), 0)
				sum += math.Exp(-uniformityScale * distance)
			}
		}
	}
	pairs := float64(n) * float64(n-1) / 2
	return math.Log(sum / pairs), nil
}

// rankMeEps is added to each share of the singular values, as in the paper.
const rankMeEps = 1e-7

// RankMe is the exponential of the entropy of the singular values of the
// features [N, Dim] as shares of their sum: between 1 and min(N, Dim), the
// number of dimensions that the features use evenly.
func RankMe(t *evaluate.Table) (float64, error) {
	if err := check(t); err != nil {
		return 0, err
	}
	data := make([]float64, len(t.Data))
	for i, v := range t.Data {
		data[i] = float64(v)
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(t.Rows(), t.Dim, data), mat.SVDNone) {
		return 0, fmt.Errorf("spread: rank of %d rows of %d features: the singular values don't converge", t.Rows(), t.Dim)
	}
	values := svd.Values(nil)
	var total, entropy float64
	for _, v := range values {
		total += v
	}
	if total == 0 {
		return 1, nil // all zero: one point
	}
	for _, v := range values {
		share := v/total + rankMeEps
		entropy -= share * math.Log(share)
	}
	return math.Exp(entropy), nil
}

// check reports tables without rows and features that aren't finite.
func check(t *evaluate.Table) error {
	if t.Dim <= 0 || t.Rows() == 0 || len(t.Data) != t.Rows()*t.Dim {
		return fmt.Errorf("spread: %d values for %d rows of %d features", len(t.Data), t.Rows(), t.Dim)
	}
	for i, v := range t.Data {
		if v-v != 0 {
			return fmt.Errorf("spread: feature %d of row %d is %v", i%t.Dim, i/t.Dim, v)
		}
	}
	return nil
}

// unit checks a table and returns its rows divided by their norms.
func unit(t *evaluate.Table) ([]float32, error) {
	if err := check(t); err != nil {
		return nil, err
	}
	return t.Unit(), nil
}
