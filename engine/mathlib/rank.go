package mathlib

import (
	"cmp"
	"math"
	"slices"
)

// order returns the indices of t in ascending order of their values; equal values keep theirs.
func order(t []float64) []int {
	idx := make([]int, len(t))
	for i := range idx {
		idx[i] = i
	}
	slices.SortStableFunc(idx, func(i, j int) int { return cmp.Compare(t[i], t[j]) })
	return idx
}

// ties calls fn with the bounds of each run of equal values in the order idx; runs of one count.
func ties(t []float64, idx []int, fn func(from, to int)) {
	for i := 0; i < len(idx); {
		j := i + 1
		for j < len(idx) && t[idx[j]] == t[idx[i]] {
			j++
		}
		fn(i, j)
		i = j
	}
}

// Rank returns each value's rank, 1 for the least; equal values share the mean of theirs.
func Rank(t []float64) ([]float64, error) {
	if err := nonEmpty(t); err != nil {
		return nil, err
	}
	return rank(t), nil
}

func rank(t []float64) []float64 {
	idx, out := order(t), make([]float64, len(t))
	ties(t, idx, func(from, to int) {
		for _, i := range idx[from:to] {
			out[i] = float64(from+1+to) / 2
		}
	})
	return out
}

// Spearman returns the rank correlation: Pearson's coefficient of the ranks.
func Spearman(a, b []float64) (float64, error) {
	if err := paired(a, b, 2); err != nil {
		return 0, err
	}
	return Correlation(rank(a), rank(b))
}

// KendallTau returns tau-b, which corrects for ties, in O(n log n) (Knight 1966). A side whose
// values are all equal is an error.
func KendallTau(a, b []float64) (float64, error) {
	if err := paired(a, b, 2); err != nil {
		return 0, err
	}
	if constant(a) || constant(b) {
		return 0, badf("all values of one side are tied")
	}
	idx := order(a)
	var tiedA, tiedBoth int64
	ties(a, idx, func(from, to int) {
		run := idx[from:to]
		tiedA += pairs(len(run))
		slices.SortStableFunc(run, func(i, j int) int { return cmp.Compare(b[i], b[j]) })
		ties(b, run, func(from, to int) { tiedBoth += pairs(to - from) })
	})
	ys := make([]float64, len(b))
	for k, i := range idx {
		ys[k] = b[i]
	}
	discordant := inversions(ys, make([]float64, len(ys)))
	var tiedB int64
	ties(b, order(b), func(from, to int) { tiedB += pairs(to - from) })
	all := pairs(len(a))
	concordant := all - tiedA - tiedB + tiedBoth - discordant
	root := math.Sqrt(float64(all-tiedA)) * math.Sqrt(float64(all-tiedB))
	return min(max(float64(concordant-discordant)/root, -1), 1), nil
}

func pairs(n int) int64 { return int64(n) * int64(n-1) / 2 }

// inversions sorts ys by merging and counts the pairs that stood in the wrong order.
func inversions(ys, spare []float64) int64 {
	if len(ys) < 2 {
		return 0
	}
	mid := len(ys) / 2
	n := inversions(ys[:mid], spare[:mid]) + inversions(ys[mid:], spare[mid:])
	copy(spare, ys)
	l, r := spare[:mid], spare[mid:]
	for k := range ys {
		if len(r) == 0 || len(l) > 0 && l[0] <= r[0] {
			ys[k], l = l[0], l[1:]
		} else {
			ys[k], r = r[0], r[1:]
			n += int64(len(l))
		}
	}
	return n
}

// NDCG returns the normalized discounted cumulative gain of the first k relevances, with linear
// gain and the discount log2(position + 1) (Järvelin and Kekäläinen 2002). The ideal order is that
// of the whole list. A k beyond the list is its length; k 0, or an ideal of 0, gives 0.
func NDCG(relevance []float64, k int) (float64, error) {
	if err := nonEmpty(relevance); err != nil {
		return 0, err
	}
	if k < 0 {
		return 0, badf("k must not be negative, got %d", k)
	}
	best := sorted(relevance)
	slices.Reverse(best)
	k = min(k, len(best))
	ideal := discounted(best[:k])
	if ideal == 0 {
		return 0, nil
	}
	return discounted(relevance[:k]) / ideal, nil
}

func discounted(t []float64) float64 {
	var a accumulator
	for i, v := range t {
		a.add(v / math.Log2(float64(i+2)))
	}
	return a.value()
}

// MRR returns the mean of 1/rank; each rank is a whole number of at least 1.
func MRR(ranks []float64) (float64, error) {
	if err := nonEmpty(ranks); err != nil {
		return 0, err
	}
	var a accumulator
	for i, r := range ranks {
		if r < 1 || r != math.Trunc(r) {
			return 0, badf("element %d must be a rank, a whole number of at least 1, got %v", i+1, r)
		}
		a.add(1 / r)
	}
	return a.value() / float64(len(ranks)), nil
}

// maxPermuted is the most elements that [Permutations] orders: 40320 results.
const maxPermuted = 8

// Permutations returns all orders of 1..n, n in 1..8, as Heap's algorithm meets them (Heap 1963,
// the iterative form).
func Permutations(n int) ([][]int64, error) {
	if n < 1 || n > maxPermuted {
		return nil, badf("n must lie in 1..%d, got %d", maxPermuted, n)
	}
	p := make([]int64, n)
	for i := range p {
		p[i] = int64(i + 1)
	}
	out := [][]int64{slices.Clone(p)}
	for count, i := make([]int, n), 0; i < n; {
		if count[i] >= i {
			count[i] = 0
			i++
			continue
		}
		j := 0
		if i%2 == 1 {
			j = count[i]
		}
		p[i], p[j] = p[j], p[i]
		out = append(out, slices.Clone(p))
		count[i]++
		i = 0
	}
	return out, nil
}
