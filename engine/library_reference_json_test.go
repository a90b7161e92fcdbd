package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// jsonText is JSON, or nearly.
func (r random) jsonText(depth int) string {
	if r.IntN(25) == 0 {
		return r.one("", "nul", "[1,]", "{,}", "01", "1.", ".5", "+1", "1e400", "'a'", `"\x"`, `"\ud800"`, "\"\x01\"", "\"\xff\"", "// c", "{\"a\":}", "1 2", "NaN")
	}
	kind := r.IntN(8)
	if depth == 0 {
		kind = r.IntN(5)
	}
	switch kind {
	case 0:
		return r.one("null", "true", "false", "0", "-0", "-0.0", "1.0", "1e3", "1E-7", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e308", "5e-324")
	case 1:
		return fmt.Sprint(r.Int64() >> r.IntN(63))
	case 2:
		return fmt.Sprintf("%g", math.Float64frombits(r.Uint64()&^(1<<62)))
	case 3, 4:
		return r.one(`""`, `"a"`, `"é"`, `"\u00e9\ud83d\ude00"`, `"\n\t\"\\\/\b\f\r"`, `"\u0000"`, `"😀 x"`, "\"\x7f\"")
	case 5, 6:
		return "[" + r.joined(depth, func() string { return r.jsonText(depth - 1) }) + "]"
	}
	return "{" + r.joined(depth, func() string {
		return r.one(`"a"`, `"b"`, `"é"`, `""`, `"a"`) + r.one(":", " : ") + r.jsonText(depth-1)
	}) + "}"
}

func (r random) joined(_ int, element func() string) string {
	var parts []string
	for range r.IntN(4) {
		parts = append(parts, element())
	}
	return strings.Join(parts, r.one(",", ", ", " ,\n"))
}

// luaValue is the source of a value to encode.
func (r random) luaValue(depth int) string {
	kind := r.IntN(9)
	if depth == 0 {
		kind = r.IntN(6)
	}
	switch kind {
	case 0:
		return r.one("nil", "true", "false", "0", "-0.0", "1.0", "2^53", "1e15", "1e16", "1e17", "123456.789e3", "0/0", "1/0", "math.mininteger", "0.1", "1e-5", "1e-6", "9.99e-6", "5e-324")
	case 1:
		return fmt.Sprint(r.Int64() >> r.IntN(63))
	case 2:
		return fmt.Sprintf("%d * 2.0^%d", r.IntN(1000), r.IntN(400)-200)
	case 3:
		return luaNumber(math.Float64frombits(r.Uint64()))
	case 4:
		return r.text(4, "a", "é", "\"", "\\", "\n", "\x01", "\x1f", "\x7f", "/", "😀", "\u2028", "\xff")
	case 5:
		return r.one("print", "coroutine.create(print)", "setmetatable({}, { __index = { a = 1 }, __len = function() return 3 end })", "alc.json_decode('[]')",
			"alc.json_decode('[1,null,3]')", "setmetatable({ 1 }, { __pairs = function() return nil end })", "'x'", "7")
	case 6, 7:
		return r.list(4, func() string { return r.luaValue(depth - 1) })
	}
	return r.list(4, func() string {
		return r.one("a", "b", "['é']", "[1]", "[2]", "['1']", "['']", "[1.5]", "[true]", "['\\n']") + " = " + r.luaValue(depth-1)
	})
}

// luaNumber is the exact source of a float.
func luaNumber(f float64) string {
	switch {
	case math.IsNaN(f):
		return "(0/0)"
	case math.IsInf(f, 1):
		return "(1/0)"
	case math.IsInf(f, -1):
		return "(-1/0)"
	}
	return fmt.Sprintf("%x", f)
}

// evalCalls make calls of the pure parts of evalframe, whose global is ef.
var evalCalls = map[string]func(r random) string{
	"graders": func(r random) string {
		return fmt.Sprintf("function() local ok, e = ef.graders.%s.check({ text = %s, latency_ms = %s }, ef.case { input = 'x', expected = %s, context = { pattern = %s } }) return tostring(ok), e ~= nil end",
			r.one("exact_match", "contains", "starts_with", "regex", "json_valid", "not_empty", "length", "latency", "valid_json_response", "flexible_match"),
			r.text(4, "a", "b", "4", " ", "{", "}", "é"), r.one("nil", "0", "12.5"), r.one("nil", "'a'", "''", "{ 'b', 'ab' }", "'4'", "{}"), r.one("nil", "'^a'", "'%d+'", "''"))
	},
	"scorers": func(r random) string {
		return fmt.Sprintf("ef.scorers.%s.score, %s", r.one("bool", "linear_1_5", "linear_1_10", "linear_0_100", "pass_50", "pass_80", "inverse_linear", "band_1_5"),
			r.one("nil", "true", "false", "0", "1", "2.5", "3", "4", "5", "-1", "70", "1e9", "'x'", "0.5", "0.8"))
	},
	"scorer": func(r random) string {
		number := func() string { return r.one("0", "1", "0.5", "-1", "3") }
		return fmt.Sprintf("function() return ef.scorer 's' { %s }.score(%s) end",
			r.one("min = "+number()+", max = "+number(), "pass = "+number(), "steps = { { "+number()+", 0.2 }, { 2, 1 } }", "steps = { { 1, 1 } }", "score = function(v) return v end", ""),
			r.one("0", "1", "0.7", "true", "false", "'x'", "nil", "-2", "5"))
	},
	"stats": func(r random) string {
		list := func() string {
			return r.list(12, func() string { return r.one("0", "1", "0.5", "0.25", "0.1", "3", "-2") })
		}
		switch r.IntN(3) {
		case 0:
			return "ef.stats.describe, " + list()
		case 1:
			return fmt.Sprintf("ef.stats.pass_at_k, %d, %d, %d", r.IntN(12), r.IntN(12), 1+r.IntN(12))
		}
		return fmt.Sprintf("function() return ef.stats.welch_t(ef.stats.describe(%s), ef.stats.describe(%s)) end", list(), list())
	},
	"aggregate": func(r random) string {
		return "function() local r = ef.stats.aggregate(" + r.list(13, func() string {
			return fmt.Sprintf("{ case = ef.case { input = 'x', tags = %s }, score = %s, passed = %s }",
				r.list(2, func() string { return r.one("'a'", "'b'", "'c'") }), r.one("0", "1", "0.5", "0.75"), r.one("true", "false"))
		}) + ") return r end"
	},
	"case": func(r random) string {
		return fmt.Sprintf("function() local c = ef.case { input = %s, name = %s, expected = %s, context = %s, tags = %s } return { c.input, c.name, c.expected or 'none', c.context, c.tags } end",
			r.one("'x'", "nil", "5"), r.one("nil", "'n'", "5"), r.one("nil", "'a'", "{ 'a', 'b' }", "5", "{ 5 }"), r.one("nil", "{ a = 1 }", "'x'"), r.one("nil", "{ 'a' }", "'a'"))
	},
	"combined": func(r random) string {
		grader := func() string {
			return r.one("ef.graders.contains", "ef.graders.length", "ef.graders.not_empty",
				"ef.grader 'f' { check = function() return false end }", "ef.grader 'e' { check = function() error('no') end }", "ef.grader 'n' { check = function() return 0.5 end }")
		}
		return fmt.Sprintf("function() local g = ef.grader.%s(%s, %s) local ok, e = g.check({ text = %s }, ef.case { input = 'x', expected = 'a' }) return { tostring(ok), e ~= nil, g.name } end",
			r.one("all", "any"), grader(), grader(), r.one("'a'", "''", "'bb'"))
	},
	"variants": func(r random) string {
		dim := func(name string) string {
			return fmt.Sprintf("ef.vary %q %s", name, r.list(3, func() string { return r.one("{ x = 1 }", "{ name = 'n', y = 2 }", "{}") }))
		}
		return fmt.Sprintf("function() return ef.variants { %s, %s, base = %s, mode = %s } end", dim("a"), dim("b"), r.one("nil", "{ x = 0, z = 9 }"), r.one("nil", "'zip'", "'cross'", "'x'"))
	},
}

// roundedComparing is comparing with ten digits of each float: in statistics the last ones depend on
// the order of a sum, and the original does not read every number in JSON to the nearest.
const roundedComparing = `
local function round(v)
  if math.type(v) == "float" and v == v and v - v == 0 then return tonumber(string.format("%.9e", v)) end
  if type(v) ~= "table" then return v end
  local out = getmetatable(v) == false and alc.json_decode("[]") or {}
  for k, x in pairs(v) do out[k] = round(x) end
  return out
end
` + `local encode = alc.json_encode alc.json_encode = function(v) return encode(round(v)) end ` + comparing

// JSON and the pure parts of evalframe do with random arguments what the original does.
func TestJSONAndEvalAgainstReference(t *testing.T) {
	c, r := reference(t)
	calls := maps.Clone(evalCalls)
	calls["json_decode"] = func(r random) string {
		return "function(s) local v = alc.json_decode(s) return { v, math.type(v) or type(v), type(v) == 'table' and #v } end, " + luaQuote(r.jsonText(3))
	}
	calls["json_encode"] = func(r random) string { return "alc.json_encode, " + r.luaValue(3) }
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		how := comparing
		if name == "stats" || name == "aggregate" || name == "json_decode" {
			how = roundedComparing
		}
		t.Run(name, func(t *testing.T) {
			for range 20 {
				var made []string
				for range 50 {
					made = append(made, calls[name](r))
				}
				compare(t, c, name, made, "local ef = require('evalframe')\n"+how+"try("+strings.Join(made, ")\ntry(")+")\nreturn out")
			}
		})
	}
}
