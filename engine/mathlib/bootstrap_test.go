package mathlib

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func times(draws int64, confidence float64) Resampling {
	return Resampling{Draws: draws, Seed: 42, Confidence: confidence}
}

func TestBootstrap(t *testing.T) {
	ctx := t.Context()
	r := times(2000, 0.95)
	x := make([]float64, 20)
	for i := range x {
		x[i] = float64(i + 1)
	}
	b, err := BootstrapMean(ctx, x, r)
	if err != nil {
		t.Fatal(err)
	}
	// A normal interval of the mean: 2·1.96·σ/√n with σ = 5.766.
	if b.Point != 10.5 || math.Abs(b.Upper-b.Lower-5.05) > 0.4 || b.Used != 2000 || b.Undefined != 0 || b.Units != 20 {
		t.Errorf("%+v", b)
	}
	again, err := BootstrapMean(ctx, x, r)
	if err != nil || again != b {
		t.Errorf("the same seed gives %+v, %v", again, err)
	}
	other, err := BootstrapMean(ctx, x, Resampling{Draws: 2000, Seed: 43, Confidence: 0.95})
	if err != nil || other == b {
		t.Errorf("another seed gives the same %+v, %v", other, err)
	}
	width := -1.0
	for _, c := range []float64{0, 0.5, 0.9, 1} {
		b, err := BootstrapMean(ctx, x, times(500, c))
		if err != nil || b.Upper-b.Lower <= width {
			t.Errorf("confidence %v: %+v, %v", c, b, err)
		}
		if width = b.Upper - b.Lower; c == 0 && width != 0 {
			t.Errorf("confidence 0 gives %+v", b)
		}
	}
	y := []float64{0, 2, 1, 4, 5, 7, 6, 8, 8, 9, 11, 10, 13, 12, 15, 15, 17, 18, 18, 19}
	d := make([]float64, len(x))
	for i := range d {
		d[i] = x[i] - y[i]
	}
	p, err1 := PairedBootstrapDiff(ctx, x, y, r)
	m, err2 := BootstrapMean(ctx, d, r)
	if err1 != nil || err2 != nil || p != m {
		t.Errorf("pairs %+v, differences %+v", p, m)
	}
}

func TestClusterBootstrap(t *testing.T) {
	ctx, r := t.Context(), times(1000, 0.95)
	mean := func(by ...list) func() (any, error) {
		return func() (any, error) { return ClusterBootstrapMean(ctx, by, r) }
	}
	diff := func(a, b []list) func() (any, error) {
		return func() (any, error) { return ClusterBootstrapDiff(ctx, a, b, r) }
	}
	ratio := func(a, b []list) func() (any, error) {
		return func() (any, error) { return ClusterBootstrapRatio(ctx, a, b, r) }
	}
	check(t, []call{
		{"mean by size", mean(list{1, 1, 1, 1}, list{6}), Bootstrap{Point: 2, Lower: 1, Upper: 6, Used: 1000, Units: 2}},
		{"one cluster", mean(list{1, 2}), nil},
		{"no clusters", mean(), nil},
		{"no observations", mean(list{}, list{}), nil},
		{"difference", diff([]list{{2, 3}, {5}}, []list{{1, 2}, {4}}), Bootstrap{Point: 1, Lower: 1, Upper: 1, Used: 1000, Units: 2}},
		{"difference of unequal numbers", diff([]list{{1}, {2}}, []list{{1}}), nil},
		{"ratio of sums", ratio([]list{{1}, {1, 1}}, []list{{4}, {1}}), Bootstrap{Point: 0.6, Lower: 0.25, Upper: 2, Used: 1000, Units: 2}},
		{"ratio over less than 0", ratio([]list{{1}, {2}}, []list{{-1}, {-3}}), Bootstrap{Point: -0.75, Lower: -1, Upper: -2. / 3, Used: 1000, Units: 2}},
		{"ratio over 0", ratio([]list{{1}, {2}}, []list{{1}, {-1}}), nil},
	})
	// Half of the clusters are empty: a quarter of the draws has no observation.
	b, err := ClusterBootstrapMean(ctx, []list{{1}, {}}, r)
	if err != nil || b.Used+b.Undefined != 1000 || math.Abs(float64(b.Undefined)-250) > 60 {
		t.Errorf("%+v, %v", b, err)
	}
	b, err = ClusterBootstrapRatio(ctx, []list{{1}, {2}}, []list{{0}, {2}}, r)
	if err != nil || math.Abs(float64(b.Undefined)-250) > 60 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestResamplingErrors(t *testing.T) {
	ctx := t.Context()
	mean := func(x list, r Resampling) func() (any, error) {
		return func() (any, error) { return BootstrapMean(ctx, x, r) }
	}
	permute := func(a, b list, draws int64, alt Alternative) func() (any, error) {
		return func() (any, error) { return PermutationTest(ctx, a, b, draws, 1, alt) }
	}
	two := list{1, 2}
	check(t, []call{
		{"of nothing", mean(list{}, times(10, 0.9)), nil},
		{"of one", mean(list{3}, times(10, 0.9)), nil},
		{"no draws", mean(two, times(0, 0.9)), nil},
		{"too many draws", mean(two, times(MaxDraws+1, 0.9)), nil},
		{"confidence above 1", mean(two, times(10, 95)), nil},
		{"confidence NaN", mean(two, times(10, math.NaN())), nil},
		{"pairs of unequal lengths", func() (any, error) { return PairedBootstrapDiff(ctx, two, list{1}, times(10, 0.9)) }, nil},
		{"permutation of nothing", permute(list{}, two, 10, TwoSided), nil},
		{"permutation without draws", permute(two, two, 0, TwoSided), nil},
		{"permutation to a side unknown", permute(two, two, 10, "sideways"), nil},
	})
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := BootstrapMean(gone, make([]float64, 1000), times(1000, 0.9)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled bootstrap: %v", err)
	}
	if _, err := PermutationTest(gone, make([]float64, 1000), make([]float64, 1000), 1000, 1, Less); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled permutation test: %v", err)
	}
}

