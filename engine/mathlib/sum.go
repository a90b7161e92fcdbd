package mathlib

import "math"

// accumulator adds numbers with the rounding errors carried along (Neumaier 1974), so that a
// sum does not depend on the order of its terms beyond the last bit.
type accumulator struct{ sum, lost float64 }

func (a *accumulator) add(v float64) {
	s := a.sum + v
	if math.Abs(a.sum) >= math.Abs(v) {
		a.lost += (a.sum - s) + v
	} else {
		a.lost += (v - s) + a.sum
	}
	a.sum = s
}

// value is the sum; an overflow shows as an infinity, not as the NaN of its lost part.
func (a *accumulator) value() float64 {
	if math.IsInf(a.sum, 0) {
		return a.sum
	}
	return a.sum + a.lost
}

func sum(t []float64) float64 {
	var a accumulator
	for _, v := range t {
		a.add(v)
	}
	return a.value()
}
