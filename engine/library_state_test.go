package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/statefile"
)

func TestDispatchedState(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "by its two names", answers: []string{"x"}, want: `[{"v":1},{"v":1},["k"],true,false,[]]`, code: `
			local s = alc.state
			s.set_dispatched("box", "k", {v = 1})
			local shown, got, keys = s.show("box", "k"), s.get("box:k"), s.list("box")
			alc.llm("p")
			return {shown, got, keys, s.delete_dispatched("box", "k"), s.delete_dispatched("box", "k"), s.list("box")}`},
		{name: "list is sorted and of one prefix", want: `[["a","m","z"],[]]`, code: `
			for _, k in ipairs{"m", "z", "a"} do alc.state.set("things:" .. k, 1) end
			alc.state.set("thing:b", 1)
			return {alc.state.list("things"), alc.state.list("none")}`},
		{name: "null is a value", want: `[true,["k"]]`, code: `
			alc.state.set_dispatched("box", "k")
			return {alc.state.show("box", "k") == nil, alc.state.list("box")}`},
		{name: "reset", want: `[true,2,1,{"data":{"completed_steps":["b",5],"y":2.0},"id":"t"},{"data":{"completed_steps":["b",5],"y":2.0},"id":"t"},0,0]`, code: `
			local s = alc.state
			s.set_dispatched("flow", "t", {id = "t", data = {completed_steps = {"a", "b", "a", 5}, x = 1, y = 2.0}})
			local r = s.reset("flow", "t", {steps = {"a", "zz"}, fields = {"x", "x", "none"}})
			local after = s.show("flow", "t")
			local again = s.reset("flow", "t")
			return {r.ok, r.steps_removed, r.fields_removed, after, s.show("flow", "t"), again.steps_removed, again.fields_removed}`},
		{name: "reset of all steps leaves a list", want: `"{\"data\":{\"completed_steps\":[]}}"`, code: `
			alc.state.set_dispatched("f", "t", {data = {completed_steps = {"a"}}})
			alc.state.reset("f", "t", {steps = {"a"}})
			return alc.json_encode(alc.state.show("f", "t"))`},
		{name: "reset refuses", want: `["state: key 'none' not found in namespace 'f'","state: shape invalid: missing 'data' top-level field",
			"state: shape invalid: 'data' top-level field must be an object","state: shape invalid: missing 'data' top-level field",
			"state: shape invalid: data.completed_steps must be an array","no error","bad argument #3 to 'reset' (steps must be a list of strings, got string)",
			"bad argument #3 to 'reset' (table expected, got number)"]`, code: messages + `
			local s, out = alc.state, {}
			for k, v in pairs{a = {x = 1}, b = {data = 5}, c = 5, d = {data = {completed_steps = "x"}}} do s.set("f:" .. k, v) end
			for i, c in ipairs{{"none"}, {"a"}, {"b"}, {"c"}, {"d", {steps = {"x"}}}, {"d", {fields = {"x"}}}, {"d", {steps = "x"}}, {"d", 5}} do
				out[i] = raised(s.reset, "f", c[1], c[2])
			end
			return out`},
		{name: "unsafe names", want: `["state: unsafe namespace segment 'a/b'","state: unsafe namespace segment '..'","state: unsafe key segment 'x y'","state: unsafe namespace segment ''",
			"state: unsafe key segment '.'","state: unsafe key segment 'é'","state: key 'none' not found in namespace 'box'","bad argument #2 to 'show' (string expected, got no value)"]`,
			code: messages + `
			local s, out = alc.state, {}
			for i, c in ipairs{{"list", "a/b"}, {"show", "..", "k"}, {"set_dispatched", "ok", "x y", 1}, {"delete_dispatched", "", "k"}, {"reset", "ok", "."}, {"show", "a", "é"}, {"show", "box", "none"}, {"show", "a"}} do
				out[i] = raised(s[c[1]], c[2], c[3], c[4])
			end
			return out`},
		{name: "a number is its text", want: `["five",["5"]]`, code: `alc.state.set_dispatched(1, 5, "five") return {alc.state.get("1:5"), alc.state.list(1)}`},
	})
}

