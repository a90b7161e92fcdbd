package card

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Values are nil, bool, int64, float64, string, []any and map[string]any.

// Parse reads a JSON text. Numbers with a fraction or an exponent, and those beyond 64 bits, are
// floats.
func Parse(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the JSON value at offset %d", dec.InputOffset())
	}
	return numbers(v)
}

// numbers replaces the json.Numbers in v.
func numbers(v any) (any, error) {
	var err error
	switch x := v.(type) {
	case json.Number:
		return number(string(x))
	case []any:
		for i := range x {
			if x[i], err = numbers(x[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range x {
			if x[k], err = numbers(x[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func number(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("the number %s is out of range", s)
	}
	return f, nil
}

// Encode writes a value as compact JSON: keys sorted bytewise, floats with a fraction or an
// exponent, and null for what JSON has no number for. Only <, > and & inside strings may differ
// from other encoders, which escape them.
func Encode(v any) []byte { return appendJSON(nil, v, false) }

// appendJSON appends v; raw leaves strings unescaped, for hashing alone.
func appendJSON(b []byte, v any, raw bool) []byte {
	switch x := v.(type) {
	case bool:
		return strconv.AppendBool(b, x)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case float64:
		return appendFloat(b, x)
	case string:
		return appendString(b, x, raw)
	case []any:
		b = append(b, '[')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e, raw)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, k := range slices.Sorted(maps.Keys(x)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, k, raw), ':')
			b = appendJSON(b, x[k], raw)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-5 || a >= 1e16) {
		format = 'e'
	}
	s := strconv.FormatFloat(f, format, -1, 64)
	if mantissa, exponent, ok := strings.Cut(s, "e"); ok {
		sign, digits := exponent[:1], strings.TrimLeft(exponent[1:], "0")
		return append(b, mantissa+"e"+sign+digits...)
	}
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return append(b, s...)
}

func appendString(b []byte, s string, raw bool) []byte {
	if raw {
		return append(append(append(b, '"'), s...), '"')
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return append(b, `""`...) // not reached: a string always encodes
	}
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
}

// withoutNulls returns v without its nulls, those in lists too: TOML has none.
func withoutNulls(v any) any {
	switch x := v.(type) {
	case []any:
		kept := make([]any, 0, len(x))
		for _, e := range x {
			if e != nil {
				kept = append(kept, withoutNulls(e))
			}
		}
		return kept
	case map[string]any:
		kept := make(map[string]any, len(x))
		for k, e := range x {
			if e != nil {
				kept[k] = withoutNulls(e)
			}
		}
		return kept
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
	}
	return v
}

// hash is the 64-bit hash of Bernstein (h·33 + c, from 5381) over the JSON text of a value with
// its strings unescaped, and over what is added to it.
func hash(v any, more ...string) string {
	h := uint64(5381)
	mix := func(b []byte) {
		for _, c := range b {
			h = h*33 + uint64(c)
		}
	}
	mix(appendJSON(nil, v, true))
	for _, m := range more {
		mix([]byte(m))
	}
	return fmt.Sprintf("%016x", h)
}

// at returns the value at a path of keys.
func at(v any, path ...string) (any, bool) {
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[key]; !ok {
			return nil, false
		}
	}
	return v, v != nil
}

func text(v any, path ...string) string {
	x, _ := at(v, path...)
	s, _ := x.(string)
	return s
}
