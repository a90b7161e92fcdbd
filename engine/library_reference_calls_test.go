package engine

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/internal/rawmcp"
)

// options makes the options of a call to the model.
func (r random) options() string {
	var es []string
	for _, o := range []string{
		"system = " + r.one("'s'", "5", "true", "''"), "max_tokens = " + r.one("5", "2.7", "'7'", "-1", "'x'", "2^33", "0", "{}"),
		"grounded = " + r.one("true", "0", "false"), "underspecified = " + r.one("true", "false"),
		"role = " + r.one("'r'", "5", "''", "{}"), "cache_breakpoint = " + r.one("'b'", "1.5"), "temperature = 0.5",
	} {
		if r.IntN(3) == 0 {
			es = append(es, o)
		}
	}
	return "{" + strings.Join(es, ", ") + "}"
}

func (r random) prompt() string { return r.one("'a'", "'B c'", "'b  C'", "'é'", "''", "7", "2.0") }

// asking makes a statement's call that may ask the model.
func (r random) asking() string {
	switch r.IntN(10) {
	case 0:
		return fmt.Sprintf("alc.llm, %s, %s", r.prompt(), r.one("nil", r.options()))
	case 1:
		return fmt.Sprintf("%s, %s, %s", r.one("alc.ground", "alc.specify"), r.prompt(), r.one("nil", r.options()))
	case 2, 3:
		return fmt.Sprintf("alc.cache, %s, {system = %s, max_tokens = %s, cache_key = %s, cache_skip = %s}", r.prompt(),
			r.one("nil", "'s'"), r.one("nil", "5"), r.one("nil", "nil", "'k'"), r.one("nil", "nil", "true"))
	case 4:
		return fmt.Sprintf("alc.llm_safe, %s, %s, 'd'", r.one("nil", "{}", r.prompt()), r.one("nil", r.options()))
	case 5:
		return "alc.llm_batch, " + r.list(3, func() string { return "{prompt = " + r.prompt() + ", " + r.options()[1:] })
	case 6:
		return fmt.Sprintf("alc.parallel, %s, function(x) return %s end, {system = %s, max_tokens = %s, role = 'r', post_fn = %s}",
			r.list(3, r.prompt), r.one("'p' .. x", "{prompt = 'q', role = 'r', max_tokens = '3'}", "{prompt = x}", "x"),
			r.one("nil", "'s'", "5"), r.one("nil", "5", "'7'"), r.one("nil", "function(a, x, i) return a .. x .. i end", "function(a) return alc.llm(a) end"))
	case 7:
		return fmt.Sprintf("%s, %s, function(a, b) return alc.llm(a .. tostring(b)) end", r.one("alc.map", "alc.reduce", "alc.filter"), r.list(3, r.prompt))
	case 8:
		return fmt.Sprintf("alc.pipe, {function(c) c.result = alc.llm(c.task) return c end, function(c) %s return c end}, {task = %s}, {on_error = %s}",
			r.one("c.result = {alc.llm(c.task)}", "error('x', 0)"), r.one("'t'", "5"), r.one("nil", "'skip'"))
	}
	return r.one("alc.budget_check", "alc.cache_info", "alc.cache_clear")
}

// Scripts that ask show the host what the original shows it, pause for pause, and end alike.
func TestAskingAgainstReference(t *testing.T) {
	c, r := reference(t)
	for range 150 {
		var calls []string
		for range 1 + r.IntN(6) {
			calls = append(calls, r.asking())
		}
		code := comparing + "try(" + strings.Join(calls, ")\ntry(") + ")\nreturn out"
		budget := map[string]any{"budget": map[string]any{"max_llm_calls": 3 + r.IntN(20)}}
		theirs := askReference(t, c, code, budget)
		ours := askOurs(t, code, budget)
		if d := cmp.Diff(theirs, ours); d != "" {
			t.Errorf("%s\n(-reference +ours)\n%s", code[len(comparing):], d)
		}
	}
}