// backup_path names the former value as the original lays it out; the value itself is kept.
func TestResetKeepsABackup(t *testing.T) {
	st := start(`alc.state.set("f:t", {data = {x = 1}}) return alc.state.reset("f", "t", {fields = {"x"}}).backup_path`)
	st.Dirs = Dirs{State: "/home/u/.algocline/state"}
	o, h := play(t, nil, st)
	if got, want := string(o.Output), `"/home/u/.algocline/state/f/t.json.bak"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := string(h.state["//backup/f\x00t"]), `{"data":{"x":1}}`; got != want {
		t.Errorf("backup %s, want %s", got, want)
	}
	_, h = play(t, nil, start(`alc.state.set_dispatched("f", "t", 1) alc.state.set_dispatched("f", "t", 2) alc.llm("p") alc.state.delete_dispatched("f", "t")`), "x")
	for k := range h.state {
		if k != "//adopted\x00/f" {
			t.Errorf("left: %q", k)
		}
	}
}

// Every operation on the namespace of a session refuses one that could not be a file's name, and a
// value that is too large.
func TestStateRefuses(t *testing.T) {
	const calls = messages + `
		local s, out = alc.state, {}
		for i, c in ipairs{{s.get, "k"}, {s.has, "k"}, {s.keys}, {s.delete, "k"}, {s.set, "k", 1}, {s.set_nx, "k", 1}, {s.incr, "k"}, {s.update, "k", tostring}} do
			out[i] = raised(c[1], c[2], c[3])
		end
		return out`
	for _, ns := range []string{"", "a/b", `a\b`, "..", "a\x00"} {
		st := start(calls)
		name, err := json.Marshal(ns)
		if err != nil {
			t.Fatal(err)
		}
		st.Ctx = fmt.Appendf(nil, `{"_ns":%s}`, name)
		o, h := play(t, nil, st)
		if n := strings.Count(string(o.Output), "Invalid namespace: "); n != 8 || len(h.state) != 0 {
			t.Errorf("%q: %s, %v", ns, o.Output, h.state)
		}
	}
}

func TestUpdate(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "with default", want: `[11,12,12]`, code: `
			local function inc(x) return x + 1 end
			return {alc.state.update("n", inc, 10), alc.state.update("n", inc, 10), alc.state.get("n")}`},
		{name: "nil is stored", want: `[true,true]`, code: `
			return {alc.state.update("n", function() end) == nil, alc.state.has("n")}`},
		{name: "a stored null is not the default", want: `"nil"`, code: `
			alc.state.set("n", nil)
			return alc.state.update("n", function(x) return type(x) end, 5)`},
		{name: "the default itself is handed over", want: `true`, code: `
			local d = {}
			return alc.state.update("n", function(x) return x == d end, d)`},
		{name: "with a pause inside", answers: []string{"3"}, want: `[4,4]`, code: `
			return {alc.state.update("n", function(x) return x + alc.llm("p") // 1 | 0 end, 1), alc.state.get("n")}`},
		{name: "an error leaves the value", want: `[false,1]`, code: `
			alc.state.set("n", 1)
			return {pcall(alc.state.update, "n", error) and true, alc.state.get("n")}`},
		{name: "dispatched key", want: `[2,["k"]]`, code: `
			alc.state.set("p:k", 1)
			return {alc.state.update("p:k", function(x) return x + 1 end), alc.state.list("p")}`},
		{name: "a replaced get and set are used", want: `[6,6,false]`, code: `
			local set
			alc.state.get = function() return 5 end
			alc.state.set = function(_, v) set = v end
			return {alc.state.update("n", function(x) return x + 1 end), set, alc.state.has("n")}`},
		{name: "what cannot be encoded", want: `[false,1]`, code: `
			alc.state.set("n", 1)
			return {(pcall(alc.state.update, "n", function() return print end)), alc.state.get("n")}`},
	})
}

