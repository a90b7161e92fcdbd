package engine

import (
	"context"
	"math"

	"github.com/algocline/algocline/engine/mathlib"
	"github.com/algocline/algocline/value"
)

// mathStatistics are statistics and transforms of samples.
var mathStatistics = map[string]mathFunc{
	"mean":                 array1(mathlib.Mean),
	"variance":             array1(mathlib.Variance),
	"stddev":               array1(mathlib.StdDev),
	"median":               array1(mathlib.Median),
	"iqr":                  array1(mathlib.IQR),
	"logsumexp":            array1(mathlib.LogSumExp),
	"entropy":              array1(mathlib.Entropy),
	"mrr":                  array1(mathlib.MRR),
	"covariance":           array2(mathlib.Covariance),
	"correlation":          array2(mathlib.Correlation),
	"spearman_correlation": array2(mathlib.Spearman),
	"kendall_tau":          array2(mathlib.KendallTau),
	"kl_divergence":        array2(mathlib.KLDivergence),
	"js_divergence":        array2(mathlib.JSDivergence),
	"cross_entropy":        array2(mathlib.CrossEntropy),
	"tvd":                  array2(mathlib.TVD),
	"hellinger":            array2(mathlib.Hellinger),
	"brier_score":          array2(mathlib.BrierScore),
	"cohens_d":             array2(mathlib.CohensD),
	"cliffs_delta":         array2(mathlib.CliffsDelta),
	"softmax":              mapped(mathlib.Softmax),
	"log_normalize":        mapped(mathlib.LogNormalize),
	"rank":                 mapped(mathlib.Rank),
	"holm":                 mapped(mathlib.Holm),
	"benjamini_hochberg":   mapped(mathlib.BenjaminiHochberg),
	"percentile": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.Percentile(a.floats(0), a.float(1)))
	},
	"moving_average": func(_ *Session, a arguments) (value.List, error) {
		return asNumbers(mathlib.MovingAverage(a.floats(0), int(a.int(1))))
	},
	"ewma": func(_ *Session, a arguments) (value.List, error) {
		return asNumbers(mathlib.EWMA(a.floats(0), a.float(1)))
	},
	"autocorrelation": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.Autocorrelation(a.floats(0), int(a.int(1))))
	},
	"ndcg": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.NDCG(a.floats(0), int(a.int(1))))
	},
	"wasserstein_1d": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.Wasserstein(a.floats(0), a.floats(1), a.floats(2)))
	},
	"mutual_information": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.MutualInformation(a.rows(0)))
	},
	"histogram": func(s *Session, a arguments) (value.List, error) {
		if err := room(s, "bins", a.int(1), elementCost); err != nil {
			return nil, err
		}
		b, err := mathlib.Histogram(a.floats(0), int(a.int(1)))
		l := value.AppendString(value.AppendTable(nil, 0, 2), "counts")
		l = value.AppendString(value.AppendInts(l, b.Counts), "edges")
		return value.AppendFloats(l, b.Edges), err
	},
	"permutations": func(_ *Session, a arguments) (value.List, error) {
		orders, err := mathlib.Permutations(int(a.int(0)))
		l := value.AppendTable(nil, len(orders), 0)
		for _, o := range orders {
			l = value.AppendInts(l, o)
		}
		return l, err
	},
	"calibration_error": func(s *Session, a arguments) (value.List, error) {
		if err := room(s, "bins", a.int(2), tableCost); err != nil {
			return nil, err
		}
		c, err := mathlib.CalibrationError(a.floats(0), a.floats(1), int(a.int(2)))
		l := value.AppendString(value.AppendTable(nil, 0, 4), "bins")
		l = value.AppendTable(l, len(c.Bins), 0)
		for _, b := range c.Bins {
			l = value.AppendFloat(value.AppendString(value.AppendTable(l, 0, 3), "accuracy"), b.Accuracy)
			l = value.AppendFloat(value.AppendString(l, "confidence"), b.Confidence)
			l = value.AppendInt(value.AppendString(l, "count"), b.Count)
		}
		l = value.AppendInt(value.AppendString(l, "bins_used"), c.Used)
		l = value.AppendFloat(value.AppendString(l, "ece"), c.ECE)
		return value.AppendFloat(value.AppendString(l, "mce"), c.MCE), err
	},
}

// mathFunctions are special functions and distributions.
var mathFunctions = map[string]mathFunc{
	"erf":                          number1(math.Erf),
	"erfc":                         number1(math.Erfc),
	"lgamma":                       number1(mathlib.LGamma),
	"digamma":                      number1(mathlib.Digamma),
	"expit":                        number1(mathlib.Expit),
	"beta":                         number2(mathlib.Beta),
	"ln_beta":                      number2(mathlib.LnBeta),
	"regularized_incomplete_beta":  number3(mathlib.IncBeta),
	"regularized_incomplete_gamma": number2(mathlib.IncGamma),
	"normal_cdf":                   number3(mathlib.NormalCDF),
	"normal_inverse_cdf":           number3(mathlib.NormalInverseCDF),
	"beta_cdf":                     number3(mathlib.BetaCDF),
	"beta_ppf":                     number3(mathlib.BetaQuantile),
	"beta_mean":                    number2(mathlib.BetaMean),
	"beta_variance":                number2(mathlib.BetaVariance),
	"gamma_cdf":                    number3(mathlib.GammaCDF),
	"logit": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.Logit(a.float(0)))
	},
	"normal_ppf": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.NormalQuantile(a.float(0)))
	},
	"factorial": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.Factorial(a.int(0)))
	},
	"ln_factorial": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.LnFactorial(a.int(0)))
	},
	"poisson_cdf": func(_ *Session, a arguments) (value.List, error) {
		return asNumber(mathlib.PoissonCDF(a.int(0), a.float(1)))
	},
}

