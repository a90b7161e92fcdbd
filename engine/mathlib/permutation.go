package mathlib

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Alternative is the side on which a permutation test counts.
type Alternative string

// The alternatives of [PermutationTest].
const (
	TwoSided Alternative = "two_sided" // at least as far from 0
	Greater  Alternative = "greater"   // at least as great
	Less     Alternative = "less"      // at least as small
)

// Permuted is the result of [PermutationTest].
type Permuted struct {
	Observed, P    float64
	Extreme, Draws int64
}

// PermutationTest compares two means: each draw splits the pooled values at random into groups
// of the same sizes and counts where the difference of means is at least as far out as the
// observed one, mean(xs)-mean(ys). Differences equal but for rounding count. p is
// (1+extreme)/(1+draws), which is never 0 (Phipson and Smyth 2010).
func PermutationTest(ctx context.Context, xs, ys []float64, draws int64, seed uint64, alt Alternative) (Permuted, error) {
	if len(xs) == 0 || len(ys) == 0 {
		return Permuted{}, badf("needs at least 1 value on each side")
	}
	if err := checkDraws(draws); err != nil {
		return Permuted{}, err
	}
	if alt != TwoSided && alt != Greater && alt != Less {
		return Permuted{}, badf("alternative must be %q, %q or %q, got %q", TwoSided, Greater, Less, alt)
	}
	p := newSplitter(xs, ys, alt)
	s, picks, extreme := NewStream(seed, 0), 0, int64(0)
	for range draws {
		if p.extreme(p.split(s)) {
			extreme++
		}
		if picks += p.size; picks >= patience {
			picks = 0
			if err := ctx.Err(); err != nil {
				return Permuted{}, fmt.Errorf("permuting: %w", err)
			}
		}
	}
	return Permuted{
		Observed: mean(xs) - mean(ys), P: float64(1+extreme) / float64(1+draws), Extreme: extreme, Draws: draws,
	}, nil
}

// splitter draws splits of a pool. It picks the smaller group; what remains is the other.
type splitter struct {
	pool     []float64 // reordered by each split
	size     int       // of the group picked
	sign     float64   // -1 where that is ys
	total    float64
	observed float64
	slack    float64 // what rounding may do to a difference
	alt      Alternative
}

func newSplitter(xs, ys []float64, alt Alternative) *splitter {
	p := &splitter{pool: slices.Concat(xs, ys), size: len(xs), sign: 1, alt: alt}
	if len(ys) < len(xs) {
		p.pool, p.size, p.sign = slices.Concat(ys, xs), len(ys), -1
	}
	p.total = sum(p.pool)
	var a accumulator
	for _, v := range p.pool {
		a.add(math.Abs(v))
	}
	p.slack = 0x1p-50 * a.value() * (1/float64(len(xs)) + 1/float64(len(ys)))
	p.observed = p.difference(sum(p.pool[:p.size]))
	return p
}

func (p *splitter) difference(picked float64) float64 {
	return p.sign * (picked/float64(p.size) - (p.total-picked)/float64(len(p.pool)-p.size))
}

// split moves a fresh random group to the front of the pool: the first steps of a shuffle, whose
// choice is uniform whatever the order before.
func (p *splitter) split(s *Stream) float64 {
	var a accumulator
	for i := range p.size {
		j := i + int(s.below(uint64(len(p.pool)-i)))
		p.pool[i], p.pool[j] = p.pool[j], p.pool[i]
		a.add(p.pool[i])
	}
	return p.difference(a.value())
}

func (p *splitter) extreme(d float64) bool {
	switch p.alt {
	case Greater:
		return d >= p.observed-p.slack
	case Less:
		return d <= p.observed+p.slack
	}
	return math.Abs(d) >= math.Abs(p.observed)-p.slack
}
