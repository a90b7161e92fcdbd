package mathlib

import (
	"math"
	"testing"
)

func TestHypotheses(t *testing.T) {
	welch := func(a, b list) func() (any, error) { return func() (any, error) { return WelchTTest(a, b) } }
	u := func(ties bool, a, b list) func() (any, error) {
		return func() (any, error) { return MannWhitneyU(a, b, ties) }
	}
	chi2 := func(o, e list) func() (any, error) { return func() (any, error) { return ChiSquaredTest(o, e) } }
	ks := func(a, b list) func() (any, error) { return func() (any, error) { return KSTest(a, b) } }
	wilson := func(k, n, c float64) func() (any, error) {
		return func() (any, error) { return WilsonCI(k, n, c) }
	}
	inf, nan := math.Inf(1), math.NaN()
	check(t, []call{
		{"welch", welch(list{1, 2, 3, 4, 5}, list{2, 4, 6, 8, 10}), TTest{-1.8973665961010275, 5.882352941176471, 0.10753119493062731}},
		{"welch with one constant side", welch(list{1, 2}, list{5, 5}), TTest{-7, 1, 2 / math.Pi * math.Atan(1./7)}},
		{"welch of equal means", welch(list{1, 2}, list{2, 1}), TTest{0, 2, 1}},
		{"welch of constants", welch(list{1, 1}, list{2, 2}), nil},
		{"welch of one", welch(list{1}, list{1, 2}), nil},
		{"u", u(false, list{1, 2, 3}, list{4, 5, 6}), UTest{0, -1.963961012123931, 0.04953461343562619}},
		{"u, the other way", u(false, list{4, 5, 6}, list{1, 2, 3}), UTest{0, -1.963961012123931, 0.04953461343562619}},
		{"u with ties", u(true, list{1, 2, 2, 3}, list{2, 3, 4, 5}), UTest{2.5, -1.6371865339158649, 0.10159149986165278}},
		{"u of equal values", u(false, list{1, 1}, list{1, 1}), UTest{2, 0, 1}},
		{"u of equal values with ties", u(true, list{1, 1}, list{1, 1}), nil},
		{"u of none", u(false, list{}, list{1}), nil},
		{"chi squared", chi2(list{10, 20, 30}, list{20, 20, 20}), Chi2Test{10, 2, math.Exp(-5)}},
		{"chi squared, expecting 0", chi2(list{1, 2}, list{0, 1}), nil},
		{"chi squared of one", chi2(list{1}, list{1}), nil},
		{"ks", ks(list{1, 2, 3, 4}, list{3, 4, 5, 6}), KSResult{0.5, 0.5344157192165071}},
		{"ks of the same", ks(list{1, 2, 3}, list{3, 2, 1}), KSResult{0, 1}},
		{"ks with ties", ks(list{1, 1, 1, 2}, list{1, 2, 2, 2}), KSResult{0.5, 0.5344157192165071}},
		{"ks of none", ks(list{1}, list{}), nil},
		{"wilson", wilson(8, 10, 0.95), Interval{0.4901624715366418, 0.9433178485456248, 0.7167401600411333}},
		{"wilson of none", wilson(0, 10, 0.95), Interval{0, 0.27753279986289, 0.138766399931445}},
		{"wilson of all", wilson(10, 10, 0.95), Interval{0.72246720013711, 1, 0.861233600068555}},
		{"wilson at 0", wilson(3, 10, 0), Interval{0.3, 0.3, 0.3}},
		{"wilson at 1", wilson(3, 10, 1), Interval{0, 1, 0.5}},
		{"wilson of a fraction", wilson(0.5, 10, 0.9), Interval{0.00691038535741078, 0.284737387717656, 0.145823886537533}},
		{"wilson of more than all", wilson(12, 10, 0.95), nil},
		{"wilson of less than none", wilson(-1, 10, 0.95), nil},
		{"wilson of no trials", wilson(0, 0, 0.95), nil},
		{"wilson of endless trials", wilson(5, inf, 0.95), nil},
		{"wilson of NaN", wilson(nan, 10, 0.95), nil},
		{"wilson at 95", wilson(5, 10, 95), nil},
	})
}

// A p-value keeps its digits far out, where 1 less a distribution function is 0.
func TestTails(t *testing.T) {
	far, err := WelchTTest(list{0, 1e-3, 2e-3, 1e-3}, list{100, 100.001, 100.002, 100.001})
	if err != nil || !(far.P > 0 && far.P < 1e-20) {
		t.Errorf("p = %v, %v", far.P, err)
	}
	if p := tTwoSided(math.Inf(1), 3); p != 0 {
		t.Errorf("p of an infinite t is %v", p)
	}
	if p := tTwoSided(30, 1e6); !(p > 0) {
		t.Errorf("p of 30 deviations is %v", p)
	}
}

