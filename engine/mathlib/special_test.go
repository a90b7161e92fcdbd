package mathlib

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// ok drops an error that the arguments of a test cannot cause.
func ok(v float64, err error) float64 {
	if err != nil {
		panic(err)
	}
	return v
}

// accuracy is how far each function may be from the truth, relative to it, or absolutely where it
// is near 0.
var accuracy = map[string]struct {
	fn    func(a []float64) float64
	tol   float64
	near0 float64
}{
	"erf":             {func(a []float64) float64 { return math.Erf(a[0]) }, 1e-15, 0},
	"erfc":            {func(a []float64) float64 { return math.Erfc(a[0]) }, 1e-13, 0},
	"lgamma":          {func(a []float64) float64 { return LGamma(a[0]) }, 1e-14, 0},
	"digamma":         {func(a []float64) float64 { return Digamma(a[0]) }, 1e-14, 1e-15},
	"beta":            {func(a []float64) float64 { return ok(Beta(a[0], a[1])) }, 1e-13, 0},
	"ln_beta":         {func(a []float64) float64 { return ok(LnBeta(a[0], a[1])) }, 1e-13, 0},
	"inc_beta":        {func(a []float64) float64 { return ok(IncBeta(a[0], a[1], a[2])) }, 1e-12, 0},
	"inc_beta_large":  {func(a []float64) float64 { return ok(IncBeta(a[0], a[1], a[2])) }, 1e-9, 0},
	"inc_gamma":       {func(a []float64) float64 { return ok(IncGamma(a[0], a[1])) }, 1e-11, 0},
	"inc_gamma_upper": {func(a []float64) float64 { return incGammaUpper(a[0], a[1]) }, 1e-11, 0},
	"normal_ppf":      {func(a []float64) float64 { return ok(NormalQuantile(a[0])) }, 1e-14, 0},
	"factorial":       {func(a []float64) float64 { return ok(Factorial(int64(a[0]))) }, 0, 0},
	"ln_factorial":    {func(a []float64) float64 { return ok(LnFactorial(int64(a[0]))) }, 1e-15, 0},
	"t_two_sided":     {func(a []float64) float64 { return tTwoSided(a[0], a[1]) }, 1e-12, 0},
	"poisson_cdf":     {func(a []float64) float64 { return ok(PoissonCDF(int64(a[0]), a[1])) }, 1e-12, 0},
	"kolmogorov":      {func(a []float64) float64 { return kolmogorov(a[0]) }, 1e-14, 0},
}

func TestSpecialFunctions(t *testing.T) {
	f, err := os.Open("testdata/special.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]int{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",")
		a := make([]float64, len(fields)-1)
		for i, s := range fields[1:] {
			if a[i], err = strconv.ParseFloat(s, 64); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		want := a[len(a)-1]
		fn, known := accuracy[fields[0]]
		if !known {
			t.Fatalf("%s: no such function", line)
		}
		seen[fields[0]]++
		got := fn.fn(a[:len(a)-1])
		if d := math.Abs(got - want); got != want && !(d <= max(fn.tol*math.Abs(want), fn.near0)) {
			t.Errorf("%s(%v) = %v, want %v: off by %.1e", fields[0], a[:len(a)-1], got, want, d/math.Abs(want))
		}
	}
	for name := range accuracy {
		if seen[name] == 0 {
			t.Errorf("%s has no values to compare with", name)
		}
	}
}
