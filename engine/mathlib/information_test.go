package mathlib

import (
	"math"
	"testing"
)

func TestInformation(t *testing.T) {
	half := list{0.5, 0.5}
	joint := func(rows ...list) func() (any, error) {
		return func() (any, error) { return MutualInformation(rows) }
	}
	moved := func(p, q, at list) func() (any, error) {
		return func() (any, error) { return Wasserstein(p, q, at) }
	}
	// A distance of 1e-9 between nearly equal distributions: √(1-Σ√pq) would give 0 or 1.5e-8.
	const e = 1e-9
	check(t, []call{
		{"entropy", of1(Entropy, 0.5, 0.5), math.Ln2},
		{"entropy of certainty", of1(Entropy, 1, 0), 0.0},
		{"sum within single precision", of1(Entropy, 0.5, 0.500002), 0.5*math.Ln2 - 0.500002*math.Log(0.500002)},
		{"sum beyond it", of1(Entropy, 0.5, 0.500004), nil},
		{"negative", of1(Entropy, -0.1, 1.1), nil},
		{"empty", of1(Entropy), nil},
		{"kl", of2(KLDivergence, half, list{0.9, 0.1}), math.Log(5. / 3)},
		{"kl of itself", of2(KLDivergence, list{0.2, 0.8}, list{0.2, 0.8}), 0.0},
		{"kl, infinite", of2(KLDivergence, half, list{1, 0}), math.Inf(1)},
		{"kl of unequal lengths", of2(KLDivergence, half, list{1}), nil},
		{"kl whose ratio overflows", of2(KLDivergence, half, list{1, 5e-324}), -math.Ln2 + 0.5*(0-math.Log(5e-324))},
		{"cross entropy", of2(CrossEntropy, list{1, 0}, half), math.Ln2},
		{"cross entropy, infinite", of2(CrossEntropy, half, list{1, 0}), math.Inf(1)},
		{"js", of2(JSDivergence, list{1, 0}, list{0, 1}), math.Ln2},
		{"js of itself", of2(JSDivergence, list{0.3, 0.7}, list{0.3, 0.7}), 0.0},
		{"tvd", of2(TVD, half, list{0.9, 0.1}), 0.4},
		{"hellinger", of2(Hellinger, list{1, 0}, list{0, 1}), 1.0},
		{"hellinger of neighbours", of2(Hellinger, half, list{0.5 + e, 0.5 - e}), e / math.Sqrt2},
		{"wasserstein", moved(list{1, 0, 0}, list{0, 0, 1}, nil), 2.0},
		{"wasserstein with positions", moved(list{1, 0}, list{0, 1}, list{-3, 4.5}), 7.5},
		{"wasserstein of one", moved(list{1}, list{1}, nil), 0.0},
		{"positions that repeat", moved(list{1, 0}, list{0, 1}, list{0, 0}), nil},
		{"too few positions", moved(list{1, 0}, list{0, 1}, list{0}), nil},
		{"mutual information", joint(list{0.5, 0}, list{0, 0.5}), math.Ln2},
		{"independence", joint(list{0.25, 0.25}, list{0.25, 0.25}), 0.0},
		{"ragged", joint(list{0.5, 0.5}, list{}), nil},
		{"no rows", joint(), nil},
		{"no columns", joint(list{}), nil},
		{"negative cell", joint(list{-0.5, 1.5}), nil},
		{"sum of 0.9", joint(list{0.5, 0.4}), nil},
	})
}

func TestCalibration(t *testing.T) {
	of := func(n int, c, o list) func() (any, error) {
		return func() (any, error) { return CalibrationError(c, o, n) }
	}
	check(t, []call{
		{"two bins", of(2, list{0.9, 0.8, 0.3, 0.1}, list{1, 1, 0, 0}), Calibration{ECE: 0.175, MCE: 0.2, Used: 2,
			Bins: []CalibrationBin{{2, 0.2, 0}, {2, 0.85, 1}}}},
		{"edges", of(2, list{0, 0.5, 1}, list{0, 1, 1}), Calibration{ECE: 1. / 6, MCE: 0.25, Used: 2,
			Bins: []CalibrationBin{{1, 0, 0}, {2, 0.75, 1}}}},
		{"an empty bin", of(3, list{0.1, 0.9}, list{0, 1}), Calibration{ECE: 0.1, MCE: 0.1, Used: 2,
			Bins: []CalibrationBin{{1, 0.1, 0}, {}, {1, 0.9, 1}}}},
		{"no bins", of(0, list{0.5}, list{1}), nil},
		{"confidence above 1", of(2, list{1.5}, list{1}), nil},
		{"outcome between", of(2, list{0.5}, list{0.5}), nil},
		{"unequal lengths", of(2, list{0.5}, list{1, 0}), nil},
		{"brier", of2(BrierScore, list{0.9, 0.8, 0.3, 0.1}, list{1, 1, 0, 0}), 0.0375},
		{"brier of nothing", of2(BrierScore, list{}, list{}), nil},
	})
}
