package engine

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/algocline/algocline/engine/mathlib"
	"github.com/algocline/algocline/value"
)

// mathOps answer alc.math: pure requests "math.NAME". The library's theme has checked the types
// and packed each array of numbers into a text (see [arguments.floats]). What mathlib refuses is
// returned as nil and a message, so that the theme can raise it with the position of the call.
var mathOps = func() map[string]op {
	all := map[string]op{}
	for _, group := range []map[string]mathFunc{mathStatistics, mathFunctions, mathTests} {
		for name, fn := range group {
			all["math."+name] = op{pure: func(s *Session, a arguments) (value.List, error) {
				return noFunction(name)(fn(s, a))
			}}
		}
	}
	for name, fn := range mathSamplers {
		all["math."+name] = op{pure: func(s *Session, a arguments) (value.List, error) {
			return noFunction(name)(draw(s, a, fn))
		}}
	}
	for name, fn := range mathResamplers {
		all["math."+name] = op{long: func(ctx context.Context, s *Session, a arguments) (value.List, error) {
			return noFunction(name)(fn(ctx, s, a))
		}}
	}
	return all
}()

// mathFunc answers from the arguments alone; the session only bounds how much it may make.
type mathFunc func(s *Session, a arguments) (value.List, error)

// noFunction turns what the arguments caused into nil and a message.
func noFunction(name string) func(value.List, error) (value.List, error) {
	return func(l value.List, err error) (value.List, error) {
		if errors.Is(err, mathlib.ErrArgument) {
			return value.Of(nil, name+": "+err.Error()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("computing %s: %w", name, err)
		}
		return l, nil
	}
}

// floats reads an array of numbers: little-endian doubles in a text. nil gives nil.
func (a arguments) floats(i int) []float64 { return unpack(a.at(i)) }

func unpack(v any) []float64 {
	p, ok := v.(string)
	if !ok {
		return nil
	}
	fs := make([]float64, len(p)/8)
	for i := range fs {
		fs[i] = math.Float64frombits(littleEndian(p[i*8 : i*8+8]))
	}
	return fs
}

// littleEndian spares the copy that encoding/binary would need of a text.
func littleEndian(p string) uint64 {
	return uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
		uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
}

// rows reads an array of arrays of numbers.
func (a arguments) rows(i int) [][]float64 {
	t, ok := a.at(i).(*value.Table)
	if !ok {
		return nil
	}
	rows := make([][]float64, len(t.Seq))
	for i, v := range t.Seq {
		rows[i] = unpack(v)
	}
	return rows
}

func asNumber(v float64, err error) (value.List, error)    { return value.AppendFloat(nil, v), err }
func asNumbers(v []float64, err error) (value.List, error) { return value.AppendFloats(nil, v), err }

// asRecord encodes a table of names, in canonical order, and values.
func asRecord(fields ...any) value.List {
	return value.Of(&value.Table{Keys: evens(fields), Vals: evens(fields[1:])})
}

func evens(l []any) (out []any) {
	for i := 0; i < len(l); i += 2 {
		out = append(out, l[i])
	}
	return out
}

// Bytes that an element of a result costs at least: while it crosses the border, on both sides and
// on the way; as a table of its own; as a number that stays here.
const (
	elementCost = 32
	tableCost   = 256
	numberCost  = 8
)

// room refuses n elements that the session's memory cannot hold. What Go needs is not in the VM,
// but nobody needs more for a result than what may be kept of it.
func room(s *Session, what string, n, cost int64) error {
	if most := s.start.Limits.Memory / cost; n > most {
		return &mathlib.ArgumentError{
			Text: fmt.Sprintf("%s %d is more than the memory of this session can hold (at most %d)", what, n, most),
		}
	}
	return nil
}

// array1 and its like fit functions of one shape.
func array1(fn func([]float64) (float64, error)) mathFunc {
	return func(_ *Session, a arguments) (value.List, error) { return asNumber(fn(a.floats(0))) }
}

func array2(fn func(x, y []float64) (float64, error)) mathFunc {
	return func(_ *Session, a arguments) (value.List, error) { return asNumber(fn(a.floats(0), a.floats(1))) }
}

func mapped(fn func([]float64) ([]float64, error)) mathFunc {
	return func(_ *Session, a arguments) (value.List, error) { return asNumbers(fn(a.floats(0))) }
}

func number1(fn func(float64) float64) mathFunc {
	return func(_ *Session, a arguments) (value.List, error) { return asNumber(fn(a.float(0)), nil) }
}

func number2(fn func(x, y float64) (float64, error)) mathFunc {
	return func(_ *Session, a arguments) (value.List, error) { return asNumber(fn(a.float(0), a.float(1))) }
}

func number3(fn func(x, y, z float64) (float64, error)) mathFunc {
	return func(_ *Session, a arguments) (value.List, error) {
		return asNumber(fn(a.float(0), a.float(1), a.float(2)))
	}
}

// sampler takes draws from a generator; its arguments are those after the generator's.
type sampler func(s *Session, r *mathlib.Stream, a arguments) (value.List, error)

// draw takes up a generator at its seed and position, and returns its new position before the
// sample. All of its state lies in the VM, so replay has nothing to restore.
func draw(s *Session, a arguments, fn sampler) (value.List, error) {
	r := mathlib.NewStream(uint64(a.int(0)), uint64(a.int(1)))
	l, err := fn(s, r, a[min(2, len(a)):])
	if err != nil {
		return nil, err
	}
	return append(value.AppendInt(nil, int64(r.Pos())), l...), nil
}

func asInteger(v int64, err error) (value.List, error) { return value.AppendInt(nil, v), err }

func sampled0(fn func(*mathlib.Stream) float64) sampler {
	return func(_ *Session, r *mathlib.Stream, _ arguments) (value.List, error) { return asNumber(fn(r), nil) }
}

func sampled1(fn func(*mathlib.Stream, float64) (float64, error)) sampler {
	return func(_ *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		return asNumber(fn(r, a.float(0)))
	}
}

func sampled2(fn func(*mathlib.Stream, float64, float64) (float64, error)) sampler {
	return func(_ *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		return asNumber(fn(r, a.float(0), a.float(1)))
	}
}

var mathSamplers = map[string]sampler{
	"rng_float":          sampled0((*mathlib.Stream).Float64),
	"normal_sample":      sampled2((*mathlib.Stream).Normal),
	"lognormal_sample":   sampled2((*mathlib.Stream).LogNormal),
	"uniform_sample":     sampled2((*mathlib.Stream).Uniform),
	"exp_sample":         sampled1((*mathlib.Stream).Exp),
	"gamma_sample":       sampled2((*mathlib.Stream).Gamma),
	"beta_sample":        sampled2((*mathlib.Stream).Beta),
	"student_t_sample":   sampled1((*mathlib.Stream).StudentT),
	"chi_squared_sample": sampled1((*mathlib.Stream).ChiSquared),
	"rng_int": func(_ *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		return asInteger(r.Int(a.int(0), a.int(1)))
	},
	"poisson_sample": func(_ *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		return asInteger(r.Poisson(a.float(0)))
	},
	"binomial_sample": func(_ *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		return asInteger(r.Binomial(a.int(0), a.float(1)))
	},
	"dirichlet_sample": func(_ *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		return asNumbers(r.Dirichlet(a.floats(0)))
	},
	"categorical_sample": func(_ *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		i, err := r.Categorical(a.floats(0))
		return asInteger(int64(i)+1, err)
	},
	// These two get the length of an array and return places in it, counted from 1: the values
	// stay in the VM.
	"shuffle": func(_ *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		return places(r.Shuffled(int(a.int(0)))), nil
	},
	"sample_with_replacement": func(s *Session, r *mathlib.Stream, a arguments) (value.List, error) {
		if a.int(0) == 0 {
			return nil, &mathlib.ArgumentError{Text: "there is nothing to draw from: the array is empty"}
		}
		if err := room(s, "n", a.int(1), elementCost); err != nil {
			return nil, err
		}
		return places(r.Picks(int(a.int(0)), int(a.int(1)))), nil
	},
}

func places(idx []int) value.List {
	for i := range idx {
		idx[i]++
	}
	return value.AppendInts(nil, idx)
}
