package mathlib

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// near compares floats to a relative and absolute error of a few last bits.
var near = cmp.Options{cmpopts.EquateApprox(1e-13, 1e-13), cmpopts.EquateNaNs()}

// seeded makes the random inputs of a test the same each time.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// numbers are n random ones, with ties when step is not 0.
func numbers(r *rand.Rand, n int, step float64) []float64 {
	t := make([]float64, n)
	for i := range t {
		t[i] = r.NormFloat64()
		if step > 0 {
			t[i] = math.Round(t[i]/step) * step
		}
	}
	return t
}

type call struct {
	name string
	got  func() (any, error)
	want any // nil: an error that matches ErrArgument
}

func check(t *testing.T, calls []call) {
	t.Helper()
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.got()
			if c.want == nil {
				if !errors.Is(err, ErrArgument) {
					t.Fatalf("got %v, %v; want an argument error", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got, near); d != "" {
				t.Error(d)
			}
		})
	}
}

func of1(fn func([]float64) (float64, error), t ...float64) func() (any, error) {
	return func() (any, error) { return fn(t) }
}

func of2(fn func(a, b []float64) (float64, error), a, b []float64) func() (any, error) {
	return func() (any, error) { return fn(a, b) }
}

type list = []float64

func TestDescription(t *testing.T) {
	const huge = math.MaxFloat64
	percentile := func(p float64, t ...float64) func() (any, error) {
		return func() (any, error) { return Percentile(t, p) }
	}
	check(t, []call{
		{"mean", of1(Mean, 1, 2, 3, 4), 2.5},
		{"mean without cancellation", of1(Mean, 1e16, 1, -1e16), 1. / 3},
		{"mean without overflow", of1(Mean, huge, huge), huge},
		{"mean of nothing", of1(Mean), nil},
		{"variance", of1(Variance, 2, 4, 4, 4, 5, 5, 7, 9), 32. / 7},
		{"variance of one", of1(Variance, 5), 0.0},
		{"variance far from 0", of1(Variance, 1e9+4, 1e9+7, 1e9+13, 1e9+16), 30.0},
		{"variance of equal values", of1(Variance, 0.1, 0.1, 0.1), 0.0},
		{"variance of nothing", of1(Variance), nil},
		{"stddev", of1(StdDev, 1, 3), math.Sqrt2},
		{"stddev of nothing", of1(StdDev), nil},
		{"median, odd", of1(Median, 3, 1, 2), 2.0},
		{"median, even", of1(Median, 4, 1, 3, 2), 2.5},
		{"median of extremes", of1(Median, -huge, huge), 0.0},
		{"percentile 0", percentile(0, 3, 1, 2), 1.0},
		{"percentile 100", percentile(100, 3, 1, 2), 3.0},
		{"percentile between", percentile(30, 50, 15, 40, 20, 35), 23.0},
		{"percentile of one", percentile(77, 5), 5.0},
		{"percentile above 100", percentile(101, 1), nil},
		{"percentile below 0", percentile(-1e-9, 1), nil},
		{"percentile NaN", percentile(math.NaN(), 1), nil},
		{"percentile of nothing", percentile(50), nil},
		{"iqr", of1(IQR, 1, 2, 3, 4, 5, 6, 7, 8), 3.5},
		{"iqr of nothing", of1(IQR), nil},
		{"covariance", of2(Covariance, list{1, 2, 3, 4}, list{2, 4, 6, 9}), 23. / 6},
		{"covariance with a constant", of2(Covariance, list{0.1, 0.1, 0.1}, list{1, 2, 4}), 0.0},
		{"covariance of one", of2(Covariance, list{1}, list{2}), nil},
		{"covariance of unequal lengths", of2(Covariance, list{1, 2}, list{2}), nil},
		{"correlation", of2(Correlation, list{1, 2, 3}, list{3, 2, 1}), -1.0},
		{"correlation of tiny values", of2(Correlation, list{1e-200, 2e-200, 4e-200}, list{1, 2, 4}), 1.0},
		{"correlation of huge values", of2(Correlation, list{1e200, 2e200, 4e200}, list{1, 2, 4}), 1.0},
		{"correlation with a constant", of2(Correlation, list{1, 2}, list{4, 4}), nil},
	})
}

func TestHistogram(t *testing.T) {
	of := func(n int, t ...float64) func() (any, error) {
		return func() (any, error) { return Histogram(t, n) }
	}
	check(t, []call{
		{"whole numbers", of(2, 1, 2, 3), Bins{[]int64{1, 2}, list{1, 2, 3}}},
		{"tenths fall on their edges", of(10, 0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1),
			Bins{[]int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 2}, list{0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1}}},
		{"constant", of(2, 5, 5, 5), Bins{[]int64{3, 0}, list{5, 5.5, 6}}},
		{"range beyond a float", of(2, -math.MaxFloat64, 0, math.MaxFloat64),
			Bins{[]int64{1, 2}, list{-math.MaxFloat64, 0, math.MaxFloat64}}},
		{"range below a float", of(2, 0, 5e-324), Bins{[]int64{0, 2}, list{0, 0, 5e-324}}},
		{"no bins", of(0, 1), nil},
		{"nothing", of(3), nil},
	})
}

