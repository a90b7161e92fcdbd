package engine

import "testing"

func TestChunk(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "lines", code: `return alc.chunk("a\nb\nc", { size = 2 })`, want: `["a\nb","c"]`},
		{name: "a final newline is no line", code: `return alc.chunk("a\nb\n", { size = 1 })`, want: `["a","b"]`},
		{name: "only newlines", code: `return { alc.chunk("\n", { size = 1 }), alc.chunk("\r\n\r\n", { size = 1 }) }`, want: `[[""],["",""]]`},
		{name: "carriage returns", code: `return alc.chunk("a\rb\r\nc\r\r\nd\n\r", { size = 1 })`, want: `["a\rb","c\r","d","\r"]`},
		{name: "overlap of lines", code: `return alc.chunk("1\n2\n3\n4\n5", { size = 3, overlap = 2 })`, want: `["1\n2\n3","2\n3\n4","3\n4\n5"]`},
		{name: "overlap as large as the window", code: `return alc.chunk("1\n2\n3", { size = 2, overlap = 5 })`, want: `["1\n2","2\n3"]`},
		{name: "window as large as the text", code: `return alc.chunk("1\n2", { size = 2, overlap = 1 })`, want: `["1\n2"]`},
		{name: "window without bound", code: `return { #alc.chunk("1\n2", { size = math.maxinteger }), #alc.chunk("12", { mode = "chars", size = math.maxinteger }) }`, want: `[1,1]`},
		{name: "characters", code: `return alc.chunk("aé😀b", { mode = "chars", size = 2 })`, want: `["aé","😀b"]`},
		{name: "combining marks are characters", code: `return alc.chunk("e\u{301}a", { mode = "chars", size = 1 })`, want: `["e","\u0301","a"]`},
		{name: "overlap of characters", code: `return alc.chunk("äbcdé", { mode = "chars", size = 3, overlap = 1 })`, want: `["äbc","cdé"]`},
		{name: "zero bytes are text", code: `return #alc.chunk("a\0b\nc\0", { size = 1 })`, want: `2`},
		{name: "default size", code: `return { #alc.chunk(("x\n"):rep(50)), #alc.chunk(("x\n"):rep(51)), #alc.chunk(("x"):rep(51), { mode = "chars" }) }`, want: `[1,2,2]`},
		{name: "unknown modes are lines", code: `return { alc.chunk("ab", { mode = "words", size = 1 }), alc.chunk("ab", { mode = 5, size = 1 }) }`, want: `[["ab"],["ab"]]`},
		{name: "fractions are cut, texts converted", code: `local function n(size) return #alc.chunk(("x"):rep(60), { mode = "chars", size = size }) end return { n(20.9), n("20"), n("0x14"), n(" 20.5 ") }`, want: `[3,3,3,3]`},
		{name: "what is no size is the default", code: `local function n(size) return #alc.chunk(("x"):rep(60), { mode = "chars", size = size }) end return { n(-1), n("x"), n(true), n({}), n(0 / 0), n(1e300) }`, want: `[2,2,2,2,2,2]`},
		{name: "options by metamethod", code: `return alc.chunk("ab", setmetatable({}, { __index = { mode = "chars", size = 1 } }))`, want: `["a","b"]`},
		{name: "empty results are arrays", code: `return { alc.chunk(""), alc.chunk("a", { size = 0 }), alc.chunk("a", { size = 0, overlap = 3 }), alc.chunk("", { mode = "chars" }) }`, want: `[[],[],[],[]]`},
		{name: "marked", code: `return { getmetatable(alc.chunk("a")), (pcall(setmetatable, alc.chunk("a"), nil)) }`, want: `[false,false]`},
		{name: "a number is text", code: `return alc.chunk(2.5, { mode = "chars", size = 2 })`, want: `["2.","5"]`},
		{name: "no text", code: `alc.chunk(nil)`, want: "lua_error: strategy.lua:1: bad argument #1 to 'chunk' (string expected, got no value)"},
		{name: "not UTF-8", code: `alc.chunk("\xff")`, want: "lua_error: strategy.lua:1: bad argument #1 to 'chunk' (text is not valid UTF-8)"},
		{name: "options of another type", code: "\nalc.chunk('a', 5)", want: "lua_error: strategy.lua:2: bad argument #2 to 'chunk' (table expected, got number)"},
	})
}

