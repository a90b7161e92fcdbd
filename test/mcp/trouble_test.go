package mcp

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// client is a home with short ways to call its first server.
type client struct {
	*home
	n *names
}

func newClient(t *testing.T) client {
	h := newHome(t, nil)
	return client{h, &names{home: h.dir, ids: map[string]string{}}}
}

// ask calls a tool whose result must be a JSON object.
func (c client) ask(tool string, args map[string]any) map[string]any {
	c.t.Helper()
	got, raw := callOnce(c.home, c.n, step{Tool: tool, Arguments: args})
	v, ok := got["result"].(map[string]any)
	if !ok {
		c.t.Fatalf("%s: %s", tool, raw)
	}
	return v
}

// refused calls a tool whose answer must be an error, and returns its text.
func (c client) refused(tool string, args map[string]any) string {
	c.t.Helper()
	got, raw := callOnce(c.home, c.n, step{Tool: tool, Arguments: args})
	if _, isErr := got["error"]; !isErr {
		c.t.Fatalf("%s was not refused: %s", tool, raw)
	}
	return raw
}

// longStep computes for about a second before it asks.
const longStep = `local x = 0 for i = 1, 2e8 do x = x + i end return alc.llm("after " .. math.type(x))`

// beginLongStep sends a run whose first step computes for a while, and returns, when the step has
// begun, the arguments to send again.
func (c client) beginLongStep() map[string]any {
	c.t.Helper()
	c.ask("alc_pool_ensure", nil)
	args := map[string]any{"code": longStep, "session_id": "mine"}
	c.server(0).start("alc_run", args)
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); {
		got, _ := callOnce(c.home, c.n, step{Tool: "alc_status", Arguments: map[string]any{"session_id": "mine"}})
		if r, ok := got["result"].(map[string]any); ok && r["state"] == "running" {
			return args
		}
	}
	c.t.Fatal("the step was never seen running")
	return nil
}

func TestLookingAtARunningStep(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	args := c.beginLongStep()
	list := c.ask("alc_status", map[string]any{"pending_filter": "full"})
	one := list["sessions"].([]any)[0].(map[string]any)
	if list["active_sessions"] != json.Number("1") || one["status"] != "running" || one["pending"] != nil {
		t.Errorf("the list: %v", list)
	}
	// An answer cannot be for the question that comes next.
	if raw := c.refused("alc_continue", map[string]any{"session_id": "mine", "response": "early"}); !strings.Contains(raw, "send its query_id") {
		t.Errorf("an early answer: %s", raw)
	}
	if pause := c.ask("alc_run", args); pause["prompt"] != "after integer" {
		t.Errorf("the pause: %v", pause)
	}
}

// TestTwoServersAnswerAtOnce has two hosts send the same answer at the same moment, again and
// again: one step runs, and both get its outcome.
func TestTwoServersAnswerAtOnce(t *testing.T) {
	t.Parallel()
	const rounds = 20
	c := newClient(t)
	pause := c.ask("alc_run", map[string]any{"session_id": "mine", "ctx": map[string]any{"n": rounds}, "code": `
		for i = 1, ctx.n do
			alc.llm("question " .. i)
			alc.state.incr("steps")
		end
		return alc.state.get("steps")`})
	for i := 1; i <= rounds; i++ {
		if pause["prompt"] != fmt.Sprintf("question %d", i) {
			t.Fatalf("round %d: %v", i, pause)
		}
		args := map[string]any{"session_id": "mine", "query_id": pause["query_id"], "response": "answer"}
		first, second := c.server(0).start("alc_continue", args), c.server(1).start("alc_continue", args)
		a, b := <-first, <-second
		if a != b || a.isError {
			t.Fatalf("round %d: %+v and %+v", i, a, b)
		}
		pause = parse(t, a.text).(map[string]any)
	}
	if d := fits(map[string]any{"status": "completed", "result": json.Number(fmt.Sprint(rounds))}, pause, "$"); len(d) > 0 {
		t.Errorf("the end: %v", d)
	}
}

func TestServerLeavesInMidStep(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t)
			args := c.beginLongStep()
			s := c.server(0)
			delete(c.servers, 0)
			if sig == syscall.SIGKILL {
				s.kill()
			} else {
				s.signal(sig)
				s.close()
			}
			// Another server finds the session, waits for its step and goes on.
			pause := c.ask("alc_run", args)
			if pause["prompt"] != "after integer" {
				t.Errorf("the session went on to %v", pause)
			}
			end := c.ask("alc_continue", map[string]any{"session_id": "mine", "query_id": pause["query_id"], "response": "A"})
			if end["result"] != "A" || end["stats"].(map[string]any)["auto"].(map[string]any)["llm_calls"] != json.Number("1") {
				t.Errorf("the end: %v", end)
			}
		})
	}
}

