// Package mathlib is the arithmetic behind alc.math: descriptive statistics, distributions,
// tests, ranking, information theory, resampling and seeded sampling over plain float64 slices.
//
// It knows neither Lua nor sessions. Functions take slices that they do not change and return
// fresh results; nothing is kept between calls, so everything but a [Stream] is safe for
// concurrent use. The same arguments give the same result, to the last bit, on one
// architecture: sums run in a fixed order, and random numbers come from an explicit [Stream] or
// seed.
//
// Slices are expected to hold finite numbers, as alc.math checks before it calls. What a
// function's own range excludes is an [*ArgumentError], whose text is for the author of the
// script. Work that can take long takes a context and returns its error when it is cancelled.
//
// Start with describe.go; stream.go explains the random numbers.
package mathlib

import (
	"errors"
	"fmt"
)

// ErrArgument is matched by every [*ArgumentError].
var ErrArgument = errors.New("argument out of range")

// ArgumentError says which argument a function cannot work with, and why.
type ArgumentError struct{ Text string }

func (e *ArgumentError) Error() string { return e.Text }

// Is makes errors.Is(err, ErrArgument) true.
func (e *ArgumentError) Is(t error) bool { return t == ErrArgument }

func badf(format string, args ...any) error {
	return &ArgumentError{Text: fmt.Sprintf(format, args...)}
}

// nonEmpty refuses an empty sample.
func nonEmpty(t []float64) error {
	if len(t) == 0 {
		return badf("the array is empty")
	}
	return nil
}

// paired refuses two samples that are not of one length of at least min.
func paired(a, b []float64, min int) error {
	if len(a) != len(b) {
		return badf("both arrays must have the same length, got %d and %d", len(a), len(b))
	}
	if len(a) < min {
		return badf("needs at least %d values on each side, got %d", min, len(a))
	}
	return nil
}

// within refuses a value outside lo..hi, NaN included.
func within(what string, v, lo, hi float64) error {
	if !(v >= lo && v <= hi) {
		return badf("%s must lie in %v..%v, got %v", what, lo, hi, v)
	}
	return nil
}

// positive refuses a value that is not finite and above 0.
func positive(what string, v float64) error {
	if !(v > 0 && v <= maxFloat) {
		return badf("%s must be a finite number above 0, got %v", what, v)
	}
	return nil
}

const maxFloat = 0x1p1023 * (1 + (1 - 0x1p-52))
