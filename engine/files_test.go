package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
)

var testGrants = Grants{Read: []string{"/data"}, Write: []string{"/out"}, Env: []string{"HOME"}}

func TestFiles(t *testing.T) {
	tests := []struct{ name, code, want string }{
		{"read whole", `local f = io.open("/data/a") local s = f:read("a") f:close() return s`, `"one\ntwo\n3 0x10 x"`},
		{"read by format", `local f = io.open("/data/a") return {f:read("l", "L", "n", "n", "n")}`, `["one","two\n",3,16]`},
		{"lines", `local t = {} for l in io.lines("/data/a") do t[#t + 1] = l end return t`, `["one","two","3 0x10 x"]`},
		{"seek", `local f = io.open("/data/a") f:seek("set", 4) return {f:read(3), f:seek("cur"), f:seek("end")}`, `["two",7,16]`},
		{"missing", `return {io.open("/data/none")}`, `[null,"/data/none: file does not exist",5]`},
		{"close replaced", `local f = io.open("/out/x", "w") f:write("x") f.close = function() end return 1`, `1`},
		{"not granted", `local f, e = io.open("/etc/passwd") return {f == nil, e:find("--allow-read=DIR", 1, true) ~= nil}`, `[true,true]`},
		{"lines not granted", `return (pcall(io.lines, "/etc/passwd"))`, `false`},
		{"write", `local f = io.open("/out/x", "w") f:write("a", 1, 2.5):write("b") f:close() return io.type(f)`, `"closed file"`},
		{"written when the script ends", `local f = io.open("/out/x", "w") f:write("left open") return 1`, `1`},
		{"write not granted", `local f, e = io.open("/data/x", "w") return {f == nil, e:find("--allow-write=DIR", 1, true) ~= nil}`, `[true,true]`},
		{"both ways", `return (io.open("/data/a", "r+"))`, `null`},
		{"bad mode", `return (pcall(io.open, "/data/a", "x"))`, `false`},
		{"used when closed", `local f = io.open("/data/a") f:close() return (pcall(f.read, f))`, `false`},
		{"rename and remove", `local f = io.open("/out/x", "w") f:close() return {os.rename("/out/x", "/out/y"), os.remove("/out/y")}`, `[true,true]`},
		{"remove not granted", `return (os.remove("/data/a"))`, `null`},
		{"env", `return {os.getenv("HOME"), os.getenv("PATH") == nil}`, `["value of HOME",true]`},
		{"dofile", `return dofile("/data/m.lua")`, `42`},
		{"loadfile of nothing", `local f, e = loadfile("/data/none") return f == nil`, `true`},
		{"loadfile not granted", `return (pcall(loadfile, "/x"))`, `false`},
		{"a binary chunk", `return (loadfile("/data/m.lua", "b"))`, `null`},
		{"no programs", `return {os.execute(), (os.execute("true")), (pcall(io.popen, "true")), (pcall(os.exit))}`, `[false,null,false,false]`},
		{"over a pause", `local f = io.open("/out/log", "w") f:write("a") alc.llm("p") f:write("b") f:close() return 1`, `1`},
		{"std", `return {std.fs.is_file("/data/a"), std.fs.is_file("/data/none"), std.fs.read("/data/m.lua")}`, `[true,false,"return 6 * 7"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := start(tt.code)
			st.Grants = testGrants
			o, _ := play(t, func(h *memHost) {
				h.disk["/data/a"] = "one\ntwo\n3 0x10 x"
				h.disk["/data/m.lua"] = "return 6 * 7"
			}, st, "answer")
			if o.Failure != nil || string(o.Output) != tt.want {
				t.Errorf("got %s %+v, want %s", o.Output, o.Failure, tt.want)
			}
		})
	}
}

// What was written once is not written again when the session is restored.
func TestWritesOnce(t *testing.T) {
	st := start(`local f = io.open("/out/x", "w") f:write("a") f:flush() alc.llm("p") f:write("b") f:close() return 1`)
	st.Grants = testGrants
	h := newMemHost()
	s := begin(t, h, st)
	writes := h.writes
	s.Close()
	s = restore(t, h)
	if h.writes != writes {
		t.Errorf("%d writes after a restore, %d before", h.writes, writes)
	}
	if _, err := s.Answer(t.Context(), []Answer{{Response: "x"}}); err != nil {
		t.Fatal(err)
	}
	if h.disk["/out/x"] != "ab" {
		t.Errorf("the file holds %q", h.disk["/out/x"])
	}
}

// A worker that dies between the intent and the deed leaves an effect that nobody knows of: the
// session ends, and says so.
func TestEffectUnknown(t *testing.T) {
	st := start(`alc.llm("p") os.remove("/out/x") return alc.llm("q")`)
	st.Grants = testGrants
	h := newMemHost()
	s := begin(t, h, st)
	if _, err := s.Answer(t.Context(), []Answer{{Response: "x"}}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for i, e := range h.events {
		if e.Kind == journal.Effect {
			h.events = h.events[:i+1]
			break
		}
	}
	s = restore(t, h)
	o := s.Outcome()
	if o.Failure == nil || o.Failure.Code != "effect_unknown" || !strings.Contains(o.Failure.Message, "file.remove") {
		t.Fatalf("got %+v", o.Failure)
	}
	if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func TestParseGrants(t *testing.T) {
	g, err := ParseGrants(map[string]any{"read": []any{"/a/../b/"}, "env": []any{"X"}})
	if d := cmp.Diff(Grants{Read: []string{"/b"}, Env: []string{"X"}}, g); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	if d := cmp.Diff([]string{"env=X", "read=/b"}, g.List()); d != "" {
		t.Error(d)
	}
	for _, bad := range []map[string]any{
		{"read": "x"}, {"read": []any{1}}, {"read": []any{"relative"}}, {"write": []any{""}}, {"env": []any{"A=b"}}, {"net": []any{"x"}},
	} {
		if _, err := ParseGrants(bad); !errors.Is(err, ErrBadGrant) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
