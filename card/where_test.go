package card

import (
	"errors"
	"strings"
	"testing"
)

const sampleRow = `{"n":1,"f":2.5,"s":"alpha one","b":true,"l":[1,{"k":1}],"o":{"n":3,"eq":9,"deep":{"x":"y"}},"e":{}}`

func TestFilter(t *testing.T) {
	t.Parallel()
	row := parse(t, sampleRow)
	for where, want := range map[string]bool{
		`{}`:                                   true,
		`{"n":1}`:                              true,
		`{"n":1.0}`:                            true,
		`{"n":2}`:                              false,
		`{"n":"1"}`:                            false,
		`{"none":1}`:                           false,
		`{"n":1,"b":true}`:                     true,
		`{"n":1,"b":false}`:                    false,
		`{"o":{"n":3}}`:                        true,
		`{"o":{"deep":{"x":"y"}}}`:             true,
		`{"o.n":3}`:                            false, // a key is a key
		`{"l":[1,{"k":1}]}`:                    true,
		`{"l":[1,{"k":1.0}]}`:                  false, // strict inside
		`{"e":{}}`:                             true,
		`{"none":{}}`:                          true,
		`{"n":{"eq":1}}`:                       true,
		`{"n":{"eq":1.0}}`:                     true,
		`{"none":{"eq":1}}`:                    false,
		`{"n":{"ne":2}}`:                       true,
		`{"n":{"ne":1}}`:                       false,
		`{"none":{"ne":1}}`:                    true,
		`{"n":{"gt":0,"lt":2}}`:                true,
		`{"n":{"gt":0,"lt":1}}`:                false,
		`{"n":{"lte":1,"gte":1.0}}`:            true,
		`{"n":{"gt":"0"}}`:                     false,
		`{"s":{"lt":"b"}}`:                     true,
		`{"s":{"gt":1}}`:                       false,
		`{"b":{"gt":false}}`:                   true,
		`{"l":{"gt":[]}}`:                      false,
		`{"none":{"lt":1}}`:                    false,
		`{"n":{"in":[5,1.0]}}`:                 true,
		`{"n":{"in":[]}}`:                      false,
		`{"n":{"in":1}}`:                       false,
		`{"none":{"in":[1]}}`:                  false,
		`{"n":{"nin":[5]}}`:                    true,
		`{"n":{"nin":[1]}}`:                    false,
		`{"n":{"nin":1}}`:                      false,
		`{"none":{"nin":1}}`:                   true,
		`{"n":{"exists":true}}`:                true,
		`{"n":{"exists":"x"}}`:                 true,
		`{"n":{"exists":false}}`:               false,
		`{"none":{"exists":false}}`:            true,
		`{"none":{"exists":1}}`:                false,
		`{"s":{"contains":"one"}}`:             true,
		`{"s":{"starts_with":"one"}}`:          false,
		`{"s":{"starts_with":"al"}}`:           true,
		`{"n":{"contains":"1"}}`:               false,
		`{"s":{"contains":1}}`:                 false,
		`{"o":{"eq":9,"n":3}}`:                 true, // an operator's word among fields is a field
		`{"o":{"eq":9}}`:                       false,
		`{"n":{"bogus":1}}`:                    false,
		`{"_and":[{"n":1},{"b":true}]}`:        true,
		`{"_and":[{"n":1},{"b":false}]}`:       false,
		`{"_and":[]}`:                          true,
		`{"_or":[{"n":2},{"b":true}]}`:         true,
		`{"_or":[{"n":2}]}`:                    false,
		`{"_or":[]}`:                           false,
		`{"_not":{"n":2}}`:                     true,
		`{"_not":{}}`:                          false,
		`{"o":{"_or":[{"n":4},{"n":3}]}}`:      true,
		`{"o":{"_not":{"n":3}}}`:               false,
		`{"n":{"_not":{"eq":1}}}`:              true, // eq is a field below n here
		`{"_or":[{"_and":[{"n":1}]}],"n":2}`:   false,
		`{"o":{"deep":{"x":{"in":["y"]}}}}`:    true,
		`{"l":{"k":1}}`:                        false,
		`{"n":null}`:                           false,
		`{"none":null}`:                        false,
		`{"f":{"gte":2.5,"lte":2.5,"ne":2.4}}`: true,
	} {
		f, err := ParseFilter(parse(t, where))
		if err != nil {
			t.Errorf("%s: %v", where, err)
		} else if got := f.Match(row); got != want {
			t.Errorf("%s: %v", where, got)
		}
	}
	if !(Filter{}).Match(row) {
		t.Error("the zero filter")
	}
}

func TestFilterRefuses(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		`"x"`: "where clause must be a table", `[]`: "where clause must be a table", `null`: "where clause must be a table",
		`{"_or":{}}`: "_or must be an array of sub-predicates", `{"_and":5}`: "_and must be an array of sub-predicates",
		`{"_or":[5]}`: "where clause must be a table", `{"_not":5}`: "where clause must be a table",
		`{"a":{"b":{"_and":{"c":1}}}}`: "_and must be an array of sub-predicates",
	} {
		_, err := ParseFilter(parse(t, where))
		var r Refusal
		if !errors.As(err, &r) || string(r) != want {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// FuzzFilter: a predicate and its negation never agree; joining one with itself changes nothing;
// a row equals itself.
func FuzzFilter(f *testing.F) {
	for _, w := range []string{`{}`, `{"n":1}`, `{"n":{"gt":0,"lt":2}}`, `{"_or":[{"n":2},{"o":{"n":{"nin":[3]}}}]}`,
		`{"s":{"contains":"one"}}`, `{"o":{"eq":9,"x":{"_not":{"exists":true}}}}`, `{"l":[1,{"k":1}]}`} {
		f.Add(w, sampleRow)
	}
	f.Fuzz(func(t *testing.T, where, row string) {
		w, err := Parse([]byte(where))
		if err != nil {
			return
		}
		r, err := Parse([]byte(row))
		if err != nil {
			return
		}
		filter, err := ParseFilter(w)
		if err != nil {
			return
		}
		match := func(v any) bool {
			f, err := ParseFilter(v)
			if err != nil {
				t.Fatalf("%s around a good predicate: %v", Encode(v), err)
			}
			return f.Match(r)
		}
		got := filter.Match(r)
		for _, combined := range []struct {
			v    any
			want bool
		}{
			{map[string]any{"_not": w}, !got},
			{map[string]any{"_and": []any{w, w}}, got},
			{map[string]any{"_or": []any{w, w}}, got},
			{map[string]any{"_or": []any{map[string]any{}, w}}, true},
		} {
			if match(combined.v) != combined.want {
				t.Errorf("%s on %s: %v", Encode(combined.v), row, !combined.want)
			}
		}
	})
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`""`: "empty part", `"-"`: "empty part", `"a..b"`: "empty part", `5`: "string or array", `{"a":1}`: "string or array",
		`["a",5]`: "must contain strings", `"a."`: "empty part",
	} {
		_, err := ParseOrder(parse(t, in))
		var r Refusal
		if !errors.As(err, &r) || !strings.Contains(string(r), want) {
			t.Errorf("%s: %v", in, err)
		}
	}
	if keys, err := ParseOrder(parse(t, `["-a.b","c"]`)); err != nil || len(keys) != 2 || !keys[0].descending || keys[1].descending {
		t.Errorf("%+v, %v", keys, err)
	}
}
