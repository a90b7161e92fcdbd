package escape

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/algocline/algocline/pool"
)

// attempt is one hostile script and what must become of it: exactly one of limit, fails and gives
// is set.
type attempt struct {
	name   string
	code   string
	limits map[string]any // beside [lowered]
	grants map[string]any

	limit string // it ends at this limit
	fails string // it ends with an error that has this text, and never because of a limit
	gives string // it completes with this JSON text as its result
}

// hostile are all kinds of attempts.
var hostile = map[string][]attempt{
	"bytecode":   bytecode,
	"metatables": metatables,
	"surgery":    surgery,
	"coroutines": coroutines,
	"handlers":   handlers,
	"recursion":  recursion,
	"loops":      loops,
	"memory":     memoryBombs,
	"values":     values,
	"floods":     floods,
	"paths":      paths,
	"files":      files,
}

// slack is how much longer than usual a neighbour's step may take.
const slack = 100 * time.Millisecond

func TestHostileScripts(t *testing.T) {
	total := 0
	for kind, list := range hostile {
		total += len(list)
		t.Run(kind, func(t *testing.T) {
			h := newHome(t, nil)
			n := newNeighbour(t, h)
			before := fingerprint(t, h)
			for _, a := range list {
				t.Run(a.name, func(t *testing.T) {
					check(t, h, n, a)
					if after := fingerprint(t, h); after != before {
						t.Errorf("the next session sees another world:\n%s\nbefore:\n%s", after, before)
					}
				})
			}
		})
	}
	if total < 120 {
		t.Errorf("%d hostile scripts, want at least 120", total)
	}
}

// check runs one attempt beside the neighbour's steps.
func check(t *testing.T, h *home, n *neighbour, a attempt) {
	limits := map[string]any{}
	for _, m := range []map[string]any{lowered, a.limits} {
		for k, v := range m {
			limits[k] = v
		}
	}
	grants := map[string]any{}
	for k, v := range a.grants {
		grants[k] = []any{strings.ReplaceAll(v.(string), "%HOME%", h.dir)}
	}
	var f pool.Feed
	var prompts []string
	// A machine that is busy with other things may hold a step up: only what happens again and
	// again is the script's doing.
	for try := 1; ; try++ {
		var err error
		slowest := n.during(t, func() { f, prompts, err = h.play(t.Context(), a.code, limits, grants) })
		if err != nil {
			t.Fatalf("the worker refuses: %v", err)
		}
		if slowest <= n.usual+slack {
			break
		}
		if try == 4 {
			t.Errorf("a neighbour's step took %v, usually %v", slowest, n.usual)
			break
		}
	}
	judge(t, a, f)
	said := ended(f) + strings.Join(prompts, "\n")
	if f.Error != nil {
		said += f.Error.Traceback
	}
	if strings.Contains(said, secret) {
		t.Errorf("the script has seen the secret: %s", said)
	}
}

func judge(t *testing.T, a attempt, f pool.Feed) {
	t.Helper()
	code, message := "", ""
	if f.Error != nil {
		code, message = f.Error.Code, f.Error.Message
	}
	switch {
	case a.limit != "":
		if code != "limit_exceeded" || !strings.HasPrefix(message, "limit "+a.limit+" (") || !strings.Contains(message, "ALC_LIMIT_"+strings.ToUpper(a.limit)) {
			t.Errorf("ended with %.300s; want the limit %s, its value and how to raise it", ended(f), a.limit)
		}
	case a.fails != "":
		if f.Status != "failed" || code == "limit_exceeded" || !strings.Contains(message, a.fails) {
			t.Errorf("ended with %.300s; want an error with %q", ended(f), a.fails)
		}
	default:
		if f.Status != "completed" || string(f.Output) != a.gives {
			t.Errorf("ended with %.300s; want %s", ended(f), a.gives)
		}
	}
}

// neighbour is a session in the same worker that goes on while others misbehave.
type neighbour struct {
	h     *home
	feed  pool.Feed
	usual time.Duration
}

func newNeighbour(t *testing.T, h *home) *neighbour {
	t.Helper()
	f, err := h.start(t.Context(), `local n = 0 while true do n = n + #alc.llm("turn " .. n) end`,
		map[string]any{"llm_calls": 10_000}, nil)
	if err != nil || f.Type != pool.FeedPaused {
		t.Fatalf("the neighbour does not start: %v, %s", err, ended(f))
	}
	n := &neighbour{h: h, feed: f}
	var took []time.Duration
	for range 20 {
		took = append(took, n.step(t))
	}
	slices.Sort(took)
	n.usual = took[len(took)/2]
	return n
}

// step answers the neighbour's query and returns how long it took to ask the next one.
func (n *neighbour) step(t *testing.T) time.Duration {
	answer, began := "go on", time.Now()
	f, err := n.h.sessions.Continue(t.Context(), pool.ContinueRequest{SID: n.feed.SessionID, Answer: pool.Answer{QueryID: &n.feed.Queries[0].ID, Response: &answer}})
	took := time.Since(began)
	if err != nil || f.Type != pool.FeedPaused {
		t.Fatalf("the neighbour ended: %v, %s", err, ended(f))
	}
	n.feed = f
	return took
}

// during steps the neighbour, every few milliseconds, while fn runs, and returns its slowest step.
func (n *neighbour) during(t *testing.T, fn func()) (slowest time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		slowest = max(slowest, n.step(t))
		select {
		case <-done:
			return slowest
		case <-tick.C:
		}
	}
}

// world lists what a session finds: every name in reach of _G and its type, through tables and
// metatables, and how the basic functions behave.
const world = `
local seen, out = {}, {}
local function walk(name, t)
  if seen[t] then return end
  seen[t] = true
  local keys = {}
  for k in next, t do keys[#keys + 1] = tostring(k) end
  table.sort(keys)
  for _, k in ipairs(keys) do
    local v = rawget(t, k)
    out[#out + 1] = name .. k .. "=" .. type(v)
    if type(v) == "table" then walk(name .. k .. ".", v) end
  end
end
for k in pairs(alc) do local _ = alc[k] end
walk("", _G)
walk("string metatable ", getmetatable(""))
out[#out + 1] = tostring(getmetatable(1)) .. tostring(getmetatable(nil)) .. tostring(getmetatable(print)) .. tostring(getmetatable(true))
out[#out + 1] = tostring(getmetatable(coroutine.running())) .. tostring(getmetatable(alc)) .. tostring(getmetatable(_G))
out[#out + 1] = ("x"):rep(3) .. #"abc" .. (1 // 1) .. tostring(1.5) .. math.type(3) .. string.format("%q", "a")
out[#out + 1] = tostring(ctx) .. alc.json_encode({a = {1, 2}}) .. tostring(package.path) .. tostring(_VERSION)
return table.concat(out, "\n")`

// fingerprint is what a fresh session sees.
func fingerprint(t *testing.T, h *home) string {
	t.Helper()
	f, err := h.start(context.WithoutCancel(t.Context()), world, nil, nil)
	if err != nil {
		t.Fatalf("the worker does not serve the next session: %v", err)
	}
	return fmt.Sprint(result(t, f))
}
