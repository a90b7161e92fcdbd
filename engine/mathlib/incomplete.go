package mathlib

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// IncBeta returns the regularized incomplete beta function I_x(a, b), x in 0..1. (gonum's loses
// digits with large shapes: four are left at 1e7.)
func IncBeta(x, a, b float64) (float64, error) {
	if err := within("x", x, 0, 1); err != nil {
		return 0, err
	}
	if a <= 0 || b <= 0 {
		return 0, badf("a and b must be above 0, got %v and %v", a, b)
	}
	return incBeta(x, 1-x, a, b), nil
}

// incBeta takes x and y = 1-x, so that a caller that knows the smaller one exactly keeps it.
func incBeta(x, y, a, b float64) float64 {
	endless := math.IsInf(a, 1) && math.IsInf(b, 1) // then all weight lies at an unknown place
	switch {
	case math.IsNaN(a) || math.IsNaN(b) || endless:
		return math.NaN()
	case x <= 0 || math.IsInf(a, 1) && y > 0:
		return 0
	case y <= 0 || math.IsInf(b, 1):
		return 1
	case a > betaLimit && b > betaLimit:
		return incBetaLarge(x, y, a, b)
	case b > gammaLike:
		return incGamma(a, -b*logOf(y, x))
	case a > gammaLike:
		return incGammaUpper(b, -a*logOf(x, y))
	case x > (a+1)/(a+b+2):
		return 1 - incBetaFraction(y, x, b, a)
	}
	return incBetaFraction(x, y, a, b)
}

// betaLimit is where the continued fraction gets long and the asymptotic form good.
const betaLimit = 1e10

// gammaLike is where, beside a shape below betaLimit, a beta is a gamma distribution.
const gammaLike = 1e30

// incBetaFraction evaluates the continued fraction DLMF 8.17.22 by Lentz's method. It needs about
// √max(a, b) steps when x is below the mean.
func incBetaFraction(x, y, a, b float64) float64 {
	const tiny = 1e-300
	c, d := 1.0, 1/(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 1e6; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		if d = 1 + even*d; d == 0 {
			d = tiny
		}
		if c = 1 + even/c; c == 0 {
			c = tiny
		}
		d = 1 / d
		f *= c * d
		if d = 1 + odd*d; d == 0 {
			d = tiny
		}
		if c = 1 + odd/c; c == 0 {
			c = tiny
		}
		d = 1 / d
		step := c * d
		f *= step
		if !(math.Abs(step-1) >= 1e-16) {
			break
		}
	}
	return min(max(betaPower(x, y, a, b)*f/a, 0), 1)
}

// betaPower is x^a·y^b / B(a, b).
func betaPower(x, y, a, b float64) float64 {
	if min(a, b) < 10 {
		return math.Exp(a*logOf(x, y) + b*logOf(y, x) - lnBeta(a, b))
	}
	// Terms as large as a and b would cancel: they are taken about the mean instead.
	small := stirling(a) + stirling(b) - stirling(a+b)
	return math.Sqrt(a/(2*math.Pi)*share(b, a)) * math.Exp(-betaDistance(x, y, a, b)-small)
}

// logOf is ln x, by way of 1-x where that is smaller.
func logOf(x, y float64) float64 {
	if y < x {
		return math.Log1p(-y)
	}
	return math.Log(x)
}

// betaDistance is -(a·ln(x/x0) + b·ln(y/y0)) with the mean x0 = a/(a+b): 0 at the mean and
// positive elsewhere.
func betaDistance(x, y, a, b float64) float64 {
	off := a - (a+b)*x
	if a > b {
		off = (a+b)*y - b
	}
	return a*excess(-off/a, x/share(a, b)) + b*excess(off/b, y/share(b, a))
}

// excess is e - ln(1+e), where r = 1+e is known better than e if it is small.
func excess(e, r float64) float64 {
	switch {
	case math.Abs(e) < 0.1:
		// ln(1+e) = 2·artanh(t), and the terms of e and 2t that agree are left out.
		t := e / (2 + e)
		q := t * t
		return t * (e - 2*q*(1./3+q*(1./5+q*(1./7+q*(1./9+q*(1./11+q*(1./13+q/15)))))))
	case r < 0.5:
		return e - math.Log(r)
	}
	return e - math.Log1p(e)
}

