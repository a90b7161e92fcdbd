package worker_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/algocline/algocline/pool"
)

// resident reads a figure, in bytes, from /proc/PID/status: VmRSS is what the process has now,
// VmHWM the most that it ever had.
func resident(t *testing.T, pid int, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %s", name, text)
	}
	kib, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

const (
	budget = 160 << 20
	// margin is how far a worker may be above its budget: what Go takes between two measurements.
	margin = 16 << 20
)

// Sessions that wait and hold three times the budget together never push the worker above it, and
// all of them finish right.
func TestMemoryOfManyPaused(t *testing.T) {
	_, d := newHome(t, fmt.Sprint("TEST_MEMORY=", budget))
	ctx := testContext(t)
	const sessions, code = 80, `
		local held = {}
		for i = 1, 60 do held[i] = (ctx.name .. i):rep(10000) end -- some 6 MB
		local answers = {}
		for round = 1, 2 do answers[round] = alc.llm(ctx.name .. " round " .. round) end
		local n = 0
		for i = 1, 60 do n = n + #held[i] end
		return ctx.name .. ":" .. table.concat(answers, ",") .. ":" .. n`
	w, err := d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	feeds := make([]pool.Feed, sessions)
	step := func(i int) (err error) {
		name := fmt.Sprintf("session-%03d", i)
		switch f := feeds[i]; f.Type {
		case "":
			feeds[i], err = d.Run(ctx, pool.RunRequest{Code: ptr(code), Ctx: fmt.Appendf(nil, `{"name":%q}`, name)})
		default:
			feeds[i], err = d.Continue(ctx, pool.ContinueRequest{SID: f.SessionID, Answer: pool.Answer{QueryID: &f.Queries[0].ID, Response: ptr(f.Queries[0].Prompt)}})
		}
		return err
	}
	for range 3 {
		work := make(chan int)
		var callers sync.WaitGroup
		for range 6 {
			callers.Go(func() {
				for i := range work {
					if err := step(i); err != nil {
						t.Errorf("session %d: %v", i, err)
					}
				}
			})
		}
		for i := range sessions {
			work <- i
		}
		close(work)
		callers.Wait()
	}
	for i, f := range feeds {
		name := fmt.Sprintf("session-%03d", i)
		n := 0
		for k := 1; k <= 60; k++ {
			n += len(name+strconv.Itoa(k)) * 10000
		}
		want := fmt.Sprintf("%q", fmt.Sprintf("%s:%s round 1,%s round 2:%d", name, name, name, n))
		if f.Status != "completed" || string(f.Output) != want {
			t.Errorf("session %d: %s %s %v, want %s", i, f.Status, f.Output, f.Error, want)
		}
	}
	if most := resident(t, w.PID, "VmHWM"); most > budget+margin {
		t.Errorf("the worker had %d MiB, its budget is %d MiB", most>>20, budget>>20)
	} else {
		t.Logf("the worker had at most %d MiB", most>>20)
	}
}

// One session that wants more than there is gets an error that names the budget; its neighbours go
// on, and so does it once it wants less.
func TestMemoryOfOne(t *testing.T) {
	_, d := newHome(t, fmt.Sprint("TEST_MEMORY=", budget))
	ctx := testContext(t)
	paused, err := d.Run(ctx, pool.RunRequest{Code: ptr(`local t = {} for i = 1, 10000 do t[i] = {i} end return alc.llm("q") .. #t`)})
	if err != nil {
		t.Fatal(err)
	}
	const greedy = `
		alc.state.incr("runs")
		local size = alc.llm("how much?")
		local t = {}
		for i = 1, size do t[i] = ("x"):rep(1 << 20) .. i end
		return #t`
	f, err := d.Run(ctx, pool.RunRequest{SID: "greedy", Code: ptr(greedy)})
	if err != nil {
		t.Fatal(err)
	}
	answer := func(sid, text string) (pool.Feed, error) {
		return d.Continue(ctx, pool.ContinueRequest{SID: sid, Answer: pool.Answer{QueryID: ptr("q-0"), Response: &text}})
	}
	_, err = answer(f.SessionID, "200")
	var refused *pool.RemoteError
	if !errors.As(err, &refused) || refused.Code != pool.CodeOutOfMemory || !strings.Contains(refused.Message, "ALC_WORKER_MEMORY") ||
		!strings.Contains(refused.Message, "worker_memory (160 MiB)") {
		t.Errorf("200 MB: %v", err)
	}
	if f, err := answer(paused.SessionID, "a"); err != nil || string(f.Output) != `"a10000"` {
		t.Errorf("the neighbour: %s, %v", f.Output, err)
	}
	// The answer was not taken: another is.
	if f, err := answer(f.SessionID, "20"); err != nil || string(f.Output) != "20" {
		t.Errorf("20 MB: %s, %v", f.Output, err)
	}
	f, err = d.Run(ctx, pool.RunRequest{Code: ptr(`return alc.state.get("runs")`)})
	if err != nil || string(f.Output) != "1.0" {
		t.Errorf("the effect counts %s, %v", f.Output, err)
	}
	w, err := d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if most := resident(t, w.PID, "VmHWM"); most > budget+margin {
		t.Errorf("the worker had %d MiB, its budget is %d MiB", most>>20, budget>>20)
	}
}

// Many at once that want more than there is together: each gets its turn.
func TestMemoryOfManyRunning(t *testing.T) {
	_, d := newHome(t, fmt.Sprint("TEST_MEMORY=", budget))
	ctx := testContext(t)
	const code = `local t = {} for i = 1, 40 do t[i] = ("x"):rep(1 << 20) .. i end return #t`
	var callers sync.WaitGroup
	for i := range 12 {
		callers.Go(func() {
			if f, err := d.Run(ctx, pool.RunRequest{Code: ptr(code)}); err != nil || string(f.Output) != "40" {
				t.Errorf("session %d: %s, %v", i, f.Output, err)
			}
		})
	}
	callers.Wait()
	w, err := d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if most := resident(t, w.PID, "VmHWM"); most > budget+margin {
		t.Errorf("the worker had %d MiB, its budget is %d MiB", most>>20, budget>>20)
	}
}
