package lua

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/algocline/algocline/value"
)

// A driver gets its inputs packed into one string and returns all that came of them as text.
const patternDriver = show + `
local function try(f, ...) return show(pcall(f, ...)) end
local function driver(input)
	local s, p, r, init = string.unpack("s4s4s4j", input)
	local out = {
		try(string.find, s, p, init), try(string.match, s, p, init), try(string.find, s, p, init, true),
		try(string.gsub, s, p, r), try(string.gsub, s, p, r, init),
		try(string.gsub, s, p, function(...) return #r % 2 == 0 and show(...) or nil end),
		try(string.gsub, s, p, {a = "A", [""] = "E", b = false, [1] = "one"}),
		try(function() local t = {} for a, b in s:gmatch(p) do t[#t + 1] = show(a, b) end return table.concat(t, ";") end),
		try(function() local t = {} for a, b in s:gmatch(p, init) do t[#t + 1] = show(a, b) end return table.concat(t, ";") end),
	}
	return table.concat(out, "\n")
end
`

// packed packs values as string.unpack("s4…j…") reads them.
func packed(vs ...any) string {
	var l value.List
	for _, v := range vs {
		l = append(l, value.Of(v)[1:]...) // lengths and integers are as in the transfer encoding
	}
	return string(l)
}

// differential compares a driver's text for many inputs here and in stock Lua.
func differential(t *testing.T, driver string, inputs func(yield func(string) bool)) {
	t.Helper()
	s := open(t, driver+`local sys = ... local function again(input) return again(sys.request(driver(input))) end return again(sys.request())`, Options{})
	request(t, s)
	vm := stockVM(t)
	for input := range inputs {
		want, err := vm.Run(driver+"return driver(...)", input)
		if err != nil {
			t.Fatalf("stock Lua fails on %q: %v", input, err)
		}
		if got := request(t, s, input)[0]; got != want {
			t.Fatalf("input %q\n got %s\nwant %s", input, got, want)
		}
	}
}

// cases returns how many random inputs a differential test takes: a short run, or as many as
// LUA_DIFFERENTIAL_CASES says.
func cases(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("LUA_DIFFERENTIAL_CASES"))
	if err != nil {
		return 3000
	}
	t.Logf("%d cases", n)
	return n
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func randomPattern(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(5) {
		b.WriteString(pick(r, "a", "b", ".", "%a", "%d", "%s", "%w", "%A", "%p", "%.", "%%", "[ab]", "[^a]", "[a-c]", "[%a_]", "[^%d%s]", "[]]", "[^]]", "[a-]", "[%]]",
			"(", ")", "()", "(a)", "(.)", "(b*)", "%1", "%2", "%b()", "%bab", "%f[%a]", "%f[^a]", "^", "$", "%", "[", "[a", "%b", "%f", "-", "*", "\x00", "%z", "\xff", "x"))
		b.WriteString(pick(r, "", "", "*", "+", "-", "?"))
	}
	return pick(r, "", "", "^") + b.String() + pick(r, "", "", "$")
}

func randomText(r *rand.Rand, alphabet ...string) string {
	var b strings.Builder
	for range r.IntN(10) {
		b.WriteString(pick(r, alphabet...))
	}
	return b.String()
}

func TestPatternsAsInStockLua(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	differential(t, patternDriver, func(yield func(string) bool) {
		for range cases(t) {
			s := randomText(r, "a", "b", "ab", "(", ")", " ", "1", "]", "-", "_", ".", "\x00", "\xff", "x", "\n")
			repl := randomText(r, "x", "%0", "%1", "%2", "%%", "-", "%", "y")
			if !yield(packed(s, randomPattern(r), repl, r.IntN(15)-7)) {
				return
			}
		}
	})
}

