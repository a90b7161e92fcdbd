package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/internal/rawmcp"
)

// data is a value that a card may hold or a filter ask for.
func (r random) data() string {
	return r.one("1", "1.0", "2", "2.5", "-1", "'1'", "'alpha'", "'alp'", "'b'", "''", "true", "false", "{1, 2}", "{1, 2.0}", "{{k = 1}}", "{}")
}

// fields makes a table of the fields that cards have and filters ask about.
func (r random) fields(depth int, leaf func() string) string {
	var es []string
	for _, k := range []string{"a", "b", "eq"} {
		switch {
		case r.IntN(3) == 0:
		case depth > 0 && r.IntN(3) == 0:
			es = append(es, k+" = "+r.fields(depth-1, leaf))
		default:
			es = append(es, k+" = "+leaf())
		}
	}
	return "{" + strings.Join(es, ", ") + "}"
}

// where makes a predicate; some are none.
func (r random) where(depth int) string {
	if depth > 0 && r.IntN(3) == 0 {
		switch r.IntN(4) {
		case 0:
			return "{_not = " + r.where(depth-1) + "}"
		case 1:
			return "{_and = " + r.list(3, func() string { return r.where(depth - 1) }) + "}"
		case 2:
			return "{_or = " + r.list(3, func() string { return r.where(depth - 1) }) + ", b = " + r.data() + "}"
		}
		return "{a = " + r.where(depth-1) + "}"
	}
	return r.fields(depth, func() string {
		if r.IntN(2) == 0 {
			return r.data()
		}
		var ops []string
		for range 1 + r.IntN(2) {
			op := r.one("eq", "ne", "lt", "lte", "gt", "gte", "['in']", "nin", "exists", "contains", "starts_with", "bogus")
			arg := r.data()
			if op == "['in']" || op == "nin" {
				arg = r.one(r.list(3, r.data), arg)
			}
			ops = append(ops, op+" = "+arg)
		}
		return "{" + strings.Join(ops, ", ") + "}"
	})
}

// sameAnswers runs a script in both and compares what it returns, a list of texts.
func sameAnswers(t *testing.T, c *rawmcp.Client, h *memHost, calls []string, code string) {
	t.Helper()
	var theirs struct {
		Status, Error string
		Result        []string
	}
	if err := c.Tool(t.Context(), "alc_run", map[string]any{"code": code}, &theirs); err != nil || theirs.Status != "completed" {
		t.Fatalf("the reference: %v %+v", err, theirs)
	}
	h.events = nil
	o := begin(t, h, start(code)).Outcome()
	var ours []string
	if err := json.Unmarshal(o.Output, &ours); err != nil {
		t.Fatalf("%v: %+v", err, o.Failure)
	}
	for i, call := range calls {
		if ours[i] != theirs.Result[i] {
			t.Errorf("%s\nours      %s\nreference %s", call, ours[i], theirs.Result[i])
		}
	}
}

// Random filters select of random cards and samples what they select in the original.
func TestFiltersAgainstReference(t *testing.T) {
	c, r := reference(t)
	h := newMemHost()
	withCards(t, card.Options{})(h)
	var setup []string
	for i := range 24 {
		setup = append(setup, fmt.Sprintf("alc.card.create{card_id = 'c%d', pkg = {name = 'p'}, created_at = '2026-01-%02dT00:00:00Z', d = %s}", i, i+1, r.fields(2, r.data)))
	}
	sameAnswers(t, c, h, nil, strings.Join(setup, "\n")+"\nreturn {\"made\"}")
	for range 20 {
		var calls []string
		for range 60 {
			calls = append(calls, "names, "+"{d = "+r.where(2)+"}")
		}
		sameAnswers(t, c, h, calls, `local function names(where)
			local ids = {}
			for i, x in ipairs(alc.card.find{where = where}) do ids[i] = x.card_id end
			return ids
		end`+comparing+"try("+strings.Join(calls, ")\ntry(")+")\nreturn out")
	}
}

var stateCalls = map[string]func(r random, key string) string{
	"get": func(r random, key string) string { return "alc.state.get, " + key + ", " + r.data() },
	"set": func(r random, key string) string {
		return "alc.state.set, " + key + ", " + r.one("nil", r.data(), "print")
	},
	"delete": func(r random, key string) string { return "alc.state.delete, " + key },
	"has":    func(r random, key string) string { return "alc.state.has, " + key },
	"keys":   func(random, string) string { return "sorted" },
	"set_nx": func(r random, key string) string { return "alc.state.set_nx, " + key + ", " + r.data() },
	"incr": func(r random, key string) string {
		return "alc.state.incr, " + key + ", " + r.one("nil", "2", "0.5", "'3'", "-1", "{}", "'x'") + ", " + r.one("nil", "10", "'1'", "'y'")
	},
	"update": func(r random, key string) string {
		return "alc.state.update, " + key + ", function(x) return " + r.one("x", "{x}", "nil", "x + 1", "print") + " end, " + r.data()
	},
	"list": func(r random, _ string) string { return "alc.state.list, " + r.one("'p'", "'q'", "5", "'a/b'", "nil") },
	"show": func(r random, _ string) string {
		return "alc.state.show, " + r.one("'p'", "'q'") + ", " + r.one("'x'", "'y'", "'..'")
	},
	"set_dispatched": func(r random, _ string) string {
		return "alc.state.set_dispatched, " + r.one("'p'", "'q'", "'a,b'") + ", " + r.one("'x'", "'y'") + ", " +
			r.one(r.data(), "{data = {completed_steps = {'a', 'b', 5}, f = 1, g = 2}}", "{data = {completed_steps = 1}}", "{data = 1}")
	},
	"delete_dispatched": func(r random, _ string) string {
		return "alc.state.delete_dispatched, " + r.one("'p'", "'q'", "''") + ", " + r.one("'x'", "'y'")
	},
	"reset": func(r random, _ string) string {
		return "reset, " + r.one("'p'", "'q'") + ", " + r.one("'x'", "'y'") + ", " +
			r.one("nil", "{}", "{steps = {'a', 'c'}}", "{fields = {'f', 'f', 'z'}, steps = {}}", "{steps = {'b'}, fields = {'g'}}", "5", "{steps = 5}")
	},
}

// A long line of random operations on state goes as in the original.
func TestStateAgainstReference(t *testing.T) {
	c, r := reference(t)
	h := newMemHost()
	names := slices.Sorted(maps.Keys(stateCalls))
	for range 20 {
		var calls []string
		for range 100 {
			calls = append(calls, stateCalls[r.one(names...)](r, r.one("'k'", "'l'", "5", "'p:x'", "'p:y'", "'q:x'", "'p:x:y'", "'p:'", "'a b:c'", "nil", "{}")))
		}
		sameAnswers(t, c, h, calls, `local function sorted() local k = alc.state.keys() table.sort(k) return k end
		local function reset(...) local r = alc.state.reset(...) r.backup_path = type(r.backup_path) return r end`+
			comparing+"try("+strings.Join(calls, ")\ntry(")+")\nreturn out")
	}
}