func TestFingerprint(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "known", code: `return { alc.fingerprint(""), alc.fingerprint("hello"), alc.fingerprint("a") }`, want: `["00001505","0f923099","0002b606"]`},
		{name: "every length", want: `[true,true,true,true,true,true,true,true,true]`, code: `
local r = {}
for n = 0, 8 do
  local s, h = ("q"):rep(n), 5381
  for i = 1, n do h = (h * 33 + s:byte(i)) % 2 ^ 32 end
  r[#r + 1] = alc.fingerprint(s) == ("%08x"):format(h // 1 | 0)
end
return r`},
		{name: "long texts keep 32 bits", code: `return #alc.fingerprint(("abc "):rep(1000))`, want: `8`},
		{name: "white space", code: `return alc.fingerprint(" \t a \v\f b\r\n") == alc.fingerprint("a b")`, want: `true`},
		{name: "only white space", code: `return alc.fingerprint(" \n ") == alc.fingerprint("")`, want: `true`},
		{name: "ASCII alone is folded", code: `return { alc.fingerprint("É") == alc.fingerprint("é"), alc.fingerprint("a\u{a0}b") == alc.fingerprint("a b") }`, want: `[false,false]`},
		{name: "bytes", code: `return { alc.fingerprint("\xff"), alc.fingerprint("\0a") }`, want: `["0002b6a4","00596aa6"]`},
		{name: "other values", code: `return { alc.fingerprint() == alc.fingerprint("nil"), alc.fingerprint(1.5) == alc.fingerprint("1.5") }`, want: `[true,true]`},
	})
}

func TestMatchEnum(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "last mention", code: `return alc.match_enum("not A, rather B, or a", { "a", "b" })`, want: `"a"`},
		{name: "own spelling", code: `return alc.match_enum("it is block", { "PASS", "BLOCK" })`, want: `"BLOCK"`},
		{name: "tie", code: `return { alc.match_enum("apple", { "app", "apple" }), alc.match_enum("apple", { "apple", "app" }) }`, want: `["app","apple"]`},
		{name: "overlapping occurrences", code: `return alc.match_enum("aaab", { "aa", "ab" })`, want: `"ab"`},
		{name: "patterns are plain text", code: `return alc.match_enum("a.b %w", { "a+b", "%W", "[a" })`, want: `"%W"`},
		{name: "full lower case", want: `["straße","i̇stanbul","οδος","k","ⓐ"]`, code: `
local function first(s, c) return alc.match_enum(s, { c }, { threshold = 2 }) end
return { first("DIE STRAßE", "straße"), first("İSTANBUL", "i̇stanbul"), first("ΟΔΟΣ", "οδος"), first("300\u{212a}", "k"), first("Ⓐ", "ⓐ") }`},
		{name: "sigma within a word", code: `return { alc.match_enum("ΣΑΣ", { "σας" }, { threshold = 2 }), alc.match_enum("ΣΑΣ.", { "σασ" }, { threshold = 2 }) }`, want: `["σας"]`},
		{name: "fuzzy", code: `return alc.match_enum("**Aproved!**", { "rejected", "approved" })`, want: `"approved"`},
		{name: "fuzzy in Unicode", code: `return alc.match_enum("«ÉTÉE» …", { "hiver", "ététe" })`, want: `"ététe"`},
		{name: "signs of any script are stripped", code: `return alc.match_enum("\u{2003}„aprov“\u{3000}x", { "approve" })`, want: `"approve"`},
		{name: "numbers are words", code: `return alc.match_enum("it was 1235", { "12345" })`, want: `"12345"`},
		{name: "first of equals", code: `return alc.match_enum("abcx", { "abcy", "abcz" })`, want: `"abcy"`},
		{name: "first word of equals", code: `return alc.match_enum("xbcd bcdy", { "abcd", "bcdz" })`, want: `"bcdz"`},
		{name: "threshold", want: `["approve","approve","nil","nil"]`, code: `
local function at(th) return tostring(alc.match_enum("aprov", { "approve" }, { threshold = th })) end
return { at("0.5"), at({}), at(0.99), at(0 / 0) }`},
		{name: "threshold of nothing", code: `return { alc.match_enum("xy", { "zq" }, { threshold = 0 }), tostring(alc.match_enum("...", { "zq" }, { threshold = -1 })) }`, want: `["zq","nil"]`},
		{name: "known similarities", want: `[true,false,true,false,true,false]`, code: `
local function at(text, cand, th) return alc.match_enum(text, { cand }, { threshold = th }) ~= nil end
return { at("martha", "marhta", 0.9611), at("martha", "marhta", 0.9612), at("dwayne", "duane", 0.84), at("dwayne", "duane", 0.8401), at("a", "b", 0), at("a", "b", 0.01) }`},
		{name: "a word of any length", code: `return tostring(alc.match_enum(("ab"):rep(100000), { "cd" }))`, want: `"nil"`},
		{name: "numbers as candidates", code: `return { alc.match_enum("it is 5", { 5, 6 }), alc.match_enum(7, { 7.0, 7 }) }`, want: `["5","7"]`},
		{name: "candidates end at a hole", code: `return tostring(alc.match_enum("c", { "a", nil, "c" }))`, want: `"nil"`},
		{name: "no candidates", code: `return { tostring(alc.match_enum("a", {})), tostring(alc.match_enum("a", { x = "a" })) }`, want: `["nil","nil"]`},
		{name: "no text", code: `alc.match_enum(nil, { "a" })`, want: "lua_error: strategy.lua:1: bad argument #1 to 'match_enum' (string expected, got no value)"},
		{name: "no table", code: `alc.match_enum("a", "b")`, want: "lua_error: strategy.lua:1: bad argument #2 to 'match_enum' (table expected, got string)"},
		{name: "candidate of another type", code: `alc.match_enum("a", { "a", true })`, want: "lua_error: strategy.lua:1: bad argument #2 to 'match_enum' (string expected, got boolean)"},
		{name: "options of another type", code: `alc.match_enum("a", { "a" }, "x")`, want: "lua_error: strategy.lua:1: bad argument #3 to 'match_enum' (table expected, got string)"},
	})
}

