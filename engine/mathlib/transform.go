package mathlib

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// Softmax returns exp(t_i) / Σ exp(t_j), computed so that large values do not overflow.
func Softmax(t []float64) ([]float64, error) {
	if err := nonEmpty(t); err != nil {
		return nil, err
	}
	m := slices.Max(t)
	out := make([]float64, len(t))
	for i, v := range t {
		out[i] = math.Exp(v - m)
	}
	s := sum(out)
	for i := range out {
		out[i] /= s
	}
	return out, nil
}

// LogSumExp returns ln Σ exp(t_i), computed so that large values do not overflow.
func LogSumExp(t []float64) (float64, error) {
	if err := nonEmpty(t); err != nil {
		return 0, err
	}
	return floats.LogSumExp(t), nil
}

// LogNormalize maps each value v > 0 to 100·ln(1+v)/ln(1+max).
func LogNormalize(t []float64) ([]float64, error) {
	if err := nonEmpty(t); err != nil {
		return nil, err
	}
	for i, v := range t {
		if !(v > 0) {
			return nil, badf("element %d must be above 0, got %v", i+1, v)
		}
	}
	top := math.Log1p(slices.Max(t))
	out := make([]float64, len(t))
	for i, v := range t {
		out[i] = math.Log1p(v) / top * 100
	}
	return out, nil
}

// Logit returns ln(p/(1-p)) for 0 < p < 1.
func Logit(p float64) (float64, error) {
	switch {
	case p <= 0 || p >= 1:
		return 0, badf("p must lie between 0 and 1, both excluded, got %v", p)
	case p > 0.25 && p < 0.75:
		// ln(1+x) keeps its accuracy where p/(1-p) is near 1.
		return math.Log1p((2*p - 1) / (1 - p)), nil
	}
	return math.Log(p) - math.Log1p(-p), nil
}

// Expit returns 1/(1+exp(-x)), the inverse of [Logit]; it saturates to 0 and 1.
func Expit(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// MovingAverage returns the means of all windows of that many neighbours, n-window+1 of them.
func MovingAverage(t []float64, window int) ([]float64, error) {
	if err := nonEmpty(t); err != nil {
		return nil, err
	}
	if window < 1 || window > len(t) {
		return nil, badf("window must lie in 1..%d, got %d", len(t), window)
	}
	// Dividing before adding costs a bit of accuracy: only where a sum could overflow.
	before, after := 1.0, float64(window)
	if m := math.Max(slices.Max(t), -slices.Min(t)); m > maxFloat/4/after {
		before, after = after, 1
	}
	// A plain sum that slides would drift; a compensated one does not.
	var a accumulator
	out := make([]float64, 0, len(t)-window+1)
	for i, v := range t {
		if i >= window {
			a.add(-t[i-window] / before)
		}
		a.add(v / before)
		if i >= window-1 {
			out = append(out, a.value()/after)
		}
	}
	return out, nil
}

// EWMA returns the exponentially weighted moving average: it starts at the first value, then
// each is alpha·v + (1-alpha)·previous, alpha in 0..1.
func EWMA(t []float64, alpha float64) ([]float64, error) {
	if err := nonEmpty(t); err != nil {
		return nil, err
	}
	if err := within("alpha", alpha, 0, 1); err != nil {
		return nil, err
	}
	out := make([]float64, len(t))
	out[0] = t[0]
	for i := 1; i < len(t); i++ {
		out[i] = alpha*t[i] + (1-alpha)*out[i-1]
	}
	return out, nil
}

// Autocorrelation returns the share of the sum of squares about the mean that pairs lag apart
// have in common. Lag 0 gives 1, whatever the data; else zero variance, or a lag that leaves no
// pair, is an error.
func Autocorrelation(t []float64, lag int) (float64, error) {
	if err := nonEmpty(t); err != nil {
		return 0, err
	}
	switch {
	case lag == 0:
		return 1, nil
	case lag < 0 || lag >= len(t):
		return 0, badf("lag must lie in 0..%d, got %d", len(t)-1, lag)
	case constant(t):
		return 0, badf("zero variance: all values are equal")
	}
	t = unscaled(t)
	m := mean(t)
	var shared, all accumulator
	for i, v := range t {
		d := v - m
		all.add(d * d)
		if i+lag < len(t) {
			shared.add(d * (t[i+lag] - m))
		}
	}
	return shared.value() / all.value(), nil
}