// incBetaLarge is the uniform asymptotic expansion DLMF 8.18.9 to its first correction, taken at
// the mean: its error is below 1/√(a·b).
func incBetaLarge(x, y, a, b float64) float64 {
	if a > maxFloat/4 || b > maxFloat/4 { // sums would overflow, and the spread is 0 anyway
		switch m := share(a, b); {
		case x < m:
			return 0
		case x > m:
			return 1
		}
		return 0.5
	}
	d := betaDistance(x, y, a, b)
	side := 1.0
	if x < share(a, b) {
		side = -1
	}
	p, q := share(a, b), share(b, a)
	correction := (q - p) / (3 * math.Sqrt(p*q)) * math.Exp(-d) / math.Sqrt(2*math.Pi*(a+b))
	return min(max(math.Erfc(-side*math.Sqrt(d))/2+correction, 0), 1)
}

// IncGamma returns the regularized lower incomplete gamma function P(a, x), x ≥ 0.
func IncGamma(a, x float64) (float64, error) {
	if a <= 0 {
		return 0, badf("a must be above 0, got %v", a)
	}
	if x < 0 {
		return 0, badf("x must not be negative, got %v", x)
	}
	return incGamma(a, x), nil
}

func incGamma(a, x float64) float64 {
	switch {
	case math.IsNaN(a) || math.IsNaN(x) || math.IsInf(a, 1) && math.IsInf(x, 1):
		return math.NaN()
	case x <= 0 || math.IsInf(a, 1):
		return 0
	case math.IsInf(x, 1):
		return 1
	case a > gammaLimit:
		return incGammaLarge(a, x, -1)
	}
	return min(max(mathext.GammaIncReg(max(a, leastShape), x), 0), 1)
}

// incGammaUpper is Q(a, x) = 1 - P(a, x), accurate where it is small.
func incGammaUpper(a, x float64) float64 {
	switch {
	case x <= 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	case a > gammaLimit:
		return incGammaLarge(a, x, 1)
	}
	return min(max(mathext.GammaIncRegComp(max(a, leastShape), x), 0), 1)
}

// gammaLimit is where gonum's series get too long to converge in the tails.
const gammaLimit = 2e4

// leastShape stands for all below it: gonum's series divides by the shape, and P differs from 1 by
// less than a float64 shows.
const leastShape = 1e-290

// incGammaLarge is Temme's uniform asymptotic expansion, DLMF 8.12.3 and 8.12.4: Q for side 1, P
// for side -1.
func incGammaLarge(a, x, side float64) float64 {
	e := (x - a) / a
	if math.Abs(e) > 0.5 { // beyond what a float64 tells from 0 and 1
		if (e > 0) == (side > 0) {
			return 0
		}
		return 1
	}
	h := excess(e, x/a)
	eta := math.Copysign(math.Sqrt(2*h), e)
	sum := polynomial(eta, temme0[:]) + (polynomial(eta, temme1[:])+polynomial(eta, temme2[:])/a)/a
	r := math.Exp(-a*h) / math.Sqrt(2*math.Pi*a) * sum
	return min(max(math.Erfc(side*math.Copysign(math.Sqrt(a*h), e))/2+side*r, 0), 1)
}

// Coefficients of powers of η in c_0, c_1 and c_2 (DLMF 8.12.8; Temme 1979).
var (
	temme0 = [...]float64{-1. / 3, 1. / 12, -2. / 135, 1. / 864, 1. / 2835, -139. / 777600, 1. / 25515,
		-571. / 261273600, -281. / 151559100, 163879. / 197522841600}
	temme1 = [...]float64{-1. / 540, -1. / 288, 1. / 378, -77. / 77760}
	temme2 = [...]float64{25. / 6048, -139. / 51840}
)

func polynomial(x float64, c []float64) float64 {
	v := 0.0
	for i := len(c) - 1; i >= 0; i-- {
		v = v*x + c[i]
	}
	return v
}