func TestPermutationTest(t *testing.T) {
	ctx := t.Context()
	low, high := list{1, 2, 3, 4, 5}, list{11, 12, 13, 14, 15}
	for _, tt := range []struct {
		name       string
		xs, ys     list
		alt        Alternative
		from, upTo float64 // p
	}{
		{"two-sided, exactly 2/252", low, high, TwoSided, 0.006, 0.0105},
		{"less, exactly 1/252", low, high, Less, 0.0025, 0.006},
		{"greater, exactly 1", low, high, Greater, 1, 1},
		{"greater, the other way", high, low, Greater, 0.0025, 0.006},
		{"one against one", list{1}, list{2}, TwoSided, 1, 1},
		{"ties but for rounding", list{0.1, 0.2, 0.3}, list{0.2, 0.3, 0.1}, TwoSided, 1, 1},
		{"equal values", list{2, 2}, list{2, 2}, TwoSided, 1, 1},
		{"a small first group", list{1000}, ramp(199), TwoSided, 0.003, 0.0075},
		{"a small second group", ramp(199), list{1000}, TwoSided, 0.003, 0.0075},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := PermutationTest(ctx, tt.xs, tt.ys, 20000, 1, tt.alt)
			if err != nil || p.P < tt.from || p.P > tt.upTo {
				t.Errorf("%+v, %v", p, err)
			}
			if want := float64(1+p.Extreme) / 20001; p.P != want || p.Draws != 20000 {
				t.Errorf("%+v: p is not %v", p, want)
			}
			if want := mean(tt.xs) - mean(tt.ys); p.Observed != want {
				t.Errorf("observed %v, want %v", p.Observed, want)
			}
		})
	}
	// p-values under the null hypothesis are spread evenly.
	r, counts := seeded(), map[int]float64{}
	for range 400 {
		p, err := PermutationTest(ctx, numbers(r, 6, 0), numbers(r, 9, 0), 199, r.Uint64(), TwoSided)
		if err != nil {
			t.Fatal(err)
		}
		counts[min(int(p.P*4), 3)]++
	}
	fair(t, "p-values", counts, 4, 100)
}

func ramp(n int) list {
	t := make(list, n)
	for i := range t {
		t[i] = float64(i + 1)
	}
	return t
}

// Functions leave their arguments as they were.
func TestArgumentsAreKept(t *testing.T) {
	x, y := list{3, 1, 2, 2}, list{9, 7, 8, 7}
	ctx := t.Context()
	for name, fn := range map[string]func() error{
		"percentile":  func() error { _, err := Percentile(x, 30); return err },
		"rank":        func() error { _, err := Rank(x); return err },
		"kendall":     func() error { _, err := KendallTau(x, y); return err },
		"ks":          func() error { _, err := KSTest(x, y); return err },
		"ndcg":        func() error { _, err := NDCG(x, 3); return err },
		"u":           func() error { _, err := MannWhitneyU(x, y, true); return err },
		"delta":       func() error { _, err := CliffsDelta(x, y); return err },
		"permutation": func() error { _, err := PermutationTest(ctx, x, y, 100, 1, TwoSided); return err },
		"bootstrap":   func() error { _, err := BootstrapMean(ctx, x, times(100, 0.9)); return err },
		"softmax":     func() error { _, err := Softmax(x); return err },
	} {
		if err := fn(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff([]list{{3, 1, 2, 2}, {9, 7, 8, 7}}, []list{x, y}); d != "" {
			t.Fatalf("%s changed its arguments: %s", name, d)
		}
	}
}
