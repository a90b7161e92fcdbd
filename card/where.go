package card

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Filter is a predicate over a card or a sample: the where language. Make one with [ParseFilter];
// the zero value lets everything pass.
type Filter struct {
	test func(row any) bool
}

// Match tells whether a row passes.
func (f Filter) Match(row any) bool { return f.test == nil || f.test(row) }

// ParseFilter reads a predicate, a JSON value. What does not make one is a [Refusal].
func ParseFilter(v any) (Filter, error) {
	t, err := parsePredicate(v, nil)
	return Filter{t}, err
}

type test = func(row any) bool

// parsePredicate reads a table whose keys are fields below path or combinators; all must hold.
func parsePredicate(v any, path []string) (test, error) {
	table, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("where clause must be a table")
	}
	var tests []test
	for _, key := range slices.Sorted(maps.Keys(table)) {
		t, err := parseKey(key, table[key], path)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return all(tests), nil
}

func all(tests []test) test {
	return func(row any) bool {
		for _, t := range tests {
			if !t(row) {
				return false
			}
		}
		return true
	}
}

func parseKey(key string, v any, path []string) (test, error) {
	switch key {
	case "_and":
		tests, err := parseList(key, v, path)
		return all(tests), err
	case "_or":
		tests, err := parseList(key, v, path)
		return func(row any) bool {
			return slices.ContainsFunc(tests, func(t test) bool { return t(row) })
		}, err
	case "_not":
		t, err := parsePredicate(v, path)
		return func(row any) bool { return !t(row) }, err
	}
	return parseField(v, append(slices.Clone(path), key))
}

func parseList(key string, v any, path []string) ([]test, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, refuse("%s must be an array of sub-predicates", key)
	}
	var tests []test
	for _, e := range list {
		t, err := parsePredicate(e, path)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return tests, nil
}

// parseField reads what is asked of a field: a value, comparisons, or a section with fields of its
// own. A table is comparisons only if all of its keys are operators.
func parseField(v any, path []string) (test, error) {
	table, ok := v.(map[string]any)
	if !ok {
		return comparison(path, operators["eq"], v), nil
	}
	var tests []test
	for _, key := range slices.Sorted(maps.Keys(table)) {
		op, ok := operators[key]
		if !ok {
			return parsePredicate(v, path)
		}
		tests = append(tests, comparison(path, op, table[key]))
	}
	return all(tests), nil
}

func comparison(path []string, op operator, want any) test {
	return func(row any) bool {
		have, ok := at(row, path...)
		return op(have, ok, want)
	}
}

// operator compares a field, which may be missing, with a value of the filter.
type operator func(have any, present bool, want any) bool

var operators = map[string]operator{
	"eq":          func(have any, ok bool, want any) bool { return ok && equal(have, want) },
	"ne":          func(have any, ok bool, want any) bool { return !ok || !equal(have, want) },
	"lt":          ordered(func(c int) bool { return c < 0 }),
	"lte":         ordered(func(c int) bool { return c <= 0 }),
	"gt":          ordered(func(c int) bool { return c > 0 }),
	"gte":         ordered(func(c int) bool { return c >= 0 }),
	"in":          func(have any, ok bool, want any) bool { return ok && member(have, want) },
	"nin":         notIn,
	"exists":      existence,
	"contains":    words(strings.Contains),
	"starts_with": words(strings.HasPrefix),
}

func ordered(holds func(int) bool) operator {
	return func(have any, ok bool, want any) bool {
		if !ok {
			return false
		}
		c, comparable := compare(have, want)
		return comparable && holds(c)
	}
}

func notIn(have any, ok bool, want any) bool {
	if !ok {
		return true
	}
	_, list := want.([]any)
	return list && !member(have, want)
}

func existence(_ any, ok bool, want any) bool {
	if b, is := want.(bool); is {
		return ok == b
	}
	return ok
}

func words(holds func(s, part string) bool) operator {
	return func(have any, ok bool, want any) bool {
		s, is := have.(string)
		part, is2 := want.(string)
		return ok && is && is2 && holds(s, part)
	}
}

func member(have, list any) bool {
	l, _ := list.([]any)
	return slices.ContainsFunc(l, func(e any) bool { return equal(have, e) })
}

// equal compares numbers as floats; lists and tables must be the same to the kind of each number.
func equal(a, b any) bool {
	x, ok := float(a)
	if y, ok2 := float(b); ok && ok2 {
		return x == y
	}
	return kind(a) == kind(b) && bytes.Equal(Encode(a), Encode(b))
}

// compare orders two numbers, strings (bytewise) or booleans (false first); ok is false for
// anything else.
func compare(a, b any) (c int, ok bool) {
	switch x := a.(type) {
	case int64, float64:
		f, _ := float(a)
		g, ok := float(b)
		if f != f || g != g {
			return 0, false
		}
		return cmp.Compare(f, g), ok
	case string:
		y, ok := b.(string)
		return cmp.Compare(x, y), ok
	case bool:
		y, ok := b.(bool)
		return cmp.Compare(rank(x), rank(y)), ok
	}
	return 0, false
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func float(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	}
	return 0, false
}

// kind names the JSON type of a value.
func kind(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case int64, float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "null"
}
