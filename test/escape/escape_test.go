package escape

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/algocline/algocline/engine"
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
	"finishers":  finishers,
	"surgery":    surgery,
	"replaced":   replaced,
	"coroutines": coroutines,
	"handlers":   handlers,
	"errors":     errorValues,
	"recursion":  recursion,
	"loops":      loops,
	"memory":     memoryBombs,
	"arguments":  argumentsOfAll,
	"values":     values,
	"floods":     floods,
	"paths":      paths,
	"files":      files,
}

const (
	// slack is how much longer than usual a neighbour's step may take.
	slack = 100 * time.Millisecond
	// enough is the computing time of attempts that do not go for that limit.
	enough = "25s"
)

func TestHostileScripts(t *testing.T) {
	total := 0
	for kind, list := range hostile {
		total += len(list)
		t.Run(kind, func(t *testing.T) {
			h := newHome(t)
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

// limitsOf are the limits of an attempt.
func limitsOf(a attempt) map[string]any {
	limits := maps.Clone(lowered)
	if a.limit != "step_cpu" {
		limits["step_cpu"] = enough
	}
	maps.Copy(limits, a.limits)
	return limits
}

// check runs one attempt beside the neighbour's steps.
func check(t *testing.T, h *home, n *neighbour, a attempt) {
	limits, grants := limitsOf(a), map[string]any{}
	for k, v := range a.grants {
		grants[k] = []any{strings.ReplaceAll(v.(string), "%HOME%", h.dir)}
	}
	var f pool.Feed
	var prompts []string
	if complaint := n.held(t, func() {
		var err error
		if f, prompts, err = h.play(t.Context(), a.code, limits, grants); err != nil {
			t.Errorf("the worker refuses: %v", err)
		}
	}); complaint != "" {
		t.Error(complaint)
	}
	if t.Failed() {
		return
	}
	judge(t, a, f)
	h.reproduces(t, f)
	said := ended(f) + strings.Join(prompts, "\n")
	if f.Error != nil {
		said += f.Error.Traceback
	}
	if strings.Contains(said, secret) {
		t.Errorf("the script has seen the secret: %s", said)
	}
	if at := address.FindString(said); at != "" {
		t.Errorf("the script has seen the address %s: %.300s", at, said)
	}
	if !utf8.ValidString(said) || f.Error != nil && len(f.Error.Message)+len(f.Error.Traceback) > 150<<10 {
		t.Errorf("what is shown of the error is not fit for that: %.300q", said)
	}
}

// address is what no text may show: the VM numbers its objects instead.
var address = regexp.MustCompile(`0x[0-9a-f]*[1-9a-f][0-9a-f]{8,}`)

func judge(t *testing.T, a attempt, f pool.Feed) {
	t.Helper()
	code, message := "", ""
	if f.Error != nil {
		code, message = f.Error.Code, f.Error.Message
	}
	switch {
	case a.limit != "":
		if want := limitMessage(t, a); code != "limit_exceeded" || message != want {
			t.Errorf("ended with %.300s\nwant %s", ended(f), want)
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

// limitMessage names the limit, its value, and how to raise it.
func limitMessage(t *testing.T, a attempt) string {
	t.Helper()
	limits := limitsOf(a)
	l, err := engine.DefaultLimits().Lower(limits)
	if err != nil {
		t.Fatal(err)
	}
	value := fmt.Sprint(limits[a.limit])
	switch a.limit {
	case "prompt_size":
		value = fmt.Sprintf("%d bytes", l.PromptSize)
	case "result_size":
		value = fmt.Sprintf("%d bytes", l.ResultSize)
	}
	return "limit " + a.limit + " (" + value + ") reached; the caller may have lowered it, the operator raises it with ALC_LIMIT_" +
		strings.ToUpper(a.limit) + " or in config.toml"
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
