package mathlib

import (
	"math"
	"slices"
)

// TTest is the result of [WelchTTest].
type TTest struct{ T, DF, P float64 }

// WelchTTest compares two means, two-sided, without assuming equal variances (Welch 1947). Both
// sides need 2 values; when neither varies there is no test.
func WelchTTest(a, b []float64) (TTest, error) {
	if len(a) < 2 || len(b) < 2 {
		return TTest{}, badf("needs at least 2 values on each side, got %d and %d", len(a), len(b))
	}
	va, vb := variance(a)/float64(len(a)), variance(b)/float64(len(b))
	if va+vb == 0 {
		return TTest{}, badf("zero variance: each side is constant")
	}
	t := (mean(a) - mean(b)) / math.Sqrt(va+vb)
	// Welch-Satterthwaite, divided through by the sum so that squares do not overflow.
	ra, rb := va/(va+vb), vb/(va+vb)
	df := 1 / (ra*ra/float64(len(a)-1) + rb*rb/float64(len(b)-1))
	return TTest{T: t, DF: df, P: tTwoSided(t, df)}, nil
}

// tTwoSided is the chance of a Student's t at least as far out, accurate in the tail.
func tTwoSided(t, df float64) float64 {
	q := t / df * t
	if math.IsInf(q, 1) {
		return 0
	}
	return incBeta(1/(1+q), q/(1+q), df/2, 0.5)
}

// UTest is the result of [MannWhitneyU].
type UTest struct{ U, Z, P float64 }

// MannWhitneyU compares two samples by ranks, two-sided, with the normal approximation and
// without a continuity correction (Mann and Whitney 1947). U is the smaller of the two, so Z is
// not positive. With tieCorrection the variance has the term for ties, and all values equal is an
// error; without it that gives 1.
func MannWhitneyU(a, b []float64, tieCorrection bool) (UTest, error) {
	if len(a) == 0 || len(b) == 0 {
		return UTest{}, badf("needs at least 1 value on each side")
	}
	both := slices.Concat(a, b)
	idx := order(both)
	var rankSum, tied float64
	ties(both, idx, func(from, to int) {
		t := float64(to - from)
		tied += t * (t*t - 1)
		for _, i := range idx[from:to] {
			if i < len(a) {
				rankSum += float64(from+1+to) / 2
			}
		}
	})
	na, nb, n := float64(len(a)), float64(len(b)), float64(len(both))
	u := rankSum - na*(na+1)/2
	u = min(u, na*nb-u)
	spread := n + 1
	if tieCorrection {
		spread -= tied / (n * (n - 1))
	}
	if spread <= 0 {
		return UTest{}, badf("all values are tied, so the corrected variance is zero")
	}
	z := (u - na*nb/2) / math.Sqrt(na*nb/12*spread)
	return UTest{U: u, Z: z, P: min(2*phi(z), 1)}, nil
}

// Chi2Test is the result of [ChiSquaredTest].
type Chi2Test struct{ Chi2, DF, P float64 }

// ChiSquaredTest compares counts with expected counts above 0 (Pearson 1900); the degrees of
// freedom are one less than the categories. Totals need not agree.
func ChiSquaredTest(observed, expected []float64) (Chi2Test, error) {
	if err := paired(observed, expected, 2); err != nil {
		return Chi2Test{}, err
	}
	var a accumulator
	for i, e := range expected {
		if !(e > 0) {
			return Chi2Test{}, badf("expected[%d] must be above 0, got %v", i+1, e)
		}
		d := observed[i] - e
		a.add(d / e * d)
	}
	chi2, df := a.value(), float64(len(expected)-1)
	return Chi2Test{Chi2: chi2, DF: df, P: incGammaUpper(df/2, chi2/2)}, nil
}

// KSResult is the result of [KSTest].
type KSResult struct{ D, P float64 }

// KSTest compares the distributions of two samples by the largest distance of their cumulative
// curves; p is Kolmogorov's with the correction for small samples of Stephens 1970.
func KSTest(a, b []float64) (KSResult, error) {
	if len(a) == 0 || len(b) == 0 {
		return KSResult{}, badf("needs at least 1 value on each side")
	}
	x, y := sorted(a), sorted(b)
	d := 0.0
	for i, j := 0, 0; i < len(x) && j < len(y); {
		v := min(x[i], y[j])
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(x))-float64(j)/float64(len(y))))
	}
	n, m := float64(len(x)), float64(len(y))
	e := math.Sqrt(n / (n + m) * m)
	return KSResult{D: d, P: kolmogorov((e + 0.12 + 0.11/e) * d)}, nil
}

// kolmogorov is the chance that the limit distribution exceeds x.
func kolmogorov(x float64) float64 {
	if x < 0.05 {
		return 1 // by more digits than a float64 has
	}
	s := 0.0
	if x < 1 {
		// The theta function's other form, which converges where x is small.
		for k := 1.0; k < 20; k += 2 {
			s += math.Exp(-k * k * math.Pi * math.Pi / (8 * x * x))
		}
		return 1 - math.Sqrt(2*math.Pi)/x*s
	}
	for k := 1.0; k < 20; k++ {
		t := math.Exp(-2 * k * k * x * x)
		if math.Mod(k, 2) == 0 {
			t = -t
		}
		s += t
	}
	return min(2*s, 1)
}

// Interval is the result of [WilsonCI].
type Interval struct{ Lower, Upper, Center float64 }

// WilsonCI returns the score interval of a share (Wilson 1927), clamped to 0..1 and widened to
// hold successes/total. Successes lie in 0..total and may be fractional.
func WilsonCI(successes, total, confidence float64) (Interval, error) {
	if err := positive("total", total); err != nil {
		return Interval{}, err
	}
	if err := within("successes", successes, 0, total); err != nil {
		return Interval{}, err
	}
	if err := within("confidence", confidence, 0, 1); err != nil {
		return Interval{}, err
	}
	if confidence == 1 {
		return Interval{Lower: 0, Upper: 1, Center: 0.5}, nil
	}
	z, err := NormalQuantile((1 - confidence) / 2)
	if err != nil {
		return Interval{}, err
	}
	p, z2 := successes/total, z*z/total
	center := (p + z2/2) / (1 + z2)
	half := math.Sqrt((p*(1-p)+z2/4)*z2) / (1 + z2)
	i := Interval{Lower: max(center-half, 0), Upper: min(center+half, 1), Center: center}
	if confidence == 0 {
		i = Interval{Lower: p, Upper: p, Center: p}
	}
	i.Lower, i.Upper = min(i.Lower, p), max(i.Upper, p)
	if p == 0 {
		i.Lower = 0
	}
	if p == 1 {
		i.Upper = 1
	}
	return i, nil
}