func TestMatchBool(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "last word decides", code: `return { alc.match_bool("Yes. No."), alc.match_bool("no, yes") }`, want: `[false,true]`},
		{name: "other words after it do not", code: `return alc.match_bool("LGTM, ship it tomorrow")`, want: `true`},
		{name: "whole words", code: `return { tostring(alc.match_bool("yes1")), tostring(alc.match_bool("yesno")), tostring(alc.match_bool("yes_no")), tostring(alc.match_bool("étrue")) }`, want: `["nil","nil","false","true"]`},
		{name: "Kelvin's sign is a k", code: `return alc.match_bool("o\u{212a}")`, want: `true`},
		{name: "none", code: `return { tostring(alc.match_bool("")), tostring(alc.match_bool("maybe")), tostring(alc.match_bool(5)) }`, want: `["nil","nil","nil"]`},
		{name: "no text", code: `alc.match_bool({})`, want: "lua_error: strategy.lua:1: bad argument #1 to 'match_bool' (string expected, got table)"},
		{name: "not UTF-8", code: `alc.match_bool("yes\xff")`, want: "lua_error: strategy.lua:1: bad argument #1 to 'match_bool' (text is not valid UTF-8)"},
	})
}

// Helpers work where a script cannot pause, as long as they need no tables of Unicode.
func TestHelpersWhereNothingCanPause(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "in a metamethod of the library", want: `["approve","true"]`, code: `
alc.match_bool("") -- the theme is loaded
local function in_tostring(fn) return tostring(setmetatable({}, { __tostring = fn })) end
return { in_tostring(function() return alc.match_enum("I APPROVE", { "approve" }) end), in_tostring(function() return tostring(alc.match_bool("yes")) end) }`},
		{name: "in a comparator that asks for nothing", code: `local t = { "c", "a", "b" } table.sort(t, function(a, b) return alc.fingerprint(a) < alc.fingerprint(b) end) return t`, want: `["a","b","c"]`},
	})
}
