package mathlib

import (
	"slices"
	"sort"
)

// Bins is a histogram: Edges has one more element than Counts.
type Bins struct {
	Counts []int64
	Edges  []float64
}

// Histogram counts values in n bins of equal width from the least to the greatest. A bin holds
// its lower edge and not its upper one, but for the last, which holds both. Constant data fall
// in the first bin, and the edges are then 1/n apart.
func Histogram(t []float64, n int) (Bins, error) {
	if err := nonEmpty(t); err != nil {
		return Bins{}, err
	}
	if n < 1 {
		return Bins{}, badf("bins must be at least 1, got %d", n)
	}
	lo, hi := slices.Min(t), slices.Max(t)
	b := Bins{Counts: make([]int64, n), Edges: edges(lo, hi, n)}
	if lo == hi {
		b.Counts[0] = int64(len(t))
		return b, nil
	}
	perUnit := float64(n) / (hi - lo)
	for _, v := range t {
		b.Counts[b.find(v, (v-lo)*perUnit)]++
	}
	return b, nil
}

func edges(lo, hi float64, n int) []float64 {
	e := make([]float64, n+1)
	for i := range e {
		if f := float64(i) / float64(n); lo == hi {
			e[i] = lo + f
		} else {
			e[i] = between(lo, hi, f)
		}
	}
	if lo != hi {
		e[n] = hi
	}
	return e
}

// find returns the bin of v by the edges, so that counts and edges agree. The guess is its bin
// but for rounding, or beyond all bins where the range cannot be divided.
func (b Bins) find(v, guess float64) int {
	last := len(b.Counts) - 1
	lo, hi := 0, last+1
	if guess >= 0 && guess <= float64(last+1) {
		lo, hi = max(int(guess)-1, 0), min(int(guess)+2, last+1)
	}
	if v < b.Edges[lo] || v >= b.Edges[hi] {
		lo, hi = 0, last+1
	}
	i := lo + sort.Search(hi-lo, func(i int) bool { return v < b.Edges[lo+i+1] })
	return min(i, last)
}