// Every value lies between the edges of its bin, whatever rounding did.
func TestHistogramCountsByEdges(t *testing.T) {
	r := seeded()
	for range 200 {
		x, n := numbers(r, 1+r.IntN(50), 0.1), 1+r.IntN(20)
		b, err := Histogram(x, n)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]int64, n)
		for _, v := range x {
			for i := n - 1; i >= 0; i-- {
				if v >= b.Edges[i] {
					want[i]++
					break
				}
			}
		}
		if b.Edges[0] == b.Edges[n] {
			continue
		}
		if d := cmp.Diff(want, b.Counts); d != "" && !constant(x) {
			t.Fatalf("%v in %d bins: %s", x, n, d)
		}
	}
}

func TestTransforms(t *testing.T) {
	mapping := func(fn func([]float64) ([]float64, error), t ...float64) func() (any, error) {
		return func() (any, error) { return fn(t) }
	}
	logit := func(p float64) func() (any, error) { return func() (any, error) { return Logit(p) } }
	window := func(n int, t ...float64) func() (any, error) {
		return func() (any, error) { return MovingAverage(t, n) }
	}
	weighted := func(alpha float64, t ...float64) func() (any, error) {
		return func() (any, error) { return EWMA(t, alpha) }
	}
	lagged := func(n int, t ...float64) func() (any, error) {
		return func() (any, error) { return Autocorrelation(t, n) }
	}
	const huge = math.MaxFloat64
	check(t, []call{
		{"softmax", mapping(Softmax, 0, math.Ln2), list{1. / 3, 2. / 3}},
		{"softmax of extremes", mapping(Softmax, -huge, huge), list{0, 1}},
		{"softmax of nothing", mapping(Softmax), nil},
		{"logsumexp", of1(LogSumExp, 0, 0), math.Ln2},
		{"logsumexp of large values", of1(LogSumExp, 1000, 1000), 1000 + math.Ln2},
		{"logsumexp of nothing", of1(LogSumExp), nil},
		{"log_normalize", mapping(LogNormalize, math.E-1, math.E*math.E-1), list{50, 100}},
		{"log_normalize of 0", mapping(LogNormalize, 1, 0), nil},
		{"logit", logit(0.9), math.Log(9)},
		{"logit near the middle", logit(0.5 + 0x1p-40), 0x1p-38},
		{"logit of a tiny chance", logit(1e-300), math.Log(1e-300)},
		{"logit of 0", logit(0), nil},
		{"logit of 1", logit(1), nil},
		{"moving average", window(2, 1, 2, 4), list{1.5, 3}},
		{"moving average of all", window(3, 1, 2, 6), list{3}},
		{"moving average after a large value", window(2, 1e17, 1, 2, 3), list{5e16 + 0.5, 1.5, 2.5}},
		{"moving average of huge values", window(2, huge, huge, huge), list{huge, huge}},
		{"window 0", window(0, 1), nil},
		{"window too long", window(2, 1), nil},
		{"ewma", weighted(0.5, 1, 2, 3, 4), list{1, 1.5, 2.25, 3.125}},
		{"ewma 0", weighted(0, 1, 2), list{1, 1}},
		{"ewma 1", weighted(1, 1, 2), list{1, 2}},
		{"ewma above 1", weighted(1.1, 1, 2), nil},
		{"ewma of nothing", weighted(0.5), nil},
		{"autocorrelation", lagged(1, 1, 2, 3, 4, 5), 0.4},
		{"autocorrelation at 0", lagged(0, 2, 2), 1.0},
		{"autocorrelation of huge values", lagged(1, 1e300, 2e300, 3e300), 0.0},
		{"autocorrelation of a constant", lagged(1, 2, 2, 2), nil},
		{"lag too long", lagged(3, 1, 2, 3), nil},
		{"lag below 0", lagged(-1, 1, 2, 3), nil},
	})
	for _, x := range []float64{-700, -20, -1, 0, 1e-9, 3, 30} {
		p := Expit(x)
		if back, err := Logit(p); err != nil || math.Abs(back-x) > 1e-3*math.Max(1, math.Abs(x)) {
			t.Errorf("logit(expit(%v)) = %v, %v", x, back, err)
		}
	}
	if Expit(1000) != 1 || Expit(-1000) != 0 || !math.IsNaN(Expit(math.NaN())) {
		t.Error("expit does not saturate")
	}
}