// mathTests are tests and intervals, whose results are records.
var mathTests = map[string]mathFunc{
	"wilson_ci": func(_ *Session, a arguments) (value.List, error) {
		i, err := mathlib.WilsonCI(a.float(0), a.float(1), a.float(2))
		return asRecord("center", i.Center, "lower", i.Lower, "upper", i.Upper), err
	},
	"welch_t_test": func(_ *Session, a arguments) (value.List, error) {
		t, err := mathlib.WelchTTest(a.floats(0), a.floats(1))
		return asRecord("df", t.DF, "p_value", t.P, "t_stat", t.T), err
	},
	"mann_whitney_u": func(_ *Session, a arguments) (value.List, error) {
		t, err := mathlib.MannWhitneyU(a.floats(0), a.floats(1), a.at(2) == true)
		return asRecord("p_value", t.P, "u_stat", t.U, "z_score", t.Z), err
	},
	"chi_squared_test": func(_ *Session, a arguments) (value.List, error) {
		t, err := mathlib.ChiSquaredTest(a.floats(0), a.floats(1))
		return asRecord("chi2_stat", t.Chi2, "df", t.DF, "p_value", t.P), err
	},
	"ks_test": func(_ *Session, a arguments) (value.List, error) {
		t, err := mathlib.KSTest(a.floats(0), a.floats(1))
		return asRecord("d_stat", t.D, "p_value", t.P), err
	},
}

// mathResamplers can take long.
var mathResamplers = map[string]func(context.Context, *Session, arguments) (value.List, error){
	"bootstrap_mean": bootstrap("observations", 1, func(ctx context.Context, a arguments, r mathlib.Resampling) (mathlib.Bootstrap, error) {
		return mathlib.BootstrapMean(ctx, a.floats(0), r)
	}),
	"paired_bootstrap_diff": bootstrap("observations", 2, func(ctx context.Context, a arguments, r mathlib.Resampling) (mathlib.Bootstrap, error) {
		return mathlib.PairedBootstrapDiff(ctx, a.floats(0), a.floats(1), r)
	}),
	"cluster_bootstrap_mean": bootstrap("clusters", 1, func(ctx context.Context, a arguments, r mathlib.Resampling) (mathlib.Bootstrap, error) {
		return mathlib.ClusterBootstrapMean(ctx, a.rows(0), r)
	}),
	"cluster_bootstrap_diff": bootstrap("clusters", 2, func(ctx context.Context, a arguments, r mathlib.Resampling) (mathlib.Bootstrap, error) {
		return mathlib.ClusterBootstrapDiff(ctx, a.rows(0), a.rows(1), r)
	}),
	"cluster_bootstrap_ratio": bootstrap("clusters", 2, func(ctx context.Context, a arguments, r mathlib.Resampling) (mathlib.Bootstrap, error) {
		return mathlib.ClusterBootstrapRatio(ctx, a.rows(0), a.rows(1), r)
	}),
	"permutation_test": func(ctx context.Context, _ *Session, a arguments) (value.List, error) {
		p, err := mathlib.PermutationTest(ctx, a.floats(0), a.floats(1), a.int(2), uint64(a.int(3)), mathlib.Alternative(a.text(4)))
		return asRecord("draws", p.Draws, "extreme_draws", p.Extreme, "observed", p.Observed, "p_value", p.P), err
	},
}

// bootstrap fits a resampling of that many samples; draws, seed and confidence follow them.
func bootstrap(units string, samples int, fn func(context.Context, arguments, mathlib.Resampling) (mathlib.Bootstrap, error)) func(context.Context, *Session, arguments) (value.List, error) {
	return func(ctx context.Context, s *Session, a arguments) (value.List, error) {
		if err := room(s, "draws", a.int(samples), numberCost); err != nil {
			return nil, err
		}
		b, err := fn(ctx, a, mathlib.Resampling{Draws: a.int(samples), Seed: uint64(a.int(samples + 1)), Confidence: a.float(samples + 2)})
		if units == "clusters" {
			return asRecord("clusters", b.Units, "draws_used", b.Used, "lower", b.Lower, "point", b.Point,
				"undefined_draws", b.Undefined, "upper", b.Upper), err
		}
		return asRecord("draws_used", b.Used, "lower", b.Lower, "observations", b.Units, "point", b.Point,
			"undefined_draws", b.Undefined, "upper", b.Upper), err
	}
}