// shownQuery is what a host sees of a query, its id left out.
type shownQuery struct {
	ID              string // read, but not compared
	Prompt          string
	System          *string
	MaxTokens       int64 `json:"max_tokens"`
	Grounded        bool
	Underspecified  bool
	Role            *string
	CacheBreakpoint *string `json:"cache_breakpoint"`
}

// conversation is a run as its host sees it.
type conversation struct {
	Pauses [][]shownQuery
	Result []string
}

// Where we choose to differ: an error of a host function is its text, without a traceback, and
// cache_clear resets the number of entries.
var (
	traceback = regexp.MustCompile(`\\nstack traceback:(?:[^"\\]|\\.)*`)
	entries   = regexp.MustCompile(`"entries":\d+,`)
)

// withoutChoices takes out of a result what differs by choice.
func withoutChoices(code string, result []string) []string {
	out := []string{}
	for _, line := range result {
		line = traceback.ReplaceAllString(line, "")
		if strings.Contains(code, "cache_clear") {
			line = entries.ReplaceAllString(line, "")
		}
		out = append(out, line)
	}
	return out
}

func reply(n int) string { return fmt.Sprintf("answer %d", n) }

func askReference(t *testing.T, c *rawmcp.Client, code string, ctx any) (got conversation) {
	t.Helper()
	var f struct {
		shownQuery
		SessionID string `json:"session_id"`
		Status    string
		Error     string
		Queries   []shownQuery
		Result    []string
	}
	step := func(tool string, args map[string]any) {
		t.Helper()
		f.Queries, f.shownQuery, f.Status = nil, shownQuery{}, ""
		if err := c.Tool(t.Context(), tool, args, &f); err != nil {
			t.Fatalf("%s: %v\n%s", tool, err, code)
		}
	}
	n := 0
	step("alc_run", map[string]any{"code": code, "ctx": ctx})
	for f.Status == "needs_response" {
		args := map[string]any{"session_id": f.SessionID}
		qs := f.Queries
		if qs == nil {
			qs = []shownQuery{f.shownQuery}
			n++
			args["response"] = reply(n)
		} else {
			var responses []map[string]any
			for _, q := range qs {
				n++
				responses = append(responses, map[string]any{"query_id": q.ID, "response": reply(n)})
			}
			args["responses"] = responses
		}
		for i := range qs {
			qs[i].ID = ""
		}
		got.Pauses = append(got.Pauses, qs)
		step("alc_continue", args)
	}
	if f.Status != "completed" {
		t.Fatalf("the reference ended as %s: %s\n%s", f.Status, f.Error, code)
	}
	got.Result = withoutChoices(code, f.Result)
	return got
}

func askOurs(t *testing.T, code string, ctx any) (got conversation) {
	t.Helper()
	js, err := json.Marshal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	st := start(code)
	st.Ctx = js
	s := begin(t, newMemHost(), st)
	n := 0
	for s.Outcome().Kind == OutcomePaused {
		var qs []shownQuery
		var as []Answer
		for _, q := range s.Open() {
			n++
			qs = append(qs, shownQuery{
				Prompt: q.Prompt, System: q.System, MaxTokens: q.MaxTokens, Grounded: q.Grounded,
				Underspecified: q.Underspecified, Role: q.Role, CacheBreakpoint: q.CacheBreakpoint,
			})
			as = append(as, Answer{QueryID: q.ID, Response: reply(n)})
		}
		got.Pauses = append(got.Pauses, qs)
		if _, err := s.Answer(t.Context(), as); err != nil {
			t.Fatal(err)
		}
	}
	o := s.Outcome()
	if err := json.Unmarshal(o.Output, &got.Result); err != nil {
		t.Fatalf("%v: %+v\n%s", err, o.Failure, code)
	}
	got.Result = withoutChoices(code, got.Result)
	return got
}
