package mcp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestTextSurvives sends texts that encoders like to change on the whole way and back: host,
// server, worker, script, journal.
func TestTextSurvives(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	texts := map[string]string{
		"empty":        "",
		"controls":     "a\x00b\x01\x1f\x7f\r\n\t",
		"html":         `<b class="x">&amp;</b>`,
		"separators":   "\u2028 \u2029 \ufeff",
		"quotes":       `\ \\ " ' ]] ]=] %s %d`,
		"beyond":       "😀 ü 漢 \U0010ffff",
		"replacements": "\ufffd",
		"large":        strings.Repeat("0123456789abcdef", 1<<16), // 1 MiB
	}
	for name, text := range texts {
		pause := c.ask("alc_run", map[string]any{"code": "return { alc.llm(ctx.text), ctx.text }", "ctx": map[string]any{"text": text}})
		if pause["prompt"] != text {
			t.Errorf("%s: the prompt is %.200q", name, pause["prompt"])
		}
		end := c.ask("alc_continue", map[string]any{"session_id": c.n.fill(pause["session_id"]), "query_id": pause["query_id"], "response": text})
		if d := fits([]any{text, text}, end["result"], "$"); len(d) > 0 {
			t.Errorf("%s: the result: %.400s", name, d)
		}
	}
}

// TestCountersAreExact has scripts of two servers raise one counter at once.
func TestCountersAreExact(t *testing.T) {
	t.Parallel()
	const scripts, raises = 8, 25
	c := newClient(t)
	args := map[string]any{
		"code": "for _ = 1, ctx.n do alc.state.incr('n') end",
		"ctx":  map[string]any{"n": raises, "_ns": "counters"},
	}
	var running []<-chan answer
	for i := range scripts {
		running = append(running, c.server(i%2).start("alc_run", args))
	}
	for _, a := range running {
		if got := <-a; !strings.Contains(got.text, `"completed"`) {
			t.Errorf("a script ended with %+v", got)
		}
	}
	end := c.ask("alc_run", map[string]any{"code": "return alc.state.get('n')", "ctx": map[string]any{"_ns": "counters"}})
	if d := fits(json.Number(fmt.Sprint(scripts*raises)), end["result"], "$"); len(d) > 0 {
		t.Errorf("the counter: %v", d)
	}
}

// TestPrintIsNoMessage makes sure that what a script prints stays off the protocol's stream;
// closing the server finds it otherwise.
func TestPrintIsNoMessage(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	end := c.ask("alc_run", map[string]any{"code": `print("{}") print("noise", 1) return 42`})
	if d := fits(map[string]any{"status": "completed", "result": json.Number("42")}, end, "$"); len(d) > 0 {
		t.Errorf("%v in %v", d, end)
	}
}
