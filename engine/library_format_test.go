package engine

import "testing"

func TestFmt(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "as string.format", code: `return alc.fmt("%s|%5.2f|%-4s|%04d|%x|%q|%%|%g|%c|%u", "a", 3.14159, "b", 42, 255, "q\"", 1e20, 65, 7)`, want: `"a| 3.14|b   |0042|ff|\"q\\\"\"|%|1e+20|A|7"`},
		{name: "half away from zero", code: `return alc.fmt("%d %d %d %d %d", 0.5, -0.5, 1.5, -1.5, 2.4)`, want: `"1 -1 2 -2 2"`},
		{name: "rounding brings no error of its own", code: `return alc.fmt("%d %d %d", 0.49999999999999994, 4503599627370497.5, 2^53)`, want: `"0 4503599627370498 9007199254740992"`},
		{name: "every integer conversion", code: `return alc.fmt("%i %o %u %x %X %c", 8.6, 8.6, 8.6, 254.6, 254.6, 64.6)`, want: `"9 11 9 ff FF A"`},
		{name: "numeric texts", code: `return alc.fmt("%d %d %d %x %d", "42", "3.7", " 8 ", "0x1f", "1e2")`, want: `"42 4 8 1f 100"`},
		{name: "words for what is no number", code: `return alc.fmt("%d %i %x|%6d|%-6d|%.2d|%10.3d", 0 / 0, 1 / 0, -1 / 0, 1 / 0, 1 / 0, 0 / 0, -1 / 0)`, want: `"NaN Inf -Inf|   Inf|Inf   |Na|       -In"`},
		{name: "their flags are dropped", code: `return alc.fmt("%05d|%+d|% d|%#x|%-05d|%+-6d|", 0 / 0, 0 / 0, 0 / 0, 0 / 0, 0 / 0, 0 / 0)`, want: `"  NaN|NaN|NaN|NaN|NaN  |NaN   |"`},
		{name: "nil as text", code: `return alc.fmt("[%s][%8s][%.2s]", nil, nil, nil)`, want: `"[<nil>][   <nil>][<n]"`},
		{name: "arguments keep their places", code: `return alc.fmt("%s %d %f %d %% %q %d", nil, 1.5, 0.25, 2.5, "x", "3.5")`, want: `"<nil> 2 0.250000 3 % \"x\" 4"`},
		{name: "no format", code: `return { alc.fmt(), alc.fmt(nil, 1), alc.fmt("") }`, want: `["","",""]`},
		{name: "further arguments", code: `return alc.fmt("%d", 1.5, {}, nil)`, want: `"2"`},
		{name: "too few of many", code: `return { #alc.fmt(("%d"):rep(200), table.unpack({ 1.5, 2.5 }, 1, 2)) }`, want: "lua_error: strategy.lua:1: bad argument #4 to "},
		{name: "too few", code: "\nlocal s = alc.fmt('%s')", want: "lua_error: strategy.lua:2: bad argument #2 to "},
		{name: "nil for a number", code: `local s = alc.fmt("%d", nil)`, want: "lua_error: strategy.lua:1: bad argument #2 to "},
		{name: "no number", code: `local s = alc.fmt("%d", "abc")`, want: "lua_error: strategy.lua:1: bad argument #2 to "},
		{name: "no integer", code: `local s = alc.fmt("%d", 1e300)`, want: "lua_error: strategy.lua:1: bad argument #2 to "},
		{name: "unknown conversion", code: `local s = alc.fmt("%y", 1)`, want: "lua_error: strategy.lua:1: invalid conversion '%y' to 'format'"},
		{name: "unfinished conversion", code: `local s = alc.fmt("50%", 1)`, want: "lua_error: strategy.lua:1: invalid conversion '%' to 'format'"},
		{name: "a number as format", code: `alc.fmt(5)`, want: "lua_error: strategy.lua:1: bad argument #1 to 'fmt' (string expected, got number)"},
		{name: "a table as format", code: `alc.fmt {}`, want: "lua_error: strategy.lua:1: bad argument #1 to 'fmt' (string expected, got table)"},
	})
}

func TestLogFmt(t *testing.T) {
	collect := `local seen = {} alc.log = function(level, msg) seen[#seen + 1] = { level, msg } end `
	runLibrary(t, []libraryTest{
		{name: "formats and logs", code: collect + `alc.log_fmt("info", "%d of %s", 7.5, nil) alc.log_fmt("odd", "x") return seen`, want: `[["info","8 of <nil>"],["odd","x"]]`},
		{name: "no format", code: collect + `alc.log_fmt("info") return seen`, want: `[["info",""]]`},
		{name: "a replaced fmt", code: collect + `alc.fmt = function(f) return "<" .. f .. ">" end alc.log_fmt("info", "x") return seen`, want: `[["info","<x>"]]`},
		{name: "returns nothing", code: `return select("#", alc.log_fmt("info", "x"))`, want: `0`},
		{name: "bad format", code: `alc.log_fmt("info", "%d", "x")`, want: "lua_error: "},
		{name: "no level", code: "\nalc.log_fmt(nil, 'x')", want: "lua_error: strategy.lua:2: bad argument #1 to 'log' (string expected, got no value)"},
	})
}