func TestDistributionErrors(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	at2 := func(fn func(a, b float64) (float64, error), a, b float64) func() (any, error) {
		return func() (any, error) { return fn(a, b) }
	}
	at3 := func(fn func(a, b, c float64) (float64, error), a, b, c float64) func() (any, error) {
		return func() (any, error) { return fn(a, b, c) }
	}
	poisson := func(k int64, l float64) func() (any, error) { return func() (any, error) { return PoissonCDF(k, l) } }
	check(t, []call{
		{"normal cdf", at3(NormalCDF, 110, 100, 15), 0.7475074624530771},
		{"normal cdf at infinity", at3(NormalCDF, inf, 0, 1), 1.0},
		{"normal cdf of NaN", at3(NormalCDF, nan, 0, 1), nan},
		{"normal cdf, tail", at3(NormalCDF, -38, 0, 1), 2.8854294e-316},
		{"normal cdf, no spread", at3(NormalCDF, 0, 0, 0), nil},
		{"normal cdf, NaN mean", at3(NormalCDF, 0, nan, 1), nil},
		{"normal inverse", at3(NormalInverseCDF, 0.5, 3, 1), 3.0},
		{"normal inverse at 0", at3(NormalInverseCDF, 0, 3, 1), math.Inf(-1)},
		{"normal inverse at 1", at3(NormalInverseCDF, 1, 3, 1), inf},
		{"normal inverse of 2", at3(NormalInverseCDF, 2, 0, 1), nil},
		{"normal inverse, no spread", at3(NormalInverseCDF, 0.5, 0, -1), nil},
		{"beta cdf below", at3(BetaCDF, -5, 2, 3), 0.0},
		{"beta cdf above", at3(BetaCDF, 5, 2, 3), 1.0},
		{"beta cdf of NaN", at3(BetaCDF, nan, 2, 3), nil},
		{"beta cdf of infinite shape", at3(BetaCDF, 0.5, inf, 3), nil},
		{"beta quantile", at3(BetaQuantile, 0.5, 2, 3), 0.38572756813238946},
		{"beta quantile of 2", at3(BetaQuantile, 2, 2, 3), nil},
		{"beta quantile, shape 0", at3(BetaQuantile, 0.5, 0, 3), nil},
		{"beta mean", at2(BetaMean, 2, 3), 0.4},
		{"beta mean of huge shapes", at2(BetaMean, 1e308, 1e308), 0.5},
		{"beta mean, shape 0", at2(BetaMean, 0, 3), nil},
		{"beta variance", at2(BetaVariance, 2, 3), 0.04},
		{"beta variance, shape -1", at2(BetaVariance, 2, -1), nil},
		{"gamma cdf", at3(GammaCDF, 5, 1, 2), 1 - math.Exp(-2.5)},
		{"gamma cdf at 0", at3(GammaCDF, 0, 1, 2), 0.0},
		{"gamma cdf at infinity", at3(GammaCDF, inf, 1, 2), 1.0},
		{"gamma cdf, shape 0", at3(GammaCDF, 1, 0, 1), nil},
		{"gamma cdf, scale 0", at3(GammaCDF, 1, 1, 0), nil},
		{"poisson cdf", poisson(0, 2), math.Exp(-2)},
		{"poisson cdf of a huge count", poisson(math.MaxInt64, 2), 1.0},
		{"poisson cdf, lambda 0", poisson(3, 0), nil},
		{"poisson cdf below 0", poisson(-1, 2), nil},
		{"incomplete beta at 0", at3(IncBeta, 0, 2, 3), 0.0},
		{"incomplete beta at 1", at3(IncBeta, 1, 2, 3), 1.0},
		{"incomplete beta of 1.5", at3(IncBeta, 1.5, 2, 3), nil},
		{"incomplete gamma at 0", at2(IncGamma, 2, 0), 0.0},
		{"incomplete gamma at infinity", at2(IncGamma, 2, inf), 1.0},
		{"incomplete gamma of -1", at2(IncGamma, 2, -1), nil},
		{"incomplete gamma, a 0", at2(IncGamma, 0, 1), nil},
		{"incomplete gamma of NaN", at2(IncGamma, nan, 1), nan},
		{"incomplete gamma, a without end", at2(IncGamma, inf, 1), 0.0},
		{"beta of 0", at2(Beta, 0, 1), nil},
		{"ln_beta of NaN", at2(LnBeta, nan, 1), nan},
		{"beta of infinity", at2(Beta, inf, 1), 0.0},
		{"incomplete beta of NaN", at3(IncBeta, 0.5, nan, 1), nan},
		{"incomplete beta, a without end", at3(IncBeta, 0.5, inf, 1), 0.0},
		{"incomplete beta, b without end", at3(IncBeta, 0.5, 1, inf), 1.0},
		{"incomplete beta, both without end", at3(IncBeta, 0.5, inf, inf), nan},
		{"beta mean of infinity", at2(BetaMean, 1, inf), 0.0},
		{"factorial of 171", func() (any, error) { return Factorial(171) }, nil},
		{"factorial of -1", func() (any, error) { return Factorial(-1) }, nil},
		{"ln_factorial of -1", func() (any, error) { return LnFactorial(-1) }, nil},
	})
	for x, want := range map[float64]float64{0: inf, -1: inf, -inf: inf, inf: inf} {
		if got := LGamma(x); got != want {
			t.Errorf("lgamma(%v) = %v", x, got)
		}
	}
	for x, want := range map[float64]float64{0: -inf, -3: -inf, inf: inf} {
		if got := Digamma(x); got != want {
			t.Errorf("digamma(%v) = %v", x, got)
		}
	}
	if !math.IsNaN(Digamma(-inf)) || !math.IsNaN(Digamma(nan)) {
		t.Error("digamma has no value at -infinity and NaN")
	}
}

