package mathlib

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

func normalParams(mean, sd float64) error {
	if math.IsNaN(mean) {
		return badf("mean is not a number")
	}
	if !(sd > 0) {
		return badf("the standard deviation must be above 0, got %v", sd)
	}
	return nil
}

// NormalCDF returns the share of a normal distribution below x.
func NormalCDF(x, mean, sd float64) (float64, error) {
	if err := normalParams(mean, sd); err != nil {
		return 0, err
	}
	return phi((x - mean) / sd), nil
}

// phi is the standard normal distribution function, accurate in the lower tail.
func phi(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// NormalQuantile returns the p-quantile of the standard normal distribution, infinite at 0 and 1.
func NormalQuantile(p float64) (float64, error) {
	if err := within("p", p, 0, 1); err != nil {
		return 0, err
	}
	return mathext.NormalQuantile(p), nil
}

// NormalInverseCDF returns the p-quantile of a normal distribution, infinite at 0 and 1.
func NormalInverseCDF(p, mean, sd float64) (float64, error) {
	if err := normalParams(mean, sd); err != nil {
		return 0, err
	}
	z, err := NormalQuantile(p)
	if err != nil {
		return 0, err
	}
	if z == 0 {
		return mean, nil
	}
	return mean + sd*z, nil
}

// shapes refuses what the shapes of a beta distribution cannot be.
func shapes(a, b float64) error {
	if err := positive("a", a); err != nil {
		return err
	}
	return positive("b", b)
}

// BetaCDF returns the share of a beta distribution below x: 0 below and 1 above its support.
func BetaCDF(x, a, b float64) (float64, error) {
	if math.IsNaN(x) {
		return 0, badf("x is not a number")
	}
	if err := shapes(a, b); err != nil {
		return 0, err
	}
	return IncBeta(min(max(x, 0), 1), a, b)
}

// BetaQuantile returns the p-quantile of a beta distribution.
func BetaQuantile(p, a, b float64) (float64, error) {
	if err := within("p", p, 0, 1); err != nil {
		return 0, err
	}
	if err := shapes(a, b); err != nil {
		return 0, err
	}
	if p == 0 || p == 1 {
		return p, nil
	}
	// Halving the patterns of positive floats, which are in the order of their values, ends at the
	// nearest one however close to 0 it lies. (gonum's inverse stops short for small shapes.)
	lo, hi := uint64(0), math.Float64bits(1)
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		if x := math.Float64frombits(mid); incBeta(x, 1-x, a, b) < p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Float64frombits(hi), nil
}

// BetaMean returns the mean a/(a+b) of a beta distribution.
func BetaMean(a, b float64) (float64, error) {
	if a <= 0 || b <= 0 {
		return 0, badf("a and b must be above 0, got %v and %v", a, b)
	}
	return share(a, b), nil
}

// share is a/(a+b) without overflow.
func share(a, b float64) float64 {
	if a < b {
		r := a / b
		return r / (1 + r)
	}
	return 1 / (1 + b/a)
}

// BetaVariance returns the variance ab/((a+b)²(a+b+1)) of a beta distribution.
func BetaVariance(a, b float64) (float64, error) {
	if a <= 0 || b <= 0 {
		return 0, badf("a and b must be above 0, got %v and %v", a, b)
	}
	return share(a, b) * share(b, a) / (a + b + 1), nil
}

// GammaCDF returns the share of a gamma distribution below x, 0 for x ≤ 0. The scale is not the
// rate.
func GammaCDF(x, shape, scale float64) (float64, error) {
	if err := positive("shape", shape); err != nil {
		return 0, err
	}
	if err := positive("scale", scale); err != nil {
		return 0, err
	}
	return incGamma(shape, x/scale), nil
}

// PoissonCDF returns the chance of at most k events at the rate lambda.
func PoissonCDF(k int64, lambda float64) (float64, error) {
	if k < 0 {
		return 0, badf("k must not be negative, got %d", k)
	}
	if err := positive("lambda", lambda); err != nil {
		return 0, err
	}
	return incGammaUpper(float64(k)+1, lambda), nil
}
