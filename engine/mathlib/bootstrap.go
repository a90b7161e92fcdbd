package mathlib

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// MaxDraws is the most draws of one resampling.
const MaxDraws = 10_000_000

// DefaultConfidence is what alc.math takes where a script names none.
const DefaultConfidence = 0.95

// Resampling says how often to draw and which part of the draws the interval holds.
type Resampling struct {
	Draws      int64  // 1..MaxDraws
	Seed       uint64 // of the [Stream]
	Confidence float64
}

// Bootstrap is a statistic with its percentile interval (Efron 1979).
type Bootstrap struct {
	Point, Lower, Upper float64
	Used, Undefined     int64 // draws; an undefined one is left out
	Units               int64 // values, pairs or clusters that were drawn from
}

func checkDraws(n int64) error {
	if n < 1 || n > MaxDraws {
		return badf("draws must lie in 1..%d, got %d", MaxDraws, n)
	}
	return nil
}

// patience is how many picks are made between two looks at the context.
const patience = 1 << 16

// bootstrap draws units 0..n-1 with replacement, n of them a draw. fresh forgets the last draw,
// take adds a unit, and value is the statistic of what was taken, false where it is undefined.
func bootstrap(ctx context.Context, n int, r Resampling, fresh func(), take func(int), value func() (float64, bool)) (Bootstrap, error) {
	if err := checkDraws(r.Draws); err != nil {
		return Bootstrap{}, err
	}
	if err := within("confidence", r.Confidence, 0, 1); err != nil {
		return Bootstrap{}, err
	}
	if n < 2 {
		return Bootstrap{}, badf("needs at least 2 units to draw from, got %d: from one, every draw is the same", n)
	}
	fresh()
	for i := range n {
		take(i)
	}
	b := Bootstrap{Units: int64(n)}
	var defined bool
	if b.Point, defined = value(); !defined {
		return Bootstrap{}, badf("the statistic is undefined on the data")
	}
	draws := make([]float64, 0, r.Draws)
	s, picks := NewStream(r.Seed, 0), 0
	for range r.Draws {
		fresh()
		for range n {
			take(int(s.below(uint64(n))))
		}
		if v, defined := value(); defined {
			draws = append(draws, v)
		} else {
			b.Undefined++
		}
		if picks += n; picks >= patience {
			picks = 0
			if err := ctx.Err(); err != nil {
				return Bootstrap{}, fmt.Errorf("resampling: %w", err)
			}
		}
	}
	if len(draws) == 0 {
		return Bootstrap{}, badf("the statistic is undefined on every draw")
	}
	slices.Sort(draws)
	b.Used = int64(len(draws))
	b.Lower = quantile(draws, (1-r.Confidence)/2)
	b.Upper = quantile(draws, 1-(1-r.Confidence)/2)
	return b, nil
}

// BootstrapMean resamples the mean of at least 2 values.
func BootstrapMean(ctx context.Context, values []float64, r Resampling) (Bootstrap, error) {
	if err := nonEmpty(values); err != nil {
		return Bootstrap{}, err
	}
	var a accumulator
	n := float64(len(values))
	return bootstrap(ctx, len(values), r,
		func() { a = accumulator{} },
		func(i int) { a.add(values[i]) },
		func() (float64, bool) { return a.value() / n, true })
}

// PairedBootstrapDiff resamples the mean of xs[i]-ys[i] by pairs.
func PairedBootstrapDiff(ctx context.Context, xs, ys []float64, r Resampling) (Bootstrap, error) {
	if err := paired(xs, ys, 1); err != nil {
		return Bootstrap{}, err
	}
	d := make([]float64, len(xs))
	for i := range d {
		d[i] = xs[i] - ys[i]
	}
	return BootstrapMean(ctx, d, r)
}

// pooled is what the drawn clusters hold together.
type pooled struct {
	sum   accumulator
	count int
}

func (p *pooled) take(c cluster) {
	p.sum.add(c.sum)
	p.count += c.count
}

func (p *pooled) mean() float64 { return p.sum.value() / float64(p.count) }

// cluster is all that a draw needs to know of one.
type cluster struct {
	sum   float64
	count int
}

func clusters(by [][]float64) []cluster {
	cs := make([]cluster, len(by))
	for i, c := range by {
		cs[i] = cluster{sum(c), len(c)}
	}
	return cs
}

// ClusterBootstrapMean resamples whole clusters (Field and Welsh 2007). The mean is over all
// observations of the drawn clusters; a draw without any is undefined.
func ClusterBootstrapMean(ctx context.Context, by [][]float64, r Resampling) (Bootstrap, error) {
	cs := clusters(by)
	var p pooled
	return bootstrap(ctx, len(cs), r,
		func() { p = pooled{} },
		func(i int) { p.take(cs[i]) },
		func() (float64, bool) { return p.mean(), p.count > 0 })
}

// ClusterBootstrapDiff resamples the difference of two such means; one draw of clusters serves
// both sides.
func ClusterBootstrapDiff(ctx context.Context, a, b [][]float64, r Resampling) (Bootstrap, error) {
	as, bs, err := pairedClusters(a, b)
	if err != nil {
		return Bootstrap{}, err
	}
	var p, q pooled
	return bootstrap(ctx, len(as), r,
		func() { p, q = pooled{}, pooled{} },
		func(i int) { p.take(as[i]); q.take(bs[i]) },
		func() (float64, bool) { return p.mean() - q.mean(), p.count > 0 && q.count > 0 })
}

// ClusterBootstrapRatio resamples the ratio of sums; one draw of clusters serves both. A draw is
// undefined where its denominator is 0 or has not the sign of the whole one.
func ClusterBootstrapRatio(ctx context.Context, num, den [][]float64, r Resampling) (Bootstrap, error) {
	ns, ds, err := pairedClusters(num, den)
	if err != nil {
		return Bootstrap{}, err
	}
	var whole accumulator
	for _, d := range ds {
		whole.add(d.sum)
	}
	sign := whole.value()
	var p, q pooled
	return bootstrap(ctx, len(ns), r,
		func() { p, q = pooled{}, pooled{} },
		func(i int) { p.take(ns[i]); q.take(ds[i]) },
		func() (float64, bool) {
			d := q.sum.value()
			return p.sum.value() / d, d != 0 && math.Signbit(d) == math.Signbit(sign)
		})
}

func pairedClusters(a, b [][]float64) (as, bs []cluster, err error) {
	if len(a) != len(b) {
		return nil, nil, badf("both sides must have the same number of clusters, got %d and %d", len(a), len(b))
	}
	return clusters(a), clusters(b), nil
}