// Quantiles invert distribution functions, and distribution functions rise.
func TestQuantilesInvert(t *testing.T) {
	for _, p := range []float64{1e-12, 0.001, 0.1, 0.5, 0.8, 0.999} {
		for _, a := range []float64{0.01, 0.5, 1, 3, 80, 5000, 1e6, 1e11} {
			for _, b := range []float64{0.02, 0.5, 1, 7, 300, 2e6, 3e11} {
				x := ok(BetaQuantile(p, a, b))
				// Where one float spans more than p's neighbourhood, the cdf jumps across p.
				lo, hi := ok(BetaCDF(math.Nextafter(x, 0), a, b)), ok(BetaCDF(x, a, b))
				if lo > p*(1+1e-9) || hi < p*(1-1e-9) {
					t.Errorf("quantile %v of beta(%v, %v) is %v, around which the cdf is %v, %v", p, a, b, x, lo, hi)
				}
			}
		}
		z := ok(NormalInverseCDF(p, 3, 2))
		if back := ok(NormalCDF(z, 3, 2)); math.Abs(back-p) > 1e-13*p+1e-16 {
			t.Errorf("normal: %v comes back as %v", p, back)
		}
	}
}

func TestDistributionsRise(t *testing.T) {
	rises := func(name string, fn func(x float64) float64, lo, hi float64) {
		last := math.Inf(-1)
		for i := range 401 {
			x := lo + (hi-lo)*float64(i)/400
			v := fn(x)
			if !(v >= 0 && v <= 1) || v < last-1e-12 {
				t.Errorf("%s: %v at %v after %v", name, v, x, last)
			}
			last = v
		}
	}
	for _, a := range []float64{0.3, 1, 15, 2.5e4, 1e8} {
		rises("gamma", func(x float64) float64 { return ok(GammaCDF(x, a, 1)) }, a/2, a*1.5)
		for _, b := range []float64{0.4, 2, 40, 1e5, 1e11} {
			m := ok(BetaMean(a, b))
			rises("beta", func(x float64) float64 { return ok(BetaCDF(x, a, b)) }, m/2, math.Min(1, m*1.5))
		}
	}
}

// The large forms meet the small ones where they take over.
func TestIncompleteFunctionsMeet(t *testing.T) {
	for _, z := range []float64{-6, -2, 0, 1, 5} {
		a := gammaLimit
		x := a + z*math.Sqrt(a)
		if small, large := incGamma(a, x), incGammaLarge(a, x, -1); math.Abs(small-large) > 1e-11*small {
			t.Errorf("P(%v, %v): %v and %v", a, x, small, large)
		}
		b := 2 * betaLimit
		a = betaLimit
		x = a/(a+b) + z*math.Sqrt(a*b/(a+b+1))/(a+b)
		if small, large := incBeta(x, 1-x, a, b), incBetaLarge(x, 1-x, a, b); math.Abs(small-large) > 1e-8*small {
			t.Errorf("I_%v(%v, %v): %v and %v", x, a, b, small, large)
		}
	}
}
