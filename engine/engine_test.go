package engine

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
)

var testVMs = sync.OnceValue(func() *VMs {
	v, err := NewVMs(2, "test")
	if err != nil {
		panic(err)
	}
	return v
})

func start(code string) Start {
	return Start{SID: "s-test", Code: []byte(code), Name: "strategy.lua", Limits: DefaultLimits(), Seed: 7}
}

// begin starts a session that the test ends.
func begin(t *testing.T, h Host, st Start) *Session {
	t.Helper()
	s, err := Begin(t.Context(), h, testVMs(), st)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// restore rebuilds a session from what its host has recorded.
func restore(t *testing.T, h *memHost) *Session {
	t.Helper()
	s, err := Restore(t.Context(), h, testVMs(), append([]journal.Event(nil), h.events...))
	if err != nil {
		t.Fatalf("Restore: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// play runs a script with answers, one a query, twice over: once in one piece, and once dropped
// and restored at every pause. Both must record the same. It returns the end and the host.
func play(t *testing.T, prepare func(*memHost), st Start, answers ...string) (Outcome, *memHost) {
	t.Helper()
	run := func(drop bool) (Outcome, *memHost) {
		h := newMemHost()
		if prepare != nil {
			prepare(h)
		}
		s := begin(t, h, st)
		o := s.Outcome()
		for i := 0; o.Kind == OutcomePaused; {
			if drop {
				before := s.Outcome()
				s.Close()
				s = restore(t, h)
				if d := cmp.Diff(before, s.Outcome()); d != "" {
					t.Fatalf("restored outcome differs (-live +restored):\n%s", d)
				}
			}
			var as []Answer
			for _, q := range s.Open() {
				if i == len(answers) {
					return o, h
				}
				as = append(as, Answer{QueryID: q.ID, Response: answers[i]})
				i++
			}
			var err error
			if o, err = s.Answer(t.Context(), as); err != nil {
				t.Fatalf("Answer: %v", err)
			}
		}
		return o, h
	}
	o, h := run(false)
	o2, h2 := run(true)
	if o.Failure != nil {
		o.Failure.Traceback, o2.Failure.Traceback = "", ""
	}
	o.Metrics, o2.Metrics = nil, nil // elapsed_ms differs
	if d := cmp.Diff(o, o2); d != "" {
		t.Errorf("a session that was restored at every pause ends differently (-live +restored):\n%s", d)
	}
	if a, b := kinds(h.events), kinds(h2.events); a != b {
		t.Errorf("live recorded %s, restored %s", a, b)
	}
	for _, h := range []*memHost{h, h2} {
		if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
	return o, h
}

func kinds(es []journal.Event) string {
	var b strings.Builder
	for _, e := range es {
		b.WriteString(string(e.Kind) + " ")
	}
	return b.String()
}

func TestOutcomes(t *testing.T) {
	tests := []struct {
		name, code, ctx string
		answers         []string
		want            string // JSON of the result, or the error's code and text
	}{
		{"result", `return {n = 1, f = 1.0, s = "é", e = {}}`, "", nil, `{"e":{},"f":1.0,"n":1,"s":"é"}`},
		{"nothing", `local x = 1`, "", nil, `null`},
		{"empty", ``, "", nil, `null`},
		{"a searcher without a name", `return {(pcall(package.searchers[1])), (pcall(package.searchers[1], {})), (pcall(package.searchers[2], {}))}`, "", nil, `[false,false,false]`},
		{"a module that is false", `package.loaded.x = false package.preload.x = function() return "loaded" end return (require("x"))`, "", nil, `"loaded"`},
		{"ctx", `return ctx.task .. #ctx.l`, `{"task":"t","l":[1,2]}`, nil, `"t2"`},
		{"ctx as text", `return ctx.a`, `"{\"a\":5}"`, nil, `5`},
		{"no ctx", `return type(ctx)`, "", nil, `"table"`},
		{"one query", `return alc.llm("p") .. "!"`, "", []string{"yes"}, `"yes!"`},
		{"batch", `local r = alc.llm_batch{{prompt="a"},{prompt="b"}} return r[1] .. r[2]`, "", []string{"1", "2"}, `"12"`},
		{"in a coroutine", `return coroutine.wrap(function() return alc.llm("p") end)()`, "", []string{"x"}, `"x"`},
		{"in pcall", `local ok, v = pcall(alc.llm, "p") return {ok, v}`, "", []string{"x"}, `[true,"x"]`},
		{"syntax", "return 1\nreturn 2", "", nil, "syntax_error: strategy.lua:2:"},
		{"syntax at the end", "if x then", "", nil, "syntax_error: strategy.lua:1:"},
		{"error", "\n\nerror('boom')", "", nil, "lua_error: strategy.lua:3: boom"},
		{"error table", `error(setmetatable({}, {__tostring = function() return "words" end}))`, "", nil, "lua_error: words"},
		{"after a pause", "alc.llm('p')\nerror('late')", "", []string{"x"}, "lua_error: strategy.lua:2: late"},
		{"result that is no JSON", `return {print}`, "", nil, "lua_error: "},
		{"deep result", `local t = {} for i = 1, 127 do t = {t} end return t`, "", nil, "lua_error: JSON parse:"},
		{"random", `return math.random(1000000)`, "", nil, ""},
		{"module", `return require("m").v`, "", nil, `7`},
		{"module that asks", `return require("asks")`, "", []string{"x"}, `"x"`},
		{"module twice", `return require("m") == require("m")`, "", nil, `true`},
		{"no module", `return (pcall(require, "none"))`, "", nil, `false`},
		{"state", `alc.state.set("k", {1}) alc.llm("p") return {alc.state.get("k"), alc.state.get("no", 5)}`, "", []string{"x"}, `[[1],5]`},
		{"counter", `for i = 1, 3 do alc.state.incr("n") alc.llm("p") end return alc.state.get("n")`, "", []string{"x", "y", "z"}, `3.0`},
		{"incr of a text", `alc.state.set("k", "x") return select(2, pcall(alc.state.incr, "k"))`, "", nil, `"incr: value at 'k' is not a number"`},
		{"dispatched key", `alc.state.set("p:1", 1) return alc.state.keys()`, "", nil, `[]`},
		{"budget", `local ok, e = pcall(alc.llm, "x") return e`, `{"budget":{"max_llm_calls":0}}`, nil, `"budget_exceeded: max_llm_calls (0) reached (0 used)"`},
		{"budget left", `return alc.budget_remaining()`, `{"budget":{"max_llm_calls":4}}`, nil, `{"llm_calls":4}`},
		{"times", `return {type(os.time()), type(os.clock()), type(os.date()), type(alc.time()), os.date("!%F", 0), os.time{year=1970,month=1,day=2,hour=0}}`, "", nil,
			`["number","number","string","number","1970-01-01",86400]`},
		{"fork", `local r = alc.fork({"asks2", "asks2", "fails", "none"}, {task = "t"}) return {r[1].result, r[2].result, r[3].ok, r[4].ok, alc.stats.llm_calls()}`, "",
			[]string{"a", "b", "c", "d"}, `["a:c","b:d",false,false,4]`},
		{"fork without queries", `local r = alc.fork({"plain", "plain"}, {n = 2}) return {r[1].result, r[2].result}`, "", nil, `[3,3]`},
		{"fork in a fork", `local r = alc.fork({"forks", "asks2"}, {task = "t"}) return {r[1].result, r[2].result}`, "",
			[]string{"a", "b", "c", "d"}, `["a:c","b:d"]`},
		{"forks one after the other", `local a = alc.fork({"asks2"}, {}) local b = alc.fork({"asks2"}, {}) return {a[1].result, b[1].result}`, "",
			[]string{"a", "b", "c", "d"}, `["a:b","c:d"]`},
		{"state of fork children", `alc.fork({"counts", "counts"}, {}) return {alc.state.get("n"), alc.state.keys()}`, "", nil, `[null,[]]`},
		{"fork that may not fail", `return (pcall(alc.fork, {"fails"}, {}, {on_error = "abort"}))`, "", nil, `false`},
		{"fork with a budget", `local r = alc.fork({"asks2", "asks2"}, {}) return {r[1].ok, r[2].ok}`, `{"budget":{"max_llm_calls":3}}`,
			[]string{"a", "b", "c"}, `[true,false]`},
		{"no doors", `return {pcall(os.exit)}, io.open("/etc/passwd")`, "", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := start(tt.code)
			if tt.ctx != "" {
				st.Ctx = []byte(tt.ctx)
			}
			o, _ := play(t, func(h *memHost) {
				h.modules["m"] = "return {v = 7}"
				h.modules["asks2"] = `return {run = function(c) alc.time() local a = alc.llm("first") alc.state.incr("k") return a .. ":" .. alc.llm("second") end}`
				h.modules["fails"] = `return {run = function() error("no") end}`
				h.modules["plain"] = `return {run = function(c) return c.n + 1 end}`
				h.modules["counts"] = `return {run = function(c) return alc.state.incr("n") end}`
				h.modules["forks"] = `return {run = function(c) return alc.fork({"asks2"}, c)[1].result end}`
				h.modules["asks"] = "return alc.llm('from a module')"
			}, st, tt.answers...)
			if o.Kind != OutcomeFinished {
				t.Fatalf("ended as %s", o.Kind)
			}
			got := string(o.Output)
			if o.Failure != nil {
				got = o.Failure.Code + ": " + o.Failure.Message
				if strings.HasPrefix(got, tt.want) && tt.want != "" {
					return
				}
			}
			if tt.want != "" && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	h := newMemHost()
	s := begin(t, h, start(`local r = alc.llm_batch{{prompt="a"},{prompt="b"}} local c = alc.llm("c") return r[1]..r[2]..c`))
	answer := func(id, text string) (Outcome, error) {
		return s.Answer(t.Context(), []Answer{{QueryID: id, Response: text}})
	}
	must := func(id, text string, want OutcomeKind) Outcome {
		t.Helper()
		o, err := answer(id, text)
		if err != nil || o.Kind != want {
			t.Fatalf("answer %s: %s, %v; want %s", id, o.Kind, err, want)
		}
		return o
	}
	if _, err := answer("", "x"); !errors.Is(err, ErrQueryNotOpen) {
		t.Errorf("no id with two open: %v", err)
	}
	if _, err := answer("q-9", "x"); !errors.Is(err, ErrQueryNotOpen) {
		t.Errorf("unknown id: %v", err)
	}
	if o := must("q-1", "2", OutcomeAccepted); o.Remaining != 1 {
		t.Errorf("remaining %d", o.Remaining)
	}
	must("q-1", "2", OutcomeAccepted) // the same again changes nothing
	if _, err := answer("q-1", "two"); !errors.Is(err, ErrAnswerDiffers) {
		t.Errorf("another text: %v", err)
	}
	if o := must("", "1", OutcomePaused); o.Queries[0].ID != "q-2" || o.Queries[0].Prompt != "c" {
		t.Errorf("next pause %+v", o.Queries)
	}
	must("q-0", "1", OutcomePaused) // of an earlier round
	events := len(h.events)
	o := must("q-2", "3", OutcomeFinished)
	if string(o.Output) != `"213"` && string(o.Output) != `"123"` {
		t.Errorf("output %s", o.Output)
	}
	if len(h.events) != events+2 {
		t.Errorf("an answer and the end are 2 events, got %d", len(h.events)-events)
	}
	must("q-2", "3", OutcomeFinished)
	if _, err := answer("q-7", "x"); !errors.Is(err, ErrFinished) {
		t.Errorf("after the end: %v", err)
	}
}

// One synced commit a reply: a run, a continue with a recorded read in it, a partial answer.
func TestCommits(t *testing.T) {
	h := newMemHost()
	s := begin(t, h, start(`alc.time() alc.llm_batch{{prompt="a"},{prompt="b"}} alc.time() return 1`))
	want := func(commits, syncs int) {
		t.Helper()
		if h.commits != commits || h.syncs != syncs {
			t.Errorf("%d commits, %d synced; want %d, %d", h.commits, h.syncs, commits, syncs)
		}
	}
	want(1, 1)
	for i, id := range []string{"q-0", "q-1"} {
		if _, err := s.Answer(t.Context(), []Answer{{QueryID: id, Response: "x"}}); err != nil {
			t.Fatal(err)
		}
		want(2+i, 2+i)
	}
	if _, err := s.Answer(t.Context(), []Answer{{QueryID: "q-0", Response: "x"}}); err != nil {
		t.Fatal(err)
	}
	want(3, 3)
}

// A commit that fails leaves the session at its last durable pause: nothing is shown, the VM is
// of no more use, and another one goes on from the journal.
func TestBrokenCommit(t *testing.T) {
	h := newMemHost()
	s := begin(t, h, start(`alc.llm("a") return alc.llm("b")`))
	h.fail = &journal.UncertainError{Cause: errors.New("no space left on device")}
	if _, err := s.Answer(t.Context(), []Answer{{Response: "1"}}); !errors.Is(err, ErrBroken) || !errors.Is(err, journal.ErrUncertain) {
		t.Fatalf("got %v", err)
	}
	h.fail = nil
	if _, err := s.Answer(t.Context(), []Answer{{Response: "1"}}); !errors.Is(err, ErrBroken) {
		t.Fatalf("a broken session went on: %v", err)
	}
	s = restore(t, h)
	o, err := s.Answer(t.Context(), []Answer{{QueryID: "q-0", Response: "1"}})
	if err != nil || o.Queries[0].Prompt != "b" {
		t.Fatalf("%+v, %v", o, err)
	}
}

// A worker that dies between an effect and the next pause leaves an unfinished step: restoring
// finishes it, and the effect is not repeated.
func TestUnfinishedStep(t *testing.T) {
	h := newMemHost()
	s := begin(t, h, start(`alc.llm("a") local n = alc.state.incr("n") alc.llm("b " .. n) return alc.state.get("n")`))
	if _, err := s.Answer(t.Context(), []Answer{{Response: "1"}}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for len(h.events) > 0 && h.events[len(h.events)-1].Kind != journal.Effect {
		h.events = h.events[:len(h.events)-1]
	}
	s = restore(t, h)
	if o := s.Outcome(); o.Kind != OutcomePaused || o.Queries[0].Prompt != "b 1.0" {
		t.Fatalf("%+v", o)
	}
	o, err := s.Answer(t.Context(), []Answer{{QueryID: "q-1", Response: "x"}})
	if err != nil || string(o.Output) != "1.0" {
		t.Fatalf("%s %v", o.Output, err)
	}
}

func TestDivergence(t *testing.T) {
	record := func(code string) *memHost {
		h := newMemHost()
		s := begin(t, h, start(code))
		if _, err := s.Answer(t.Context(), []Answer{{Response: "1"}}); err != nil {
			t.Fatal(err)
		}
		s.Close()
		return h
	}
	base := `local t = alc.time() alc.llm("a") alc.state.set("k", 1) return alc.llm("b")`
	for name, other := range map[string]string{
		"another prompt":    strings.Replace(base, `"a"`, `"A"`, 1),
		"another read":      strings.Replace(base, "alc.time()", "os.time()", 1),
		"a read left out":   strings.Replace(base, "alc.time()", "1", 1),
		"another value":     strings.Replace(base, `"k", 1`, `"k", 2`, 1),
		"an early end":      `local t = alc.time() return 1`,
		"an error":          `local t = alc.time() error("x")`,
		"a helper's answer": `local t = alc.time() alc.json_encode(1) alc.llm("a") alc.state.set("k", 1) return alc.llm("b")`,
	} {
		t.Run(name, func(t *testing.T) {
			h := record(base)
			for hash := range h.contents {
				if hash == journal.HashContent([]byte(base)) {
					h.contents[hash] = []byte(other)
				}
			}
			before := len(h.events)
			_, err := Restore(t.Context(), h, testVMs(), h.events)
			var d *DivergedError
			if !errors.As(err, &d) || d.Seq == 0 {
				t.Fatalf("got %v", err)
			}
			if len(h.events) != before {
				t.Error("a diverged replay wrote events")
			}
		})
	}
}
