package engine

import "testing"

// What Lua's own libraries refuse a session, or do otherwise.
func TestRefusedStreams(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "standard streams", want: `[true,true,true,true,true,true,true]`, code: messages + `
			local out = {}
			for i, f in ipairs { io.read, io.write, io.input, io.output, io.close, io.popen, io.tmpfile } do
				local why = raised(f, "x")
				out[i] = why:match("^io%.%l+: ") ~= nil or why
			end
			return out`},
		{name: "io.type", want: `["nil","nil"]`, code: `return { tostring(io.type(5)), tostring(io.type {}) }`},
	})
}

func TestOS(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "difftime", want: `[5.0,"float",-1.5]`, code: `return { os.difftime(10, 5), math.type(os.difftime(2, 1)), os.difftime("1", 2.5) }`},
		{name: "difftime of no number", want: "lua_error: strategy.lua:1: bad argument to 'difftime'", code: `local x = os.difftime({}, 1)`},
		{name: "setlocale", want: `["C","C","C","nil"]`, code: `return { os.setlocale(), os.setlocale("C"), os.setlocale(""), tostring(os.setlocale("de_DE")) }`},
		{name: "time wants a whole date", want: `["field 'day' missing in date table","field 'month' missing in date table","field 'year' is not an integer",
			"field 'year' is out-of-bound","bad argument #1 to 'time' (table expected, got number)"]`, code: messages + `
			local function why(t) return (raised(os.time, t):gsub("^[^:]+:%d+: ", "")) end
			return { why { year = 2026, month = 1 }, why { year = 2026, day = 1 }, why { year = 1.5, month = 1, day = 1 },
				why { year = 1e10, month = 1, day = 1 }, why(5) }`},
		{name: "time of a table sets its fields right", want: `[2026,3,1,12,0,0,1,60,false]`, code: `
			local t = { year = 2026, month = 2, day = 29 }
			os.time(t)
			return { t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst }`},
		{name: "date refuses", want: `[true,true,true]`, code: messages + `
			return { raised(os.date, "%Q"):match("invalid conversion specifier") ~= nil, raised(os.date, "%E"):match("invalid conversion") ~= nil,
				raised(os.date, "%c", 1.5):match("no integer representation") ~= nil }`},
		{name: "tmpname and exit", want: `[true,true]`, code: messages + `
			return { raised(os.tmpname):match("os.tmpname: ") ~= nil, raised(os.exit):match("os.exit: ") ~= nil }`},
		{name: "execute", want: `[false,"nil",true]`, code: `
			local ok, why = os.execute("ls")
			return { os.execute(), tostring(ok), why:match("no grant") ~= nil }`},
		{name: "rename without a grant", want: `["nil",true]`, code: `
			local ok, why = os.rename("/data/a", "/data/b")
			return { tostring(ok), why:match("%-%-allow%-write=DIR") ~= nil }`},
	})
}

func TestPackage(t *testing.T) {
	o, _ := play(t, func(h *memHost) { h.modules["m"] = "return 1" }, start(`
		local none, why = package.searchpath("none", "?.lua")
		return { package.searchpath("m", "?.lua"), none == nil and why:match("no file") ~= nil }`))
	checkOutcome(t, o, `["m.lua",true]`)
	runLibrary(t, []libraryTest{
		{name: "paths are empty", want: `["","","/"]`, code: `return { package.path, package.cpath, package.config:sub(1, 1) }`},
		{name: "a searcher of the script's own", want: `["mine","hello"]`, code: `
			table.insert(package.searchers, function(name)
				if name == "mine" then return function(n, where) return n end, "hello" end
			end)
			return { require("mine") }`},
		{name: "searchers that are none", want: `true`, code: messages + `
			package.searchers = 5
			return raised(require, "x"):match("searchers") ~= nil`},
	})
}
