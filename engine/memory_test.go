package engine

import (
	"strings"
	"testing"

	"github.com/algocline/algocline/journal"
)

// useful is a session that goes through most of the library and asks in several ways.
const useful = `
for _, name in ipairs(names) do local _ = alc[name] end
local list = alc.json_decode(alc.json_encode({1, 2, {a = "b"}, ("x"):rep(200)}))
local first = alc.llm("first " .. alc.json_encode(list), {system = "s"})
alc.state.set("k", {n = 1, list = list})
alc.state.incr("c")
print("said", first) alc.log("info", ("y"):rep(300)) alc.progress(1, 2, "half")
local answers = alc.llm_batch({{prompt = "a"}, {prompt = "b", system = "s"}})
local chunks = alc.chunk(("some words in a line\n"):rep(60), {size = 10})
local sizes = alc.map(chunks, function(c) return #c end)
local mean = alc.math.mean(sizes) + alc.math.percentile(sizes, 90)
local vote = alc.vote({first, answers[1], answers[2], "z"})
local found = alc.json_extract("text before {\"a\": [1, 2]} and after")
local kind = alc.match_enum("I aprove of it", {"approve", "reject"})
local caught = select(2, pcall(function() table.sort({3, 1, 2}, function(x, y) return alc.llm("less?") < tostring(x + y) end) end))
local wrapped = coroutine.wrap(function() return alc.llm("from a coroutine") end)()
local text = ("word "):rep(100):gsub("%a+", function(w) return w:upper() end)
local children = alc.fork({"child", "child"}, {task = text})
local part = require("child").part(list)
table.sort(sizes)
return {mean, kind, found, #text, part, alc.state.get("k"), children, alc.fingerprint(text), tostring(caught), wrapped, vote}
`

const child = `return {
  part = function(l) return table.concat({#l, type(l)}, ":") end,
  run = function(ctx) return {result = alc.llm("child: " .. #ctx.task)} end,
}`

// TestMemoryRunsOutAnywhere gives one session after the other a little more memory, so that it runs
// out at ever another allocation, of the library, of a host function, of an answer: each session ends
// with the limit, until there is enough, and never with anything else.
func TestMemoryRunsOutAnywhere(t *testing.T) {
	step := int64(4093)
	if testing.Short() {
		step *= 8
	}
	var names []string
	for _, n := range strings.Fields("json_encode json_decode llm llm_batch state log progress chunk map filter reduce math vote json_extract match_enum match_bool fork fingerprint card tuning cache pipe eval env time") {
		names = append(names, `"`+n+`"`)
	}
	code := "local names = {" + strings.Join(names, ", ") + "}\n" + useful
	struck, enough := 0, 0
	for memory := int64(64 << 10); enough < 20; memory += step {
		if memory > 4<<20 {
			t.Fatal("4 MiB do not suffice")
		}
		o, h := withMemory(t, code, memory)
		switch {
		case o.Status == journal.StateCompleted:
			enough++
		case o.Failure != nil && o.Failure.Code == "limit_exceeded" && strings.HasPrefix(o.Failure.Message, "limit memory ("):
			struck++
		default:
			t.Fatalf("with %d bytes: %s %+v", memory, o.Status, o.Failure)
		}
		if memory%5 == 0 {
			if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
				t.Errorf("with %d bytes the record does not replay: %v", memory, err)
			}
		}
	}
	t.Logf("%d sessions ran out of memory", struck)
	if struck < 20 {
		t.Errorf("only %d sessions ran out of memory", struck)
	}
}

// withMemory runs the session to its end.
func withMemory(t *testing.T, code string, memory int64) (Outcome, *memHost) {
	t.Helper()
	h := newMemHost()
	h.modules["child"] = child
	st := start(code)
	st.Limits.Memory = memory
	s, err := Begin(t.Context(), h, testVMs(), st)
	if err != nil {
		t.Fatalf("with %d bytes: %v", memory, err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	o := s.Outcome()
	for o.Kind == OutcomePaused {
		var as []Answer
		for _, q := range s.Open() {
			as = append(as, Answer{QueryID: q.ID, Response: strings.Repeat("answer ", 40)})
		}
		if o, err = s.Answer(t.Context(), as); err != nil {
			t.Fatalf("with %d bytes: %v", memory, err)
		}
	}
	return o, h
}