// FuzzPattern compares the matcher with the original on any subject, pattern and replacement.
func FuzzPattern(f *testing.F) {
	f.Add("hello world", "(%w+) (%w+)", "%2 %1", 1)
	f.Add("THE (quick) fox", "%((%a+)%)", "<%1>", 0)
	f.Add("x", "[^%]-a]*$", "%%", -1)
	s := open(f, patternDriver+`local sys = ... local function again(input) return again(sys.request(driver(input))) end return again(sys.request())`, Options{})
	request(f, s)
	vm := stockVM(f)
	f.Fuzz(func(t *testing.T, subject, pattern, repl string, init int) {
		if len(subject) > 20 || len(pattern) > 16 {
			return // stock Lua cannot be stopped
		}
		input := packed(subject, pattern, repl, init)
		want, err := vm.Run(patternDriver+"return driver(...)", input)
		if err != nil {
			t.Fatal(err)
		}
		if got := request(t, s, input)[0]; got != want {
			t.Fatalf("%q, %q, %q, %d\n got %s\nwant %s", subject, pattern, repl, init, got, want)
		}
	})
}

const formatDriver = show + `
local function driver(input)
	local f, s, i, d = string.unpack("s4s4jd", input)
	local values = {s, i, d, d // 1, true, tostring(i), nil}
	local out = {}
	for n = 1, 7 do out[n] = show(pcall(string.format, f, values[n], values[n % 3 + 1], values[1])) end
	return table.concat(out, "\n")
end
`

func TestFormatAsInStockLua(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	differential(t, formatDriver, func(yield func(string) bool) {
		for range cases(t) {
			var f strings.Builder
			for range 1 + r.IntN(3) {
				f.WriteString(pick(r, "", "text ", "%%") + "%" + pick(r, "", "", "-", "+", " ", "#", "0", "-0", "+#") +
					pick(r, "", "", "5", "12", "99", "100", "0") + pick(r, "", "", ".", ".0", ".3", ".20", ".99", ".100") +
					pick(r, "d", "i", "u", "c", "x", "X", "o", "a", "A", "e", "E", "f", "F", "g", "G", "q", "s", "s", "", "y", "l"))
			}
			d := pick(r, "0", "-0.0", "1.5", "1e300", "1e-300", "123456.789", "0.1", "3", "9007199254740993", "-17", "inf", "nan")
			v, err := strconv.ParseFloat(d, 64)
			if err != nil {
				t.Fatal(err)
			}
			s := randomText(r, "a", "bc", "\x00", "\n", "\"", "\\", "7", "\r", "é", "\x7f", strings.Repeat("long", 30))
			if !yield(packed(f.String(), s, int(r.Int64()>>r.IntN(64)), v)) {
				return
			}
		}
	})
}

// FuzzFormat compares string.format with the original on any format and values.
func FuzzFormat(f *testing.F) {
	f.Add("%d %5.2f %s %q", "text", 42, 1.5)
	f.Add("%-10s|%+08d|%#x", "é\x00\n", -1, math.Copysign(0, -1))
	f.Add("%a %g %i %c%%", "\"\\", 65, 1e308)
	s := open(f, formatDriver+`local sys = ... local function again(input) return again(sys.request(driver(input))) end return again(sys.request())`, Options{})
	request(f, s)
	vm := stockVM(f)
	f.Fuzz(func(t *testing.T, format, text string, i int, d float64) {
		if strings.Contains(format, "p") {
			return // %p: stock Lua shows addresses
		}
		input := packed(format, text, i, d)
		want, err := vm.Run(formatDriver+"return driver(...)", input)
		if err != nil {
			t.Fatal(err)
		}
		if got := request(t, s, input)[0]; got != want {
			t.Fatalf("%q, %q, %d, %v\n got %s\nwant %s", format, text, i, d, got, want)
		}
	})
}

