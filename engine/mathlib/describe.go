package mathlib

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Mean returns the arithmetic mean. It does not overflow while the mean itself is finite.
func Mean(t []float64) (float64, error) {
	if err := nonEmpty(t); err != nil {
		return 0, err
	}
	return mean(t), nil
}

func mean(t []float64) float64 {
	n := float64(len(t))
	if s := sum(t); !math.IsInf(s, 0) {
		return s / n
	}
	var a accumulator
	for _, v := range t {
		a.add(v / n)
	}
	return a.value()
}

// Variance returns the sample variance (divisor n-1), 0 for a single value.
func Variance(t []float64) (float64, error) {
	if err := nonEmpty(t); err != nil {
		return 0, err
	}
	return variance(t), nil
}

func variance(t []float64) float64 {
	if len(t) < 2 || constant(t) {
		return 0
	}
	return stat.Variance(t, nil)
}

// constant tells whether all values are equal; then a variance is 0 whatever rounding does.
func constant(t []float64) bool {
	for _, v := range t {
		if v != t[0] {
			return false
		}
	}
	return true
}

// StdDev returns the sample standard deviation, the root of [Variance].
func StdDev(t []float64) (float64, error) {
	v, err := Variance(t)
	return math.Sqrt(v), err
}

// Median returns the middle value, or the mean of the middle two.
func Median(t []float64) (float64, error) { return Percentile(t, 50) }

// Percentile returns the p-th percentile, p in 0..100, by linear interpolation at the position
// p/100·(n-1) of the sorted values (type 7 of Hyndman and Fan 1996).
func Percentile(t []float64, p float64) (float64, error) {
	if err := nonEmpty(t); err != nil {
		return 0, err
	}
	if err := within("p", p, 0, 100); err != nil {
		return 0, err
	}
	return quantile(sorted(t), p/100), nil
}

// IQR returns the distance between the 25th and the 75th percentile.
func IQR(t []float64) (float64, error) {
	if err := nonEmpty(t); err != nil {
		return 0, err
	}
	s := sorted(t)
	return quantile(s, 0.75) - quantile(s, 0.25), nil
}

func sorted(t []float64) []float64 {
	s := slices.Clone(t)
	slices.Sort(s)
	return s
}

// quantile is type 7 over sorted values.
func quantile(s []float64, q float64) float64 {
	pos := q * float64(len(s)-1)
	i := int(pos)
	if i >= len(s)-1 {
		return s[len(s)-1]
	}
	return between(s[i], s[i+1], pos-float64(i))
}

// between is the point at the fraction f of the way from lo to hi.
func between(lo, hi, f float64) float64 {
	if d := hi - lo; !math.IsInf(d, 0) {
		return lo + f*d
	}
	return lo*(1-f) + hi*f
}

// Covariance returns the sample covariance (divisor n-1) of two samples of one length of at
// least 2.
func Covariance(a, b []float64) (float64, error) {
	if err := paired(a, b, 2); err != nil {
		return 0, err
	}
	if constant(a) || constant(b) {
		return 0, nil
	}
	return stat.Covariance(a, b, nil), nil
}

// Correlation returns Pearson's coefficient of two samples of one length of at least 2. A side
// without variance is an error.
func Correlation(a, b []float64) (float64, error) {
	if err := paired(a, b, 2); err != nil {
		return 0, err
	}
	if constant(a) || constant(b) {
		return 0, badf("zero variance: all values of one side are equal")
	}
	a, b = unscaled(a), unscaled(b)
	return min(max(stat.Correlation(a, b, nil), -1), 1), nil
}

// unscaled divides by the largest magnitude where squares would over- or underflow.
func unscaled(t []float64) []float64 {
	m := 0.0
	for _, v := range t {
		m = max(m, math.Abs(v))
	}
	if m < 1e100 && m > 1e-100 {
		return t
	}
	_, e := math.Frexp(m)
	s := make([]float64, len(t))
	for i, v := range t {
		s[i] = math.Ldexp(v, -e)
	}
	return s
}
