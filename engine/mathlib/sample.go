package mathlib

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// A negative spread is the mirror image of a positive one, as in the original.
func spread(what string, v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return badf("%s must be finite, got %v", what, v)
	}
	return nil
}

// above0 refuses what is not above 0; infinity passes.
func above0(what string, v float64) error {
	if !(v > 0) {
		return badf("%s must be above 0, got %v", what, v)
	}
	return nil
}

// Normal draws from a normal distribution; sd 0 gives the mean.
func (s *Stream) Normal(mean, sd float64) (float64, error) {
	if err := spread("stddev", sd); err != nil {
		return 0, err
	}
	return mean + sd*s.normal(), nil
}

func (s *Stream) normal() float64 { return distuv.Normal{Sigma: 1, Src: s}.Rand() }

// LogNormal draws from the distribution whose logarithm is normal with mu and sigma.
func (s *Stream) LogNormal(mu, sigma float64) (float64, error) {
	if err := spread("sigma", sigma); err != nil {
		return 0, err
	}
	return math.Exp(mu + sigma*s.normal()), nil
}

// Uniform draws from [low, high).
func (s *Stream) Uniform(low, high float64) (float64, error) {
	if err := spread("high - low", high-low); err != nil {
		return 0, err
	}
	if low >= high {
		return 0, badf("low must be below high, got %v and %v", low, high)
	}
	for {
		// Rounding may hit high, which the interval leaves out.
		if v := low + (high-low)*s.Float64(); v < high {
			return v, nil
		}
	}
}

// Exp draws from the exponential distribution of a rate; rate 0 gives infinity.
func (s *Stream) Exp(rate float64) (float64, error) {
	if !(rate >= 0) {
		return 0, badf("lambda must not be negative, got %v", rate)
	}
	return distuv.Exponential{Rate: 1, Src: s}.Rand() / rate, nil
}

// Gamma draws from a gamma distribution.
func (s *Stream) Gamma(shape, scale float64) (float64, error) {
	if err := above0("shape", shape); err != nil {
		return 0, err
	}
	if err := above0("scale", scale); err != nil {
		return 0, err
	}
	return s.gamma(shape) * scale, nil
}

func (s *Stream) gamma(shape float64) float64 {
	if math.IsInf(shape, 1) {
		return shape
	}
	return distuv.Gamma{Alpha: shape, Beta: 1, Src: s}.Rand()
}

// Beta draws from a beta distribution.
func (s *Stream) Beta(a, b float64) (float64, error) {
	if err := positive("a", a); err != nil {
		return 0, err
	}
	if err := positive("b", b); err != nil {
		return 0, err
	}
	return s.beta(a, b), nil
}

func (s *Stream) beta(a, b float64) float64 {
	x, y := s.gamma(a), s.gamma(b)
	if x+y > 0 {
		return x / (x + y)
	}
	// Shapes so small that both draws are 0 in a float64: all weight lies at the ends.
	if s.Float64() < share(a, b) {
		return 1
	}
	return 0
}

// StudentT draws from Student's distribution.
func (s *Stream) StudentT(df float64) (float64, error) {
	if err := above0("df", df); err != nil {
		return 0, err
	}
	z := s.normal()
	if math.IsInf(df, 1) {
		return z, nil
	}
	return z / math.Sqrt(s.gamma(half(df))/half(df)), nil
}

// ChiSquared draws from the chi-squared distribution.
func (s *Stream) ChiSquared(df float64) (float64, error) {
	if err := above0("df", df); err != nil {
		return 0, err
	}
	return 2 * s.gamma(half(df)), nil
}

// half is df/2, kept above 0 where the least float would round to it.
func half(df float64) float64 { return max(df/2, math.SmallestNonzeroFloat64) }

// maxLambda is the largest rate whose counts are sure to be 64-bit integers.
const maxLambda = 0x1p62

// Poisson draws a count of events at a rate.
func (s *Stream) Poisson(lambda float64) (int64, error) {
	if !(lambda > 0 && lambda <= maxLambda) {
		return 0, badf("lambda must lie above 0 and up to 2^62, got %v", lambda)
	}
	if lambda > roundOff {
		// The exact method's logarithms of factorials would be noise here.
		return int64(lambda + math.Sqrt(lambda)*s.normal()), nil
	}
	return int64(distuv.Poisson{Lambda: lambda, Src: s}.Rand()), nil
}

// roundOff is where ln n! no longer has the digits that rejection needs; a normal distribution
// then differs by less than a millionth.
const roundOff = 1e12

// Binomial draws a count of successes of n trials with chance p each.
func (s *Stream) Binomial(n int64, p float64) (int64, error) {
	if n < 0 {
		return 0, badf("n must not be negative, got %d", n)
	}
	if err := within("p", p, 0, 1); err != nil {
		return 0, err
	}
	// Halve large n at the median trial, whose place is a beta draw (Devroye 1986, X.4.2).
	k := int64(0)
	for n > exactTrials && p > 0 && p < 1 {
		i := n/2 + 1
		if x := s.beta(float64(i), float64(n-i+1)); x <= p {
			k, n, p = k+i, n-i, (p-x)/(1-x)
		} else {
			n, p = i-1, p/x
		}
	}
	switch {
	case p <= 0 || n == 0:
		return k, nil
	case p >= 1:
		return k + n, nil
	}
	return k + int64(distuv.Binomial{N: float64(n), P: p, Src: s}.Rand()), nil
}

const exactTrials = 1e6

// Dirichlet draws shares that sum to 1, at least 2 of them, with weights above 0.
func (s *Stream) Dirichlet(alphas []float64) ([]float64, error) {
	if len(alphas) < 2 {
		return nil, badf("needs at least 2 alphas, got %d", len(alphas))
	}
	for i, a := range alphas {
		if !(a > 0) {
			return nil, badf("alphas[%d] must be above 0, got %v", i+1, a)
		}
	}
	out := make([]float64, len(alphas))
	for i, a := range alphas {
		out[i] = s.gamma(a)
	}
	total := sum(out)
	if total == 0 {
		// As in Beta: all weight lies at one corner.
		i, err := s.Categorical(alphas)
		if err != nil {
			return nil, err
		}
		out[i], total = 1, 1
	}
	for i := range out {
		out[i] /= total
	}
	return out, nil
}

// Categorical draws an index, counted from 0, with the chance weight/sum. A weight of 0 is never
// drawn.
func (s *Stream) Categorical(weights []float64) (int, error) {
	if len(weights) == 0 {
		return 0, badf("there are no weights")
	}
	top, last := 0.0, 0
	for i, w := range weights {
		if !(w >= 0) {
			return 0, badf("weights[%d] must not be negative, got %v", i+1, w)
		}
		if w > 0 {
			top, last = max(top, w), i
		}
	}
	if top == 0 {
		return 0, badf("all weights are 0")
	}
	var total, reached accumulator
	for _, w := range weights {
		total.add(w / top)
	}
	goal := s.Float64() * total.value()
	for i, w := range weights {
		if reached.add(w / top); reached.value() > goal {
			return i, nil
		}
	}
	return last, nil
}
