package engine

import "testing"

func TestMap(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "order and index", code: `return alc.map({ "a", "b" }, function(x, i) return x .. i end)`, want: `["a1","b2"]`},
		{name: "asks one by one", code: `return alc.map({ "a", "b" }, function(x) return alc.llm(x) end)`, answers: []string{"A", "B"}, want: `["A","B"]`},
		{name: "first result only", code: `return alc.map({ 1, 2 }, function(x) return x, 9 end)`, want: `[1,2]`},
		{name: "false is an item", code: `return alc.map({ false, 1 }, function(x) return not x end)`, want: `[true,false]`},
		{name: "stops at a hole", code: `return alc.map({ 1, nil, 3 }, function(x) return x end)`, want: `[1]`},
		{name: "nil leaves a hole", code: `local r = alc.map({ 1, 2, 3 }, function(x) if x ~= 2 then return x end end) return { r[1], r[2] == nil, r[3] }`, want: `[1,true,3]`},
		{name: "elements by metamethod, which may ask", code: `return alc.map(setmetatable({}, { __index = function(_, i) if i < 3 then return alc.llm("item " .. i) end end }), function(x) return x end)`, answers: []string{"a", "b"}, want: `["a","b"]`},
		{name: "empty", code: `return { alc.map({}, print), alc.map({}) }`, want: `[{},{}]`},
		{name: "no items", code: "\nalc.map(nil, print)", want: "lua_error: strategy.lua:2: bad argument #1 to 'map' (table expected, got no value)"},
		{name: "a number", code: `alc.map(5, print)`, want: "lua_error: strategy.lua:1: bad argument #1 to 'map' (table expected, got number)"},
		{name: "what can be called", code: `return alc.map({ 1 }, setmetatable({}, { __call = function(_, x) return x + 1 end }))`, want: `[2]`},
		{name: "what cannot be called", code: `alc.map({ 1 }, {})`, want: "lua_error: strategy.lua:1: bad argument #2 to 'map' (function expected, got table)"},
		{name: "no function", code: `alc.map({ 1 })`, want: "lua_error: strategy.lua:1: bad argument #2 to 'map' (function expected, got no value)"},
		{name: "errors pass", code: `alc.map({ 1 }, function() error("inside") end)`, want: "lua_error: strategy.lua:1: inside"},
	})
}

func TestFilter(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "keeps what is true of", code: `return alc.filter({ 1, 2, 3, 4 }, function(x, i) return (x + i) % 4 == 0 end)`, want: `[2,4]`},
		{name: "zero and empty texts are true", code: `return alc.filter({ 1, 2 }, function(_, i) return i == 1 and 0 or "" end)`, want: `[1,2]`},
		{name: "keeps false items", code: `return alc.filter({ false, 1 }, function() return true end)`, want: `[false,1]`},
		{name: "none kept", code: `return alc.filter({ 1 }, function() end)`, want: `{}`},
		{name: "asks", code: `return alc.filter({ "a", "b" }, function(x) return alc.match_bool(alc.llm(x)) end)`, answers: []string{"no", "yes"}, want: `["b"]`},
		{name: "no function", code: `alc.filter({ 1 })`, want: "lua_error: strategy.lua:1: bad argument #2 to 'filter' (function expected, got no value)"},
		{name: "no items", code: `alc.filter()`, want: "lua_error: strategy.lua:1: bad argument #1 to 'filter' (table expected, got no value)"},
	})
}

func TestReduce(t *testing.T) {
	sum := `function(a, x, i) return a .. x .. i end`
	runLibrary(t, []libraryTest{
		{name: "without init", code: `return alc.reduce({ "a", "b", "c" }, ` + sum + `)`, want: `"ab2c3"`},
		{name: "with init", code: `return alc.reduce({ "a", "b" }, ` + sum + `, "")`, want: `"a1b2"`},
		{name: "false is an init", code: `return alc.reduce({ 1 }, function(a) return tostring(a) end, false)`, want: `"false"`},
		{name: "empty", code: `return { tostring(alc.reduce({}, print)), alc.reduce({}, print, 7), alc.reduce({ 1 }) }`, want: `["nil",7,1]`},
		{name: "over a hole", code: `return alc.reduce({ 1, nil, 3 }, function(a, x, i) return a .. tostring(x) .. i end)`, want: `"1nil233"`},
		{name: "length by metamethod", code: `return alc.reduce(setmetatable({}, { __len = function() return 3 end, __index = function(_, i) return i end }), function(a, x) return a + x end)`, want: `6`},
		{name: "asks", code: `return alc.reduce({ "a", "b" }, function(a, x) return alc.llm(a .. x) end, "")`, answers: []string{"1", "2"}, want: `"2"`},
		{name: "no function", code: `alc.reduce({ 1, 2 })`, want: "lua_error: strategy.lua:1: bad argument #2 to 'reduce' (function expected, got no value)"},
		{name: "no items", code: `alc.reduce()`, want: "lua_error: strategy.lua:1: bad argument #1 to 'reduce' (table expected, got no value)"},
	})
}

func TestVote(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "majority", code: `return alc.vote { "a", "b", "a" }`, want: `{"winner":"a","count":2,"total":3}`},
		{name: "first seen on a tie", code: `return alc.vote { "b", "a", "a", "b" }`, want: `{"winner":"b","count":2,"total":4}`},
		{name: "trims", code: `return alc.vote { " a b\n", "\ta b", "A b" }`, want: `{"winner":"a b","count":2,"total":3}`},
		{name: "other values", code: `return { alc.vote { 1, "1", 1.0 }, alc.vote { false, false } }`, want: `[{"winner":"1","count":2,"total":3},{"winner":"false","count":2,"total":2}]`},
		{name: "blank answers", code: `return alc.vote { "", "  ", "x" }`, want: `{"winner":"","count":2,"total":3}`},
		{name: "counts up to a hole", code: `return alc.vote { "a", nil, "b" }`, want: `{"winner":"a","count":1,"total":3}`},
		{name: "empty", code: `return alc.vote {}`, want: `{"count":0,"total":0}`},
		{name: "long white space takes no time", code: `return alc.vote { ("x" .. (" "):rep(100000)):rep(5) .. "y" }.count`, want: `1`},
		{name: "no table", code: `alc.vote()`, want: "lua_error: strategy.lua:1: bad argument #1 to 'vote' (table expected, got no value)"},
	})
}