const loadDriver = show + `
local function driver(input)
	local text, name, size = string.unpack("s4s4j", input)
	local function pieces()
		local at = 1
		return function()
			local piece = text:sub(at, at + size - 1)
			at = at + size
			return piece
		end
	end
	local out = {
		show(load(text)), show(load(text, name)), show(load(text, name, "t", {})), show(load(text, name, "b")),
		show(load(pieces())), show(load(pieces(), name)), show(load(pieces(), "=" .. name, "bt", {})),
		show(load(text, "@" .. name)), show(pcall(load, text, name, name)),
	}
	return table.concat(out, "\n")
end
`

// randomSource is Lua, or nearly so.
func randomSource(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteString(pick(r, "local", "x", "y", "=", "==", "(", ")", "{", "}", "1", "0x1p4", "1e", "'s'", "\"", "[[", "]]", "function", "end", "if", "then", "else",
			"return", "while", "do", "for", "in", "repeat", "until", "goto", "::l::", "break", "...", "..", "//", "<close>", "<const>", "--", "--[[", "\n", "'\\z", "'\\u{110000}'",
			"and", "not", "nil", ",", ";", ":", ".", "#", "~", "\xff", "\x00", "x = 1", "f()", "local x <const> = 1", "x.y[1]:z{}", "function f(...) return ... end"))
		b.WriteString(pick(r, " ", " ", " ", "", "\n"))
	}
	return b.String()
}

func TestLoadAsInStockLua(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	differential(t, loadDriver, func(yield func(string) bool) {
		for range cases(t) {
			name := randomText(r, "x", "=", "@", "\n", "a long name of a chunk ", "é")
			if !yield(packed(randomSource(r), name, 1+r.IntN(9))) {
				return
			}
		}
	})
}

const tableDriver = show + `
local function driver(input)
	local op, n, a, b, c = string.unpack("s4jjjj", input)
	local t = {}
	for i = 1, n do t[i] = i * 10 end
	if a % 5 == 0 then t = setmetatable({}, {__index = t, __newindex = t, __len = function() return n end}) end
	local function state() local r = {} for i = -4, n + 8 do r[#r + 1] = tostring(t[i]) end return table.concat(r, ",") end
	local out
	if op == "insert" then out = show(pcall(table.insert, t, a, "x"))
	elseif op == "append" then out = show(pcall(table.insert, t, "x"))
	elseif op == "insert4" then out = show(pcall(table.insert, t, a, b, c))
	elseif op == "remove" then out = show(pcall(table.remove, t, a))
	elseif op == "pop" then out = show(pcall(table.remove, t))
	elseif op == "move" then out = show(pcall(table.move, t, a, b, c))
	elseif op == "moveto" then local u = {} out = show(pcall(table.move, t, a, b, c, u)) .. show(table.unpack(u, -3, 12))
	elseif op == "concat" then out = show(pcall(table.concat, t, "-", a, b))
	elseif op == "join" then out = show(pcall(table.concat, t, nil)) .. show(pcall(table.concat, t, 5)) .. show(pcall(table.concat, {1, {}, 2}))
	elseif op == "unpack" then out = show(pcall(table.unpack, t, a, b))
	elseif op == "all" then out = show(table.unpack(t)) .. show(pcall(table.unpack, t, 1, 1e8)) .. show(pcall(table.unpack, t, math.mininteger, math.maxinteger))
	elseif op == "rep" then out = show(pcall(string.rep, ("ab"):sub(1, n), a, ("--"):sub(1, b)))
	elseif op == "sort" then
		local u = {} for i = 1, n do u[i] = (i * a) % 7 + (b % 2 == 0 and 0 or 0.5) end
		local ok, e = pcall(table.sort, u) out = show(ok, e, table.unpack(u))
		table.sort(u, function(x, y) return x > y end) out = out .. show(table.unpack(u))
		for i = 1, n do u[i] = tostring(u[i]) end table.sort(u) out = out .. show(table.unpack(u))
	end
	return out:gsub("argument #%d+", "argument") .. "\n" .. state() -- releases count arguments differently
end
`