func TestStuckWorkerDoesNotFreezeStatus(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	pause := c.ask("alc_run", map[string]any{"code": "return alc.llm('q')", "session_id": "mine"})
	pid := c.workers()[0]
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	list := c.ask("alc_status", nil)
	if list["active_sessions"] != json.Number("1") || list["warnings"] == nil {
		t.Errorf("the list: %v", list)
	}
	one := c.ask("alc_status", map[string]any{"session_id": "mine", "include_history": true})
	if one["state"] != "paused" || one["history_warning"] == nil {
		t.Errorf("the session: %v", one)
	}
	if d := time.Since(begin); d > 15*time.Second {
		t.Errorf("two looks took %v", d)
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	end := c.ask("alc_continue", map[string]any{"session_id": "mine", "query_id": pause["query_id"], "response": "A"})
	if end["result"] != "A" {
		t.Errorf("the end: %v", end)
	}
}

func TestStatusFindsWhatWasLost(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	run := map[string]any{"code": "return alc.llm('only question')", "session_id": "mine"}
	c.ask("alc_run", run)
	c.endWorkers(syscall.SIGKILL)

	if list := c.ask("alc_status", nil); list["active_sessions"] != json.Number("1") {
		t.Fatalf("want 1 active session: %v", list)
	}
	if c.endWorkers(syscall.SIGKILL) != 0 {
		t.Error("a mere list has started a worker")
	}
	one := c.ask("alc_status", map[string]any{"pending_filter": "full"})["sessions"].([]any)[0].(map[string]any)
	pending := one["pending"].([]any)[0].(map[string]any)
	if pending["prompt"] != "only question" {
		t.Errorf("pending: %v", pending)
	}
	// A start whose answer was lost is sent again: it is the same session.
	if again := c.ask("alc_run", run); again["query_id"] != pending["query_id"] {
		t.Errorf("the retried start: %v", again)
	}
	if raw := c.refused("alc_run", map[string]any{"code": "return 2", "session_id": "mine"}); !strings.Contains(raw, "session_exists") {
		t.Errorf("other code under the same name: %s", raw)
	}
	end := c.ask("alc_continue", map[string]any{"session_id": "mine", "query_id": pending["query_id"], "response": "A"})
	if end["result"] != "A" {
		t.Errorf("the end: %v", end)
	}
	if v := c.ask("alc_status", map[string]any{"session_id": "mine"}); v["state"] != "terminal" || v["result"] != "A" {
		t.Errorf("status of an ended session: %v", v)
	}
	if raw := c.refused("alc_continue", map[string]any{"session_id": "mine", "response": "B"}); !strings.Contains(raw, `"result":"A"`) {
		t.Errorf("an answer to an ended session: %s", raw)
	}
	if raw := c.refused("alc_status", map[string]any{"session_id": "minne"}); !strings.Contains(raw, "did you mean <sid>?") {
		t.Errorf("a name misspelt: %s", raw)
	}
}

func TestPoolStopLosesNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	first := c.ask("alc_run", map[string]any{"code": "return alc.llm('a')", "session_id": "one"})
	c.ask("alc_run", map[string]any{"code": "return alc.llm('b')", "session_id": "two"})
	stopped := c.ask("alc_pool_stop", nil)
	if got := len(stopped["stopped"].([]any)); got != 2 || len(stopped["errors"].([]any)) != 0 {
		t.Errorf("stopped: %v", stopped)
	}
	if s := c.ask("alc_pool_status", nil)["sessions"].([]any); len(s) != 0 {
		t.Errorf("the pool still lists %v", s)
	}
	if l := c.ask("alc_status", nil); l["active_sessions"] != json.Number("2") {
		t.Errorf("status: %v", l)
	}
	end := c.ask("alc_continue", map[string]any{"session_id": "one", "query_id": first["query_id"], "response": "A"})
	if end["result"] != "A" {
		t.Errorf("the end: %v", end)
	}
}

func TestLimitsOfACall(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	end := c.ask("alc_run", map[string]any{"code": "local t = {} for i = 1, 1e8 do t[i] = i end", "limits": map[string]any{"memory": "16MiB"}})
	if end["status"] != "error" || end["code"] != "limit_exceeded" {
		t.Errorf("a script over its limit: %v", end)
	}
	for _, limits := range []map[string]any{{"memroy": 1}, {"memory": "lots"}, {"memory": "1TiB"}} {
		if raw := c.refused("alc_run", map[string]any{"code": "return 1", "limits": limits}); !strings.Contains(raw, "mem") {
			t.Errorf("limits %v: %s", limits, raw)
		}
	}
}

func TestIsolationOfACall(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.ask("alc_run", map[string]any{"code": "return alc.llm('a')", "session_id": "together"})
	alone := c.ask("alc_run", map[string]any{"code": "return alc.llm('b')", "session_id": "alone", "isolation": "process"})
	for sid, want := range map[string]any{"together": nil, "alone": "process"} {
		if s := c.ask("alc_status", map[string]any{"session_id": sid}); s["isolation"] != want {
			t.Errorf("session %s: %v", sid, s)
		}
	}
	end := c.ask("alc_continue", map[string]any{"session_id": "alone", "query_id": alone["query_id"], "response": "A"})
	if end["result"] != "A" {
		t.Errorf("the end: %v", end)
	}
	if raw := c.refused("alc_run", map[string]any{"code": "return 1", "isolation": "thread"}); !strings.Contains(raw, "shared") {
		t.Errorf("isolation by a thread: %s", raw)
	}
}
