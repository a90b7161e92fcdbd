package mathlib

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/stat/distuv"
)

func sampleOf(t *testing.T, n int, fn func(*Stream) (float64, error)) []float64 {
	t.Helper()
	s, out := NewStream(21, 0), make([]float64, n)
	for i := range out {
		v, err := fn(s)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

// Samples of continuous distributions against their distribution functions (Kolmogorov).
func TestContinuousSamples(t *testing.T) {
	const n = 20000
	type dist = func(x float64) float64
	gamma := func(shape, scale float64) dist {
		return func(x float64) float64 { return ok(GammaCDF(x, shape, scale)) }
	}
	for _, tt := range []struct {
		name string
		draw func(*Stream) (float64, error)
		cdf  dist
	}{
		{"normal", func(s *Stream) (float64, error) { return s.Normal(5, 2) }, distuv.Normal{Mu: 5, Sigma: 2}.CDF},
		{"normal, mirrored", func(s *Stream) (float64, error) { return s.Normal(5, -2) }, distuv.Normal{Mu: 5, Sigma: 2}.CDF},
		{"lognormal", func(s *Stream) (float64, error) { return s.LogNormal(1, 0.5) }, distuv.LogNormal{Mu: 1, Sigma: 0.5}.CDF},
		{"uniform", func(s *Stream) (float64, error) { return s.Uniform(2, 5) }, distuv.Uniform{Min: 2, Max: 5}.CDF},
		{"exp", func(s *Stream) (float64, error) { return s.Exp(2) }, distuv.Exponential{Rate: 2}.CDF},
		{"gamma", func(s *Stream) (float64, error) { return s.Gamma(2, 3) }, gamma(2, 3)},
		{"gamma of 1", func(s *Stream) (float64, error) { return s.Gamma(1, 3) }, gamma(1, 3)},
		{"gamma below 1", func(s *Stream) (float64, error) { return s.Gamma(0.5, 1) }, gamma(0.5, 1)},
		{"gamma far below 1", func(s *Stream) (float64, error) { return s.Gamma(0.05, 1) }, gamma(0.05, 1)},
		{"beta", func(s *Stream) (float64, error) { return s.Beta(2, 3) }, distuv.Beta{Alpha: 2, Beta: 3}.CDF},
		{"student", func(s *Stream) (float64, error) { return s.StudentT(3) }, distuv.StudentsT{Sigma: 1, Nu: 3}.CDF},
		{"student, normal", func(s *Stream) (float64, error) { return s.StudentT(math.Inf(1)) }, distuv.UnitNormal.CDF},
		{"chi squared", func(s *Stream) (float64, error) { return s.ChiSquared(4) }, gamma(2, 2)},
		{"dirichlet", func(s *Stream) (float64, error) {
			d, err := s.Dirichlet([]float64{1, 2, 3})
			return d[1], err
		}, distuv.Beta{Alpha: 2, Beta: 4}.CDF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, d := sampleOf(t, n, tt.draw), 0.0
			slices.Sort(x)
			for i, v := range x {
				p := tt.cdf(v)
				d = max(d, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
			}
			if p := kolmogorov(math.Sqrt(n) * d); p < 1e-3 {
				t.Errorf("p = %v", p)
			}
		})
	}
}

// Counts against their distribution functions, by cells of about equal chance.
func TestDiscreteSamples(t *testing.T) {
	const n, cells = 20000, 12
	count := func(fn func(*Stream) (int64, error)) func(*Stream) (float64, error) {
		return func(s *Stream) (float64, error) {
			v, err := fn(s)
			return float64(v), err
		}
	}
	poisson := func(l float64) (func(*Stream) (float64, error), func(float64) float64) {
		return count(func(s *Stream) (int64, error) { return s.Poisson(l) }),
			func(k float64) float64 { return ok(PoissonCDF(int64(k), l)) }
	}
	binomial := func(n int64, p float64) (func(*Stream) (float64, error), func(float64) float64) {
		return count(func(s *Stream) (int64, error) { return s.Binomial(n, p) }),
			func(k float64) float64 {
				if k >= float64(n) {
					return 1
				}
				return incBeta(1-p, p, float64(n)-k, k+1)
			}
	}
	tests := map[string]func() (func(*Stream) (float64, error), func(float64) float64){}
	for _, l := range []float64{0.3, 3, 30, 1e6, 1e14} {
		tests[fmt.Sprintf("poisson %v", l)] = func() (func(*Stream) (float64, error), func(float64) float64) { return poisson(l) }
	}
	for _, b := range []struct {
		n int64
		p float64
	}{{10, 0.3}, {10, 0.9}, {100, 0.005}, {1000, 0.4}, {1000, 0.8}, {3_000_000, 1e-7}, {1 << 40, 0.25}, {math.MaxInt64, 1e-17}} {
		tests[fmt.Sprintf("binomial %v", b)] = func() (func(*Stream) (float64, error), func(float64) float64) { return binomial(b.n, b.p) }
	}
	for name, pair := range tests {
		t.Run(name, func(t *testing.T) {
			draw, cdf := pair()
			x := sampleOf(t, n, draw)
			slices.Sort(x)
			// Cells end at sample values, so that each holds a fair part.
			chi2, used, from, below := 0.0, -1, 0, 0.0
			for from < n {
				at := min(from+n/cells, n-1)
				to, _ := slices.BinarySearch(x, x[at]+1)
				if n-to < n/cells/2 {
					to = n
				}
				upTo := 1.0
				if to < n {
					upTo = cdf(x[to-1])
				}
				expected := (upTo - below) * n
				chi2 += (float64(to-from) - expected) * (float64(to-from) - expected) / expected
				from, below, used = to, upTo, used+1
			}
			if used == 0 {
				return
			}
			if p := incGammaUpper(float64(used)/2, chi2/2); p < 1e-4 {
				t.Errorf("chi2 = %v of %d, p = %v", chi2, used, p)
			}
		})
	}
}

func TestSampleEdges(t *testing.T) {
	s, inf, nan := NewStream(1, 0), math.Inf(1), math.NaN()
	of := func(v any, err error) func() (any, error) { return func() (any, error) { return v, err } }
	f := func(v float64, err error) func() (any, error) { return of(v, err) }
	i := func(v int64, err error) func() (any, error) { return of(v, err) }
	cat := func(w ...float64) func() (any, error) {
		return func() (any, error) { return s.Categorical(w) }
	}
	check(t, []call{
		{"normal without spread", f(s.Normal(5, 0)), 5.0},
		{"normal, infinite spread", f(s.Normal(0, inf)), nil},
		{"normal, NaN spread", f(s.Normal(0, nan)), nil},
		{"lognormal without spread", f(s.LogNormal(0, 0)), 1.0},
		{"lognormal, infinite spread", f(s.LogNormal(0, inf)), nil},
		{"uniform of nothing", f(s.Uniform(5, 5)), nil},
		{"uniform backwards", f(s.Uniform(5, 2)), nil},
		{"uniform to infinity", f(s.Uniform(0, inf)), nil},
		{"uniform beyond a float", f(s.Uniform(-1e308, 1e308)), nil},
		{"uniform between neighbours", f(s.Uniform(1, math.Nextafter(1, 2))), 1.0},
		{"exp of rate 0", f(s.Exp(0)), inf},
		{"exp of infinite rate", f(s.Exp(inf)), 0.0},
		{"exp of rate -1", f(s.Exp(-1)), nil},
		{"exp of NaN", f(s.Exp(nan)), nil},
		{"gamma, shape 0", f(s.Gamma(0, 3)), nil},
		{"gamma, scale 0", f(s.Gamma(2, 0)), nil},
		{"gamma, infinite shape", f(s.Gamma(inf, 1)), inf},
		{"beta, shape -1", f(s.Beta(-1, 3)), nil},
		{"beta, infinite shape", f(s.Beta(inf, 3)), nil},
		{"student, df 0", f(s.StudentT(0)), nil},
		{"chi squared, df -2", f(s.ChiSquared(-2)), nil},
		{"poisson of 0", i(s.Poisson(0)), nil},
		{"poisson of infinity", i(s.Poisson(inf)), nil},
		{"poisson of too much", i(s.Poisson(1e19)), nil},
		{"binomial of none", i(s.Binomial(0, 0.5)), int64(0)},
		{"binomial of chance 0", i(s.Binomial(math.MaxInt64, 0)), int64(0)},
		{"binomial of chance 1", i(s.Binomial(math.MaxInt64, 1)), int64(math.MaxInt64)},
		{"binomial of NaN", i(s.Binomial(10, nan)), nil},
		{"binomial of -1", i(s.Binomial(-1, 0.5)), nil},
		{"dirichlet of one", of(s.Dirichlet([]float64{1})), nil},
		{"dirichlet of 0", of(s.Dirichlet([]float64{1, 0})), nil},
		{"categorical of one", cat(0, 0, 7, 0), 2},
		{"categorical of huge weights", cat(math.MaxFloat64, 0), 0},
		{"categorical of none", cat(), nil},
		{"categorical of zeros", cat(0, 0), nil},
		{"categorical of -1", cat(1, -1), nil},
	})
	// Shapes so small that gamma draws vanish.
	ones := 0.0
	for range 1000 {
		v, err := s.Beta(1e-300, 3e-300)
		if err != nil || v != 0 && v != 1 {
			t.Fatal(v, err)
		}
		ones += v
		d, err := s.Dirichlet([]float64{1e-300, 1e-300})
		if err != nil || d[0]+d[1] != 1 {
			t.Fatal(d, err)
		}
	}
	if math.Abs(ones-250) > 60 {
		t.Errorf("%v of 1000, want about 250", ones)
	}
}

// What a seed gives must not change with a dependency: sessions are replayed under later versions.
func TestSampleSequences(t *testing.T) {
	got := map[string]string{}
	put := func(name string, fn func(s *Stream) (any, error)) {
		s, line := NewStream(42, 0), ""
		for range 3 {
			v, err := fn(s)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprint(v, " ")
		}
		got[name] = line + fmt.Sprint(s.Pos())
	}
	put("normal", func(s *Stream) (any, error) { return s.Normal(0, 1) })
	put("exp", func(s *Stream) (any, error) { return s.Exp(1) })
	put("gamma 2", func(s *Stream) (any, error) { return s.Gamma(2, 1) })
	put("gamma 0.5", func(s *Stream) (any, error) { return s.Gamma(0.5, 1) })
	put("gamma 0.1", func(s *Stream) (any, error) { return s.Gamma(0.1, 1) })
	put("poisson 3", func(s *Stream) (any, error) { return s.Poisson(3) })
	put("poisson 30", func(s *Stream) (any, error) { return s.Poisson(30) })
	put("binomial 10", func(s *Stream) (any, error) { return s.Binomial(10, 0.3) })
	put("binomial 100", func(s *Stream) (any, error) { return s.Binomial(100, 0.3) })
	put("binomial 2^40", func(s *Stream) (any, error) { return s.Binomial(1<<40, 0.3) })
	put("shuffle", func(s *Stream) (any, error) { return s.Shuffled(5), nil })
	if d := cmp.Diff(sequences, got); d != "" {
		t.Errorf("sequences changed (-before +now):\n%s", d)
	}
}

var sequences = map[string]string{
	"binomial 10":   "3 3 2 30",
	"binomial 100":  "38 26 18 11",
	"binomial 2^40": "329853631798 329853624591 329853075768 273",
	"exp":           "0.17729577139099628 0.10684406328877386 1.2930505423361545 3",
	"gamma 0.1":     "3.616934815818859e-06 1.4287585963912542e-15 1.4814593226602215e-06 8",
	"gamma 0.5":     "0.25868832469091363 0.08533823900801288 0.09761559811689688 9",
	"gamma 2":       "2.491828321417368 0.970788648092293 1.5112858756576981 6",
	"normal":        "0.5556400715332843 0.4364997650875732 -0.6385047910546973 3",
	"poisson 3":     "3 0 2 8",
	"poisson 30":    "28 30 27 6",
	"shuffle":       "[3 0 1 4 2] [4 3 2 1 0] [3 1 2 4 0] 12",
}
