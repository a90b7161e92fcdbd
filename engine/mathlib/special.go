package mathlib

import (
	"math"
	"math/big"
	"sync"
)

// LGamma returns ln |Γ(x)|: +infinity at 0 and the negative integers.
func LGamma(x float64) float64 {
	if math.IsInf(x, -1) {
		return math.Inf(1)
	}
	down := 1.0
	if x > -20 && x < 0 && x != math.Floor(x) {
		// Recurrence, DLMF 5.5.1: reflection would lose digits near the zeros.
		for ; x < 2; x++ {
			down *= x
		}
	}
	v, _ := math.Lgamma(x)
	return v - math.Log(math.Abs(down))
}

// Digamma returns the logarithmic derivative of Γ: -infinity at 0 and the negative integers.
// (gonum's keeps ten digits; this one keeps those that a float64 has.)
func Digamma(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case math.IsInf(x, -1):
		return math.NaN()
	case x <= 0 && x == math.Floor(x):
		return math.Inf(-1)
	case x < 0:
		// Reflection, DLMF 5.5.4. tan has period π, so only the fraction counts.
		_, f := math.Modf(x)
		return Digamma(1-x) - math.Pi/math.Tan(math.Pi*f)
	}
	var a accumulator
	for ; x < 12; x++ {
		a.add(-1 / x) // recurrence, DLMF 5.5.2
	}
	// Asymptotic series, DLMF 5.11.2: the Bernoulli numbers over 2k.
	r := 1 / (x * x)
	a.add(math.Log(x))
	a.add(-0.5 / x)
	a.add(-r * (1./12 - r*(1./120-r*(1./252-r*(1./240-r*(1./132-r*(691./32760-r/12)))))))
	return a.value()
}

// LnBeta returns ln B(a, b) = ln Γ(a) + ln Γ(b) - ln Γ(a+b), without the cancellation of these
// terms where one argument is large.
func LnBeta(a, b float64) (float64, error) {
	if a <= 0 || b <= 0 {
		return 0, badf("a and b must be above 0, got %v and %v", a, b)
	}
	return lnBeta(a, b), nil
}

// lnBeta follows DiDonato and Morris 1992 (TOMS 708) in splitting off Stirling's formula.
func lnBeta(a, b float64) float64 {
	if a > b {
		a, b = b, a
	}
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return math.NaN()
	case b < 10:
		return math.Log(math.Gamma(a)) + math.Log(math.Gamma(b)/math.Gamma(a+b))
	case math.IsInf(b, 1):
		return math.Inf(-1)
	case a < 10:
		// ln Γ(b) - ln Γ(a+b) from Stirling's formula for both.
		d := stirling(b) - stirling(a+b) + a - a*math.Log(a+b) - (b-0.5)*math.Log1p(a/b)
		return LGamma(a) + d
	}
	ratio := a / b
	return -0.5*math.Log(b) + 0.5*math.Log(2*math.Pi) + stirling(a) + stirling(b) - stirling(a+b) +
		(a-0.5)*math.Log(ratio/(1+ratio)) - b*math.Log1p(ratio)
}

// stirling is what Stirling's formula for ln Γ(x) lacks, x ≥ 10 (DLMF 5.11.1).
func stirling(x float64) float64 {
	r := 1 / (x * x)
	return (1./12 - r*(1./360-r*(1./1260-r*(1./1680-r*(1./1188-r*(691./360360-r/156)))))) / x
}

// Beta returns B(a, b) = Γ(a)·Γ(b)/Γ(a+b).
func Beta(a, b float64) (float64, error) {
	l, err := LnBeta(a, b)
	if err != nil {
		return 0, err
	}
	if a+b < 100 {
		// Γ does not overflow here and is more accurate than an exponential.
		return math.Gamma(min(a, b)) * (math.Gamma(max(a, b)) / math.Gamma(a+b)), nil
	}
	return math.Exp(l), nil
}

// maxFactorial is the largest argument whose factorial is a float64.
const maxFactorial = 170

// factorials are the correctly rounded values.
var factorials = sync.OnceValue(func() (t [maxFactorial + 1]float64) {
	f := big.NewInt(1)
	for i := range t {
		if i > 0 {
			f.Mul(f, big.NewInt(int64(i)))
		}
		t[i], _ = new(big.Float).SetInt(f).Float64()
	}
	return t
})

// Factorial returns n! for n in 0..170.
func Factorial(n int64) (float64, error) {
	if n < 0 || n > maxFactorial {
		return 0, badf("n must lie in 0..%d, got %d", maxFactorial, n)
	}
	return factorials()[n], nil
}

// LnFactorial returns ln n!, n ≥ 0.
func LnFactorial(n int64) (float64, error) {
	switch {
	case n < 0:
		return 0, badf("n must not be negative, got %d", n)
	case n <= maxFactorial:
		return math.Log(factorials()[n]), nil
	}
	return LGamma(float64(n) + 1), nil
}