// Another session changes the value while the function waits for an answer: the function sees the
// new one, and neither change is lost.
func TestUpdateIsAtomic(t *testing.T) {
	for name, tt := range map[string]struct {
		before, between string
		want            string
	}{
		"changed":   {"1", "10", "[12,2]"},
		"appeared":  {"", "10", "[12,2]"},
		"vanished":  {"5", "", "[102,2]"},
		"the same":  {"1", "1", "[2,1]"},
		"an object": {"1", `{"a":1}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newMemHost()
			put := func(v string) {
				delete(h.state, "default\x00n")
				if v != "" {
					h.state["default\x00n"] = []byte(v)
				}
			}
			put(tt.before)
			s := begin(t, h, start(`
				local calls = 0
				local v = alc.state.update("n", function(x)
					calls = calls + 1
					if calls == 1 then alc.llm("p") end
					return x + calls
				end, 100)
				return {v, calls}`))
			put(tt.between)
			o, err := s.Answer(t.Context(), []Answer{{Response: "x"}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if o.Failure == nil {
					t.Errorf("got %s", o.Output)
				}
				return
			}
			if string(o.Output) != tt.want {
				t.Errorf("got %s, want %s", o.Output, tt.want)
			}
			if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
				t.Error(err)
			}
		})
	}
}

// Files of the original are taken over once, when they are first touched, with what is recorded.
func TestStateFiles(t *testing.T) {
	files := func(h *memHost) {
		h.files = map[string]map[string][]byte{
			"default": {"k": []byte(`{"old":1}`), "n": []byte(`5`)},
			"/flow":   {"t1": []byte(`"one"`), "t2": []byte(`"two"`)},
			"/unseen": {"x": []byte(`1`)},
		}
	}
	for name, tt := range map[string]struct{ code, want string }{
		"read":          {`return alc.state.get("k")`, `{"old":1}`},
		"has":           {`return alc.state.has("k")`, `true`},
		"keys":          {`return alc.state.keys()`, `["k","n"]`},
		"incr":          {`return alc.state.incr("n")`, `6.0`},
		"set_nx":        {`return alc.state.set_nx("k", 1)`, `false`},
		"delete":        {`return {alc.state.delete("k"), alc.state.has("k"), alc.state.keys()}`, `[true,false,["n"]]`},
		"set":           {`alc.state.set("k", 2) return {alc.state.get("k"), alc.state.get("n")}`, `[2,5]`},
		"update":        {`return alc.state.update("n", function(x) return x * 2 end)`, `10`},
		"dispatched":    {`return {alc.state.get("flow:t1"), alc.state.list("flow")}`, `["one",["t1","t2"]]`},
		"list":          {`return alc.state.list("flow")`, `["t1","t2"]`},
		"show":          {`return alc.state.show("flow", "t2")`, `"two"`},
		"set_dispached": {`alc.state.set_dispatched("flow", "t3", 1) return alc.state.list("flow")`, `["t1","t2","t3"]`},
		"deleted":       {`return {alc.state.delete_dispatched("flow", "t1"), alc.state.list("flow")}`, `[true,["t2"]]`},
	} {
		t.Run(name, func(t *testing.T) {
			o, h := play(t, files, start(tt.code+"\n"))
			if d := cmp.Diff(tt.want, string(o.Output)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if _, touched := h.state["/unseen\x00x"]; touched {
				t.Error("took over what was not touched")
			}
		})
	}
}

// After the first touch the files count no more, whether there were any or not.
func TestStateFilesOnce(t *testing.T) {
	for name, code := range map[string]string{
		"read":    `alc.state.get("k")`,
		"written": `alc.state.set("new", 1)`,
	} {
		for _, had := range []bool{true, false} {
			h := newMemHost()
			if had {
				h.files = map[string]map[string][]byte{"default": {"k": []byte(`1`)}}
			}
			begin(t, h, start(code))
			h.files = map[string]map[string][]byte{"default": {"k": []byte(`2`), "late": []byte(`3`)}}
			h.events = nil
			o := begin(t, h, start(`return {alc.state.get("k") or "none", alc.state.has("late")}`)).Outcome()
			want := `[1,false]`
			switch {
			case !had && name == "read":
				want = `[2,true]` // there was nothing to touch
			case !had:
				want = `["none",false]`
			}
			if string(o.Output) != want {
				t.Errorf("%s, files before: %v: got %s, want %s", name, had, o.Output, want)
			}
		}
	}
}

// A file that is no state is told to the script, by reads and effects, and nothing is written.
func TestStateFilesBroken(t *testing.T) {
	o, h := play(t, func(h *memHost) { h.filesErr = &statefile.MalformedError{File: "default.json", Why: "JSON"} },
		start(messages+`return {raised(alc.state.get, "k"), raised(alc.state.set, "k", 1), raised(alc.state.list, "p")}`))
	const why = "state: importing files of an earlier version: default.json is not JSON"
	if got, want := string(o.Output), fmt.Sprintf("[%[1]q,%[1]q,%[1]q]", why); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(h.state) != 0 {
		t.Errorf("state %v", h.state)
	}
}

// A disk that fails is nothing that a script may see, or that is recorded.
func TestStateFilesUnreadable(t *testing.T) {
	for _, call := range []string{`alc.state.get("k")`, `alc.state.set("k", 1)`, `alc.state.list("p")`, `alc.state.delete_dispatched("p", "k")`} {
		h := newMemHost()
		h.filesErr = &fs.PathError{Op: "read", Path: "default.json", Err: syscall.EIO}
		_, err := Begin(t.Context(), h, testVMs(), start(`pcall(function() `+call+` end) return 1`))
		if !errors.Is(err, ErrBroken) || !errors.Is(err, syscall.EIO) || len(h.events) != 0 {
			t.Errorf("%s: %v, with %d events", call, err, len(h.events))
		}
	}
}

// A commit of imported files that fails breaks the session, and the next one imports.
func TestStateFilesCommitFails(t *testing.T) {
	h := newMemHost()
	h.files = map[string]map[string][]byte{"default": {"k": []byte(`1`)}}
	s := begin(t, h, start(`alc.llm("p") return alc.state.get("k")`))
	h.fail = &journal.UncertainError{Cause: errors.New("no space left on device")}
	if _, err := s.Answer(t.Context(), []Answer{{Response: "x"}}); !errors.Is(err, ErrBroken) {
		t.Fatalf("got %v", err)
	}
	h.fail = nil
	o, err := restore(t, h).Answer(t.Context(), []Answer{{Response: "x"}})
	if err != nil || string(o.Output) != "1" {
		t.Errorf("%s, %v", o.Output, err)
	}
}
