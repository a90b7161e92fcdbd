package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What print and warn put into the session's log.
func TestPrint(t *testing.T) {
	for name, tt := range map[string]struct{ code, want string }{
		"nothing":          {`print()`, ""},
		"plain values":     {`print(nil, true, -3, "text", "")`, "nil\ttrue\t-3\ttext\t"},
		"floats":           {`print(2.0, -0.0, 0.1, 1 / 3, 1e15, 1e100, 2^53, 5e-324)`, "2.0\t-0.0\t0.1\t0.3333333333333333\t1000000000000000.0\t1e+100\t9007199254740992.0\t5e-324"},
		"no numbers":       {`print(0 / 0, 1 / 0, -1 / 0)`, "nan\tinf\t-inf"},
		"newlines":         {`print("a\nb", "c\n\n")`, "a\nb\tc"},
		"__tostring":       {`print(setmetatable({}, { __tostring = function() return "mine" end }))`, "mine"},
		"__name":           {`print((tostring(setmetatable({}, { __name = "Mine" })):gsub(" .*", "")))`, "Mine:"},
		"a replaced one":   {`function tostring() return "no" end print(1, {} ~= nil)`, "1\ttrue"},
		"bytes":            {`print("\xff|\0|é")`, "\uFFFD|\x00|é"},
		"warn":             {`warn("a", "b", 1)`, "ab1"},
		"in a pcall":       {`pcall(print, "x")`, "x"},
		"the same address": {`local t = {} print(t) alc.stats.record("same", tostring(t))`, "*"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newMemHost()
			s := begin(t, h, start(tt.code+` alc.llm("p")`))
			defer s.Close()
			logs := s.Info().Logs
			if len(logs) != 1 {
				t.Fatalf("logged %+v", logs)
			}
			if tt.want == "*" {
				if !strings.HasPrefix(logs[0].Message, "table: 0x") {
					t.Errorf("%q", logs[0].Message)
				}
				return
			}
			if d := cmp.Diff(tt.want, logs[0].Message); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPrintRaises(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "no text", code: messages + `return raised(print, setmetatable({}, { __tostring = function() return {} end }))`,
			want: `"'__tostring' must return a string"`},
		{name: "an error", code: messages + `return raised(print, setmetatable({}, { __tostring = function() error("mine", 0) end }))`, want: `"mine"`},
		{name: "a question", code: messages + `return raised(print, setmetatable({}, { __tostring = function() return alc.llm("x") end })):match("cannot pause here: inside a function that tostring calls")`, want: `"cannot pause here: inside a function that tostring calls"`},
		{name: "warn wants texts", code: `warn({})`, want: "lua_error: strategy.lua:1: bad argument #1 to 'warn' (string expected, got table)"},
	})
}
