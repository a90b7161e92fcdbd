package mathlib

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"
)

// within a second, without a panic, and with an error of ours if any.
func survives(t *testing.T, name string, fn func() error) {
	t.Helper()
	began := time.Now()
	if err := fn(); err != nil && !errors.Is(err, ErrArgument) {
		t.Errorf("%s: %v", name, err)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("%s took %v", name, d)
	}
}

var extremes = []float64{0, 5e-324, 1e-300, 1e-10, 0.3, 1, 9.5, 21, 1e3, 2.5e4, 1e8, 1e11, 1e16, 1e155, 1e300, math.MaxFloat64,
	math.Inf(1), -0.5, -3, -1e300, math.Inf(-1), math.NaN()}

// Any three numbers are answered in time: scripts decide what these functions get.
func FuzzNumbers(f *testing.F) {
	for i, x := range extremes {
		f.Add(x, extremes[(i*7+3)%len(extremes)], extremes[(i*5+1)%len(extremes)], uint64(i))
	}
	f.Fuzz(func(t *testing.T, x, a, b float64, seed uint64) { tryNumbers(t, x, a, b, seed) })
}

func TestExtremes(t *testing.T) {
	for _, x := range extremes {
		for _, a := range extremes {
			for _, b := range extremes {
				tryNumbers(t, x, a, b, 1)
			}
		}
	}
}

func tryNumbers(t *testing.T, x, a, b float64, seed uint64) {
	for _, one := range []func(float64) float64{LGamma, Digamma, Expit} {
		one(x)
	}
	share := func(name string, v float64, err error) error {
		if err == nil && (v < 0 || v > 1) {
			t.Errorf("%s(%v, %v, %v) = %v", name, x, a, b, v)
		}
		return err
	}
	for name, fn := range map[string]func(x, a, b float64) (float64, error){
		"incomplete beta": IncBeta, "beta cdf": BetaCDF, "beta ppf": BetaQuantile, "gamma cdf": GammaCDF, "normal cdf": NormalCDF,
		"incomplete gamma": func(x, a, _ float64) (float64, error) { return IncGamma(a, x) },
		"poisson":          func(x, a, _ float64) (float64, error) { return PoissonCDF(int64(math.Abs(x)), a) },
	} {
		survives(t, name, func() error {
			v, err := fn(x, a, b)
			return share(name, v, err)
		})
	}
	s := NewStream(seed, 0)
	for name, fn := range map[string]func() error{
		"normal inverse": func() error { _, err := NormalInverseCDF(x, a, b); return err },
		"wilson":         func() error { _, err := WilsonCI(x, a, b); return err },
		"logit":          func() error { _, err := Logit(x); return err },
		"beta":           func() error { _, err := Beta(a, b); return err },
		"beta variance":  func() error { _, err := BetaVariance(a, b); return err },
		"ln_factorial":   func() error { _, err := LnFactorial(int64(x)); return err },
		"normal":         func() error { _, err := s.Normal(a, b); return err },
		"lognormal":      func() error { _, err := s.LogNormal(a, b); return err },
		"uniform":        func() error { _, err := s.Uniform(a, b); return err },
		"exp":            func() error { _, err := s.Exp(a); return err },
		"gamma sample":   func() error { _, err := s.Gamma(a, b); return err },
		"beta sample":    func() error { _, err := s.Beta(a, b); return err },
		"student":        func() error { _, err := s.StudentT(a); return err },
		"chi squared":    func() error { _, err := s.ChiSquared(a); return err },
		"poisson sample": func() error { _, err := s.Poisson(a); return err },
		"binomial":       func() error { _, err := s.Binomial(int64(math.Abs(a)), x); return err },
	} {
		survives(t, name, fn)
	}
}

// Any arrays of finite numbers are answered without a panic.
func FuzzArrays(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x04\xc0"), 1.5, uint16(1))
	f.Add(make([]byte, 80), 0.0, uint16(3))
	f.Fuzz(func(t *testing.T, data []byte, v float64, n uint16) {
		var x list
		for ; len(data) >= 8; data = data[8:] {
			if d := math.Float64frombits(binary.LittleEndian.Uint64(data)); d-d == 0 {
				x = append(x, d)
			}
		}
		y := x[len(x)/2:]
		x = x[:len(x)/2]
		k := int(n)
		for name, fn := range map[string]func(list) (float64, error){"mean": Mean, "stddev": StdDev, "iqr": IQR, "logsumexp": LogSumExp, "mrr": MRR, "entropy": Entropy} {
			survives(t, name, func() error { _, err := fn(x); return err })
		}
		for name, fn := range map[string]func(a, b list) (float64, error){
			"covariance": Covariance, "correlation": Correlation, "spearman": Spearman, "kendall": KendallTau, "kl": KLDivergence, "js": JSDivergence,
			"tvd": TVD, "hellinger": Hellinger, "cohens_d": CohensD, "cliffs_delta": CliffsDelta, "brier": BrierScore,
		} {
			survives(t, name, func() error { _, err := fn(x, y); return err })
		}
		for name, fn := range map[string]func(list) (list, error){"softmax": Softmax, "log_normalize": LogNormalize, "rank": Rank, "holm": Holm, "bh": BenjaminiHochberg} {
			survives(t, name, func() error { _, err := fn(x); return err })
		}
		for name, fn := range map[string]func() error{
			"histogram":   func() error { _, err := Histogram(x, k); return err },
			"moving":      func() error { _, err := MovingAverage(x, k); return err },
			"lag":         func() error { _, err := Autocorrelation(x, k); return err },
			"ewma":        func() error { _, err := EWMA(x, v); return err },
			"percentile":  func() error { _, err := Percentile(x, v); return err },
			"ndcg":        func() error { _, err := NDCG(x, k); return err },
			"welch":       func() error { _, err := WelchTTest(x, y); return err },
			"u":           func() error { _, err := MannWhitneyU(x, y, k%2 == 0); return err },
			"chi squared": func() error { _, err := ChiSquaredTest(x, y); return err },
			"ks":          func() error { _, err := KSTest(x, y); return err },
			"wasserstein": func() error { _, err := Wasserstein(x, x, y); return err },
			"joint":       func() error { _, err := MutualInformation([]list{x, y}); return err },
			"calibration": func() error { _, err := CalibrationError(x, y, k%50); return err },
			"permutation": func() error { _, err := PermutationTest(t.Context(), x, y, int64(k%20), 1, TwoSided); return err },
			"bootstrap":   func() error { _, err := BootstrapMean(t.Context(), x, times(int64(k%20), v)); return err },
			"cluster ratio": func() error {
				_, err := ClusterBootstrapRatio(t.Context(), []list{x, y}, []list{y, x}, times(int64(k%20), 0.9))
				return err
			},
			"dirichlet":   func() error { _, err := NewStream(1, 0).Dirichlet(x); return err },
			"categorical": func() error { _, err := NewStream(1, 0).Categorical(x); return err },
		} {
			survives(t, name, fn)
		}
	})
}
