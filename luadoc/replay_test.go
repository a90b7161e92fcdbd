package luadoc_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/algocline/algocline/test/replay"
)

// whole is one script that runs the examples of all members, and the answers that it asks for. It
// returns what went wrong. Its ctx lets every example be what it is alone.
func whole(t *testing.T) (code, ctx string, answers []string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`
local failed = {}
local function part(name, ctx, example)
  alc.cache_clear() -- or an answer to another example would do
  local ok, why = pcall(example, ctx)
  if not ok then failed[#failed + 1] = name .. ": " .. tostring(why) end
end
`)
	given := map[string]any{}
	for _, m := range api(t).Members() {
		if m.Spec || m.Example == "" {
			continue
		}
		if m.Ctx != "" {
			var one map[string]any
			if err := json.Unmarshal([]byte(m.Ctx), &one); err != nil {
				t.Fatal(err)
			}
			maps.Copy(given, one)
		}
		fmt.Fprintf(&b, "part(%q, alc.json_decode(%q), function(ctx)\n%s\nend)\n", m.Name, max(m.Ctx, "{}"), m.Example)
		answers = append(answers, m.Answers...)
	}
	b.WriteString("alc.llm('the end')\nreturn failed\n") // a last pause: its digest covers all before it
	given["budget"] = map[string]any{"max_llm_calls": 1000}
	doc, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), string(doc), append(answers, "")
}

// A session that uses every function, and a session for each, come to the same digests in other
// processes, where nothing is as it was.
func TestReplay(t *testing.T) {
	t.Parallel()
	packages := map[string]string{}
	for _, th := range api(t).Themes {
		maps.Copy(packages, th.Packages)
	}
	histories := &replay.Recorder{}
	home := sessions(t, packages)
	code, ctx, answers := whole(t)
	out, sid := record(t, home, code, ctx, answers...)
	if string(out) != "{}" {
		t.Errorf("in one session, examples fail: %s", out)
	}
	histories.Keep(t, home.store, "all examples in one session", sid)
	apart := sessions(t, packages)
	for _, m := range api(t).Members() {
		if !m.Spec {
			_, sid := record(t, apart, m.Example, m.Ctx, m.Answers...)
			histories.Keep(t, apart.store, m.Name, sid)
		}
	}
	histories.Replay(t, "TestReplayHere")
}

// What TestReplay runs in processes of their own.
func TestReplayHere(t *testing.T) { replay.Here(t) }

// Every function has an example that calls it, or it would not be in TestReplay's session.
func TestExamplesCall(t *testing.T) {
	t.Parallel()
	for _, m := range api(t).Members() {
		last := m.Name[strings.LastIndexAny(m.Name, ".:")+1:]
		if !strings.Contains(m.Example, last) {
			t.Errorf("the example of %s does not use it", m.Name)
		}
	}
}
