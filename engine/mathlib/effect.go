package mathlib

import (
	"math"
	"sort"
)

// CohensD returns the difference of means over the pooled sample standard deviation (Cohen 1988),
// without a correction for small samples. Both sides need 2 values, and one of them variance.
func CohensD(xs, ys []float64) (float64, error) {
	nx, ny := float64(len(xs)), float64(len(ys))
	if nx < 2 || ny < 2 {
		return 0, badf("needs at least 2 values on each side, got %d and %d", len(xs), len(ys))
	}
	if constant(xs) && constant(ys) {
		return 0, badf("zero variance: each side is constant")
	}
	pooled := ((nx-1)*variance(xs) + (ny-1)*variance(ys)) / (nx + ny - 2)
	return (mean(xs) - mean(ys)) / math.Sqrt(pooled), nil
}

// CliffsDelta returns (pairs with x > y less pairs with x < y) over all pairs (Cliff 1993), in
// O(n log n).
func CliffsDelta(xs, ys []float64) (float64, error) {
	if len(xs) == 0 || len(ys) == 0 {
		return 0, badf("needs at least 1 value on each side")
	}
	s := sorted(ys)
	var above, below int
	for _, x := range xs {
		lo := sort.SearchFloat64s(s, x)
		above += lo
		below += len(s) - lo - sort.Search(len(s)-lo, func(i int) bool { return s[lo+i] > x })
	}
	return float64(above-below) / (float64(len(xs)) * float64(len(ys))), nil
}

// Holm adjusts p-values so that the chance of any false discovery is bounded (Holm 1979). The
// result is in the order of the input.
func Holm(ps []float64) ([]float64, error) {
	if err := pValues(ps); err != nil {
		return nil, err
	}
	out, least := make([]float64, len(ps)), 0.0
	for k, i := range order(ps) {
		least = max(least, min(1, float64(len(ps)-k)*ps[i]))
		out[i] = least
	}
	return out, nil
}

// BenjaminiHochberg adjusts p-values so that the expected share of false discoveries is bounded
// (Benjamini and Hochberg 1995). The result is in the order of the input.
func BenjaminiHochberg(ps []float64) ([]float64, error) {
	if err := pValues(ps); err != nil {
		return nil, err
	}
	idx, out, most := order(ps), make([]float64, len(ps)), 1.0
	for k := len(idx) - 1; k >= 0; k-- {
		most = min(most, float64(len(ps))/float64(k+1)*ps[idx[k]])
		out[idx[k]] = most
	}
	return out, nil
}

func pValues(ps []float64) error {
	if err := nonEmpty(ps); err != nil {
		return err
	}
	for i, p := range ps {
		if !(p >= 0 && p <= 1) {
			return badf("element %d is not a p-value, it must lie in 0..1: %v", i+1, p)
		}
	}
	return nil
}
