// Package vectors runs recorded behaviour, one JSON object a line, against the engine: what the
// original answers to a script, its ctx and its answers. The test takes a list of what is open.
package vectors

import (
	"encoding/json"
	"math"
	"strings"
)

// Want is what a vector expects: a status with a result, or texts that an error contains.
type Want struct {
	Status   string   `json:"status"`
	Result   any      `json:"result"`
	ErrorHas []string `json:"error_has"`
}

// Vector is one recorded behaviour.
type Vector struct {
	ID       string            `json:"id"`
	Code     string            `json:"code"`
	Ctx      json.RawMessage   `json:"ctx"`
	Answers  []any             `json:"answers"` // a text for a single query, a list for a batch
	Home     string            `json:"home"`    // vectors with the same one share a home, in file order
	Packages map[string]string `json:"packages"`
	Tol      *float64          `json:"tol"`
	Want     json.RawMessage   `json:"want"`
	Ours     json.RawMessage   `json:"ours"` // where we choose to differ; "any" is not compared
	Pauses   [][]any           `json:"pauses"`
}

// Got is what a run led to.
type Got struct {
	SID    string
	Status string
	Result any
	Error  string
	Pauses [][]any
}

// close compares JSON values; numbers may differ by tol, relative or absolute.
func close(a, b any, tol *float64) bool {
	switch a := a.(type) {
	case json.Number:
		n, ok := b.(json.Number)
		if !ok {
			return false
		}
		x, _ := a.Float64()
		y, _ := n.Float64()
		if x == y {
			return a == n || strings.ContainsAny(string(a)+string(n), ".eE") || x < 1<<53
		}
		return tol != nil && math.Abs(x-y) <= math.Max(*tol*math.Max(math.Abs(x), math.Abs(y)), *tol)
	case map[string]any:
		m, ok := b.(map[string]any)
		if !ok || len(a) != len(m) {
			return false
		}
		for k := range a {
			v, ok := m[k]
			if !ok || !close(a[k], v, tol) {
				return false
			}
		}
		return true
	case []any:
		l, ok := b.([]any)
		if !ok || len(a) != len(l) {
			return false
		}
		for i := range a {
			if !close(a[i], l[i], tol) {
				return false
			}
		}
		return true
	}
	return a == b
}

// agree tells whether a run is what was wanted.
func agree(w Want, g Got, tol *float64) bool {
	if w.ErrorHas != nil {
		if g.Error == "" {
			return false
		}
		for _, s := range w.ErrorHas {
			if !strings.Contains(g.Error, s) {
				return false
			}
		}
		return true
	}
	return w.Status == g.Status && close(w.Result, g.Result, tol)
}
