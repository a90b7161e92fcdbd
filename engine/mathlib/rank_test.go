package mathlib

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRanks(t *testing.T) {
	ranked := func(t ...float64) func() (any, error) { return func() (any, error) { return Rank(t) } }
	ndcg := func(k int, t ...float64) func() (any, error) {
		return func() (any, error) { return NDCG(t, k) }
	}
	negative0 := math.Copysign(0, -1)
	check(t, []call{
		{"rank", ranked(10, 30, 20, 20, 5), list{2, 5, 3.5, 3.5, 1}},
		{"zeros tie", ranked(0, negative0, 1), list{1.5, 1.5, 3}},
		{"rank of nothing", ranked(), nil},
		{"spearman", of2(Spearman, list{1, 2, 3, 4, 5}, list{5, 6, 7, 8, 7}), 0.8207826816681233},
		{"spearman of a constant", of2(Spearman, list{1, 1}, list{1, 2}), nil},
		{"spearman of one", of2(Spearman, list{1}, list{1}), nil},
		{"kendall", of2(KendallTau, list{1, 2, 3, 4, 5}, list{1, 3, 2, 5, 4}), 0.6},
		{"kendall with ties", of2(KendallTau, list{1, 2, 2, 3}, list{1, 2, 3, 3}), 0.8},
		{"kendall of a constant", of2(KendallTau, list{1, 1}, list{1, 2}), nil},
		{"kendall of zeros", of2(KendallTau, list{0, negative0}, list{1, 2}), nil},
		{"ndcg", ndcg(6, 3, 2, 3, 0, 1, 2), 0.9608081943360616},
		{"ndcg cut", ndcg(2, 1, 2, 3), 0.5307212739772434},
		{"ndcg beyond the list", ndcg(99, 3, 2, 1), 1.0},
		{"ndcg of none", ndcg(0, 1, 2), 0.0},
		{"ndcg without relevance", ndcg(2, 0, 0), 0.0},
		{"ndcg of nothing", ndcg(2), nil},
		{"ndcg below 0", ndcg(-1, 1), nil},
		{"mrr", of1(MRR, 1, 2, 5), 1.7 / 3},
		{"mrr of rank 0", of1(MRR, 1, 0), nil},
		{"mrr of a fraction", of1(MRR, 1.5), nil},
		{"mrr of nothing", of1(MRR), nil},
	})
}

// Knight's way counts what counting each pair counts.
func TestKendallByPairs(t *testing.T) {
	r := seeded()
	for range 300 {
		n := 2 + r.IntN(20)
		a, b := numbers(r, n, 0.5), numbers(r, n, 0.7)
		got, err := KendallTau(a, b)
		if constant(a) || constant(b) {
			if err == nil {
				t.Fatalf("%v %v: no error", a, b)
			}
			continue
		}
		var s, na, nb float64
		for i := range a {
			for j := range i {
				x, y := sign(a[i]-a[j]), sign(b[i]-b[j])
				s, na, nb = s+x*y, na+x*x, nb+y*y
			}
		}
		if want := s / math.Sqrt(na*nb); math.Abs(got-want) > 1e-14 {
			t.Fatalf("tau(%v, %v) = %v, want %v", a, b, got, want)
		}
	}
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

func TestPermutations(t *testing.T) {
	got, err := Permutations(3)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([][]int64{{1, 2, 3}, {2, 1, 3}, {3, 1, 2}, {1, 3, 2}, {2, 3, 1}, {3, 2, 1}}, got); d != "" {
		t.Error(d)
	}
	all, err := Permutations(8)
	if err != nil || len(all) != 40320 {
		t.Fatalf("%d orders of 8, %v", len(all), err)
	}
	seen := map[[8]int64]bool{}
	for _, p := range all {
		seen[[8]int64(p)] = true
	}
	if len(seen) != len(all) {
		t.Errorf("%d orders differ of %d", len(seen), len(all))
	}
	check(t, []call{
		{"of none", func() (any, error) { return Permutations(0) }, nil},
		{"of nine", func() (any, error) { return Permutations(9) }, nil},
	})
}

func TestEffects(t *testing.T) {
	adjusted := func(fn func([]float64) ([]float64, error), t ...float64) func() (any, error) {
		return func() (any, error) { return fn(t) }
	}
	check(t, []call{
		{"cohens_d", of2(CohensD, list{2, 3, 4}, list{1, 2, 3}), 1.0},
		{"cohens_d of unequal sizes", of2(CohensD, list{1, 2, 3, 4, 5}, list{2, 4, 6, 8}), -0.966091783079296},
		{"cohens_d with one constant side", of2(CohensD, list{1, 2}, list{3, 3}), -3.0},
		{"cohens_d of constants", of2(CohensD, list{2, 2}, list{5, 5}), nil},
		{"cohens_d of one", of2(CohensD, list{1}, list{1, 2}), nil},
		{"cliffs_delta", of2(CliffsDelta, list{1, 2}, list{1, 1}), 0.5},
		{"cliffs_delta of one", of2(CliffsDelta, list{3}, list{3}), 0.0},
		{"cliffs_delta of none", of2(CliffsDelta, list{}, list{1}), nil},
		{"holm", adjusted(Holm, 0.01, 0.04, 0.03), list{0.03, 0.06, 0.06}},
		{"holm ends at 1", adjusted(Holm, 0.5, 0.6, 0.9), list{1, 1, 1}},
		{"holm above 1", adjusted(Holm, 1.5), nil},
		{"holm of nothing", adjusted(Holm), nil},
		{"benjamini_hochberg", adjusted(BenjaminiHochberg, 0.01, 0.04, 0.03, 0.005), list{0.02, 0.04, 0.04, 0.02}},
		{"benjamini_hochberg below 0", adjusted(BenjaminiHochberg, -0.1), nil},
	})
	r := seeded()
	for range 100 {
		a, b := numbers(r, 1+r.IntN(20), 0.5), numbers(r, 1+r.IntN(20), 0.5)
		want := 0.0
		for _, x := range a {
			for _, y := range b {
				want += sign(x - y)
			}
		}
		want /= float64(len(a) * len(b))
		if got, err := CliffsDelta(a, b); err != nil || math.Abs(got-want) > 1e-14 {
			t.Fatalf("delta(%v, %v) = %v, %v; want %v", a, b, got, err, want)
		}
	}
}
