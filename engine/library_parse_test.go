package engine

import (
	"strings"
	"testing"
)

func TestParseScore(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "first digits", code: `return { alc.parse_score("7.5/10"), alc.parse_score("Score: 8 of 9"), alc.parse_score("12abc"), alc.parse_score("007") }`, want: `[7,8,10,7]`},
		{name: "clamped", code: `return { alc.parse_score("0"), alc.parse_score("-3"), alc.parse_score("85%"), alc.parse_score(("9"):rep(400)) }`, want: `[1,3,10,10]`},
		{name: "an integer", code: `return { math.type(alc.parse_score("3")), math.type(alc.parse_score(("9"):rep(30))) }`, want: `["integer","integer"]`},
		{name: "default", code: `return { alc.parse_score("none"), alc.parse_score("none", 99), alc.parse_score("none", false), alc.parse_score("none", "d") }`, want: `[5,99,5,"d"]`},
		{name: "other values", code: `return { alc.parse_score(7.9), alc.parse_score(nil), alc.parse_score(setmetatable({}, { __tostring = function() return "8" end })) }`, want: `[7,5,8]`},
		{name: "digits of other scripts", code: `return alc.parse_score("９")`, want: `5`},
	})
}

func TestParseNumber(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "first number", code: `return { alc.parse_number("3 of 4"), alc.parse_number("x-4.5y"), alc.parse_number("1,234"), alc.parse_number("1e5"), alc.parse_number(".5"), alc.parse_number("1..2") }`, want: `[3,-4.5,1,1,5,1.0]`},
		{name: "minus", code: `return { alc.parse_number("--5"), alc.parse_number("- 5"), alc.parse_number("5-3") }`, want: `[-5,5,5]`},
		{name: "types", code: `return { math.type(alc.parse_number("7")), math.type(alc.parse_number("7.")), math.type(alc.parse_number("9223372036854775808")) }`, want: `["integer","float","float"]`},
		{name: "none", code: `return { tostring(alc.parse_number("none")), tostring(alc.parse_number(5)), tostring(alc.parse_number()) }`, want: `["nil","nil","nil"]`},
		{name: "pattern", code: `return { alc.parse_number("a1 b2", "b(%d)"), alc.parse_number("x 42", "%d+"), alc.parse_number("abX", "()X"), alc.parse_number("12:34", "(%d+):(%d+)"), alc.parse_number("id 0x1F", "%S+$") }`, want: `[2,42,3,12,31]`},
		{name: "pattern without a number", code: `return { tostring(alc.parse_number("abc", "(x?)")), tostring(alc.parse_number("abc 1", "%a+")), tostring(alc.parse_number("5", "")) }`, want: `["nil","nil","nil"]`},
		{name: "no pattern", code: `return alc.parse_number("x7", false)`, want: `7`},
		{name: "malformed pattern", code: "\nalc.parse_number('5', '(')", want: "lua_error: strategy.lua:2: "},
		{name: "pattern of another type", code: `alc.parse_number("5", {})`, want: "lua_error: strategy.lua:1: bad argument #2 to "},
	})
}

func TestJSONExtract(t *testing.T) {
	extracted := func(name, text, want string) libraryTest {
		return libraryTest{name: name, code: "return alc.json_extract(" + luaQuote(text) + ")", want: want}
	}
	runLibrary(t, []libraryTest{
		extracted("whole text", " [1, {\"a\": null}]\n", `[1,{}]`),
		extracted("scalars are none", "42", `null`),
		extracted("json fence before an earlier plain one", "```\n[1]\n``` ```json\n[2]\n```", `[2]`),
		extracted("plain fence", "so:\n```\n[1]\n```\n{\"a\": 1}", `[1]`),
		extracted("fence in a line", "```json{\"a\": [1]}``` {}", `{"a":[1]}`),
		extracted("longer fence", "````json\n[1]\n```` {}", `[1]`),
		extracted("another language", "```lua\n[1]\n``` {\"z\": 1}", `{"z":1}`),
		extracted("upper case is no mark", "```JSON\n[1]\n``` {\"z\": 1}", `{"z":1}`),
		extracted("a bad json fence hides plain ones", "```\n[8]\n``` ```json\nbad\n``` {\"z\": 1}", `{"z":1}`),
		extracted("only the first fence", "```\n\"s\"\n``` ```\n[3]\n``` {\"z\": 1}", `{"z":1}`),
		extracted("fence that is not closed", "```json\n{\"a\": 1}", `{"a":1}`),
		extracted("object before array", "[1] {\"a\": 1}", `{"a":1}`),
		extracted("what does not decode is passed", "{x} {\"a\": 1} {\"b\": 2}", `{"a":1}`),
		extracted("not inside what is balanced", "{ note {\"a\": 1} } {\"b\": 2}", `{"b":2}`),
		extracted("inside what is not closed", "{ note {\"a\": 1}", `{"a":1}`),
		extracted("stray closings", "} ] {\"a\": 1}", `{"a":1}`),
		extracted("a brace in a string hides", "{\"a\": \"}\"}", `{"a":"}"}`),
		extracted("a brace in a string hides, in prose", "x {\"a\": \"}\"} {\"b\": 1}", `{"b":1}`),
		extracted("array within a bad object", "{ list: [1, 2] }", `[1,2]`),
		extracted("nothing", "plain words", `null`),
		extracted("empty", "", `null`),
		extracted("not UTF-8 before it", "\xff {\"a\": 1}", `{"a":1}`),
		extracted("too deep", nested(128), `null`),
		{name: "not a text", code: `return { tostring(alc.json_extract(5)), tostring(alc.json_extract({})), tostring(alc.json_extract()) }`, want: `["nil","nil","nil"]`},
		{name: "an empty array stays one", code: `return alc.json_extract("so: []")`, want: `[]`},
		{name: "the decoder may be replaced", code: `alc.json_decode = function(s) return { s } end return alc.json_extract("x")`, want: `["x"]`},
		{name: "unbalanced texts take no time", code: `return tostring(alc.json_extract(("{["):rep(200000)))`, want: `"nil"`},
		{name: "many groups take no time", code: `return alc.json_extract(("{a}"):rep(20000) .. '{"a":1}')`, want: `{"a":1}`},
	})
}

// nested is an array within arrays; 127 levels are what decoding allows.
func nested(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}