func TestTableFunctionsAsInStockLua(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	edge := func() int {
		if r.IntN(40) == 0 {
			return []int{1<<63 - 1, -1 << 63, 1<<63 - 2, -1<<63 + 1, 1 << 31}[r.IntN(5)]
		}
		return r.IntN(14) - 4
	}
	differential(t, tableDriver, func(yield func(string) bool) {
		for range cases(t) {
			op := pick(r, "insert", "append", "insert4", "remove", "pop", "move", "moveto", "concat", "join", "unpack", "all", "rep", "sort")
			a, b, c := edge(), edge(), edge()
			if op == "concat" || op == "move" || op == "moveto" || op == "rep" { // no endless ones
				a, b = r.IntN(14)-4, r.IntN(14)-4
			}
			if !yield(packed(op, r.IntN(9), a, b, c)) {
				return
			}
		}
	})
}

func TestPatternErrorsNameThemselves(t *testing.T) {
	same(t, `function main() return pcall(string.rep) end`)
	same(t, `function main() return pcall(string.gsub, "x", "x", true) end`)
	same(t, `function main() return pcall(string.gsub, "x", "x", function() return {} end) end`)
	same(t, `function main() return pcall(string.rep, "x", 1 << 62) end`)
	same(t, `function main() return pcall(string.find, ("a"):rep(300), ("(a)"):rep(33)) end`)
	same(t, `function main() return pcall(string.find, ("a"):rep(300), ("a?"):rep(300)) end`)
	same(t, `function main() local s = ("x"):rep(5000) return #s:gsub("x", "yy"), #s:gsub("", "-"), #s:rep(3, ","), s:find("y"), (s .. "y"):find("y", 1, true) end`)
	same(t, `function main() local g = ("abc"):gmatch("%w") return g(), g(), g(), g(), g() end`)
}

func BenchmarkStrings(b *testing.B) {
	for _, c := range []struct{ name, setup, step string }{
		{"Find", `local s = ("lorem ipsum dolor "):rep(200) .. "needle"`, `for i = 1, 100 do s:find("n%a+e") end`},
		{"FindPlain", `local s = ("lorem ipsum dolor "):rep(200) .. "needle"`, `for i = 1, 100 do s:find("needle", 1, true) end`},
		{"Match", `local s = "key = value"`, `for i = 1, 10000 do s:match("^(%w+)%s*=%s*(%w+)$") end`},
		{"Gmatch", `local s = ("lorem ipsum dolor "):rep(500)`, `for w in s:gmatch("%a+") do end`},
		{"GsubString", `local s = ("lorem ipsum dolor "):rep(500)`, `s:gsub("%a+", "<%0>")`},
		{"GsubFunction", `local s = ("lorem ipsum dolor "):rep(500)`, `s:gsub("%a+", function(w) return w end)`},
		{"GsubShort", `local s = "  trim me  "`, `for i = 1, 10000 do s:gsub("^%s+", "") end`},
		{"Byte", `local s = ("x"):rep(10000)`, `for i = 1, #s do s:byte(i) end for i = 1, #s, 8 do s:byte(i, i + 7) end`},
		{"Rep", ``, `for i = 1, 1000 do ("abc"):rep(100, ",") end`},
		{"Format", ``, `for i = 1, 10000 do ("%d %s %5.2f"):format(i, "x", i) end`},
		{"Concat", `local t = {} for i = 1, 10000 do t[i] = "item" .. i end`, `table.concat(t, ",")`},
		{"Insert", ``, `local t = {} for i = 1, 10000 do table.insert(t, i) end for i = 1, 10000 do table.remove(t) end`},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkScript(b, c.setup, c.step, 0) })
		b.Run(fmt.Sprint(c.name, "Stock"), func(b *testing.B) {
			vm := stockVM(b)
			if _, err := vm.Run("local sys = nil "+c.setup+" function step() "+c.step+" end", ""); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := vm.Run("step()", ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
