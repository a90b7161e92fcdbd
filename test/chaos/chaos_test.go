// Package chaos kills processes at random moments and checks that nothing answered is lost and
// nothing happens twice.
package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/internal/rawmcp"
)

// kills is how many processes a run kills in all; ALC_CHAOS_KILLS sets another number.
var kills = 300

// binary is alc, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if s := os.Getenv("ALC_CHAOS_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "ALC_CHAOS_KILLS=%s is not a number of kills\n", s)
			return 2
		}
		kills = n
	}
	dir, err := os.MkdirTemp("", "alc-chaos")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "alc")
	build := exec.Command("go", "build", "-o", binary, "github.com/algocline/algocline/cmd/alc")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building alc: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// The script asks, and between two questions it increments a counter that all sessions share
// and one of its own. Each prompt says how often each was incremented, so that a lost or a
// doubled effect, a lost answer and a prompt asked again with other words all show.
const script = `
local rounds = ctx.rounds
for i = 1, rounds do
  local own = alc.state.incr("own-" .. ctx.id)
  alc.state.incr("all")
  alc.time()
  local a = alc.llm("round " .. i .. " of " .. ctx.id .. ", counted " .. string.format("%d", own))
  assert(a == "answer " .. i, "got " .. tostring(a))
end
return {own = alc.state.get("own-" .. ctx.id), all = alc.state.get("all")}
`

const rounds = 8

type reply struct {
	Status    string
	SessionID string `json:"session_id"`
	QueryID   string `json:"query_id"`
	Prompt    string
	Result    struct{ Own, All float64 }
	Error     json.RawMessage
}

// front is an MCP server that is started again when it was killed.
type front struct {
	home string
	mu   sync.Mutex
	c    *rawmcp.Client
}

func (f *front) client(ctx context.Context) (*rawmcp.Client, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.c == nil {
		cmd := exec.CommandContext(ctx, binary)
		cmd.Env = append(os.Environ(), "ALC_HOME="+f.home, "ALC_POOL_IDLE_TIMEOUT=60")
		c, err := rawmcp.Start(ctx, cmd)
		if err != nil {
			return nil, err
		}
		f.c = c
	}
	return f.c, nil
}

// drop forgets a client that failed, so that the next call starts another server.
func (f *front) drop(c *rawmcp.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.c == c {
		f.c = nil
	}
}

func (f *front) kill() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.c == nil {
		return nil
	}
	err := f.c.Kill()
	f.c = nil
	return err
}

// tool repeats a call until a server has answered it. What must not be repeated without harm
// would show in the counters.
func (f *front) tool(ctx context.Context, name string, args map[string]any) (r reply, err error) {
	for {
		c, err := f.client(ctx)
		if err == nil {
			err = c.Tool(ctx, name, args, &r)
			if err == nil {
				return r, nil
			}
			var te *rawmcp.ToolError
			if errors.As(err, &te) && !retryable(te.Text) {
				return r, err
			}
			if errors.Is(err, rawmcp.ErrGone) {
				f.drop(c)
			}
		}
		if ctx.Err() != nil {
			return r, fmt.Errorf("%s: %w (last: %w)", name, context.Cause(ctx), err)
		}
	}
}

// retryable tells a failure of the moment from a refusal.
func retryable(text string) bool {
	for _, s := range []string{"not found", "already responded", "unknown query", "diverged", "corrupt"} {
		if strings.Contains(text, s) {
			return false
		}
	}
	return true
}

// workers are the ids of the worker processes of a home, which this test alone has started.
func workers(t *testing.T, home string) []int {
	t.Helper()
	socks, err := filepath.Glob(filepath.Join(home, "state", "pool", "w-*.sock"))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, s := range socks {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(s), "w-%d-", &pid); err != nil {
			t.Fatalf("a socket without a pid: %s", s)
		}
		if ours(pid, home) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ours tells whether a process is a worker of this home.
func ours(pid int, home string) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && strings.Contains(string(env), "ALC_HOME="+home+"\x00")
}

func TestKills(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("killing only processes of its own needs /proc to know them by")
	}
	const homes = 2
	for i := range homes {
		t.Run(fmt.Sprintf("seed-%d", i+1), func(t *testing.T) {
			t.Parallel()
			storm(t, uint64(i+1), kills/homes)
		})
	}
}

func storm(t *testing.T, seed uint64, kills int) {
	home, err := os.MkdirTemp("/tmp", "alcc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range workers(t, home) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Error(err)
			}
		}
		os.RemoveAll(home)
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(kills)*time.Second+time.Minute)
	defer cancel()
	fronts := []*front{{home: home}, {home: home}}
	defer func() {
		for _, f := range fronts {
			if err := f.kill(); err != nil {
				t.Error(err)
			}
		}
	}()

	done, killed := make(chan struct{}), make(chan int, 1)
	go func() { killed <- killer(t, seed, home, fronts, kills, done) }()
	const callers = 4
	var wg sync.WaitGroup
	sessions := make([]int, callers)
	for i := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for {
				select {
				case <-done:
					return
				default:
				}
				id := fmt.Sprintf("c%d-%d", i, sessions[i])
				if err := session(ctx, fronts, rng, id); err != nil {
					t.Errorf("seed %d: session %s: %v", seed, id, err)
					return
				}
				sessions[i]++
			}
		}()
	}
	n := <-killed
	wg.Wait()
	total := 0
	for _, s := range sessions {
		total += s
	}
	r, err := fronts[0].tool(ctx, "alc_run", map[string]any{"code": `return {own = 0, all = alc.state.get("all")}`})
	if err != nil {
		t.Fatal(err)
	}
	if want := float64(total * rounds); r.Result.All != want {
		t.Errorf("the shared counter is %v after %d sessions of %d rounds, want %v", r.Result.All, total, rounds, want)
	}
	t.Logf("seed %d: %d kills, %d sessions, %d answers", seed, n, total, total*rounds)
}

// killer ends processes at random moments until it has ended enough.
func killer(t *testing.T, seed uint64, home string, fronts []*front, kills int, done chan struct{}) int {
	defer close(done)
	rng := rand.New(rand.NewPCG(seed, 99))
	n := 0
	for n < kills && !t.Failed() {
		// The moments are what is random here; nothing is waited for.
		timer := time.NewTimer(time.Duration(rng.IntN(60)) * time.Millisecond)
		<-timer.C
		what := rng.IntN(4)
		if what != 1 {
			for _, pid := range workers(t, home) {
				if syscall.Kill(pid, syscall.SIGKILL) == nil {
					n++
				}
			}
		}
		if what == 1 || what == 2 {
			f := fronts[rng.IntN(len(fronts))]
			if err := f.kill(); err != nil {
				t.Error(err)
			}
			n++
		}
	}
	return n
}

// session plays one session to its end through whichever front, and sometimes answers a query
// through both at once, or one that was answered before.
func session(ctx context.Context, fronts []*front, rng *rand.Rand, id string) error {
	pick := func() *front { return fronts[rng.IntN(len(fronts))] }
	sid := "chaos-" + id
	r, err := pick().tool(ctx, "alc_run", map[string]any{
		"code": script, "ctx": map[string]any{"rounds": rounds, "id": id}, "session_id": sid,
	})
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	for i := 1; i <= rounds; i++ {
		want := fmt.Sprintf("round %d of %s, counted %d", i, id, i)
		if r.Status != "needs_response" || r.Prompt != want {
			return fmt.Errorf("round %d: got %s %q %s, want the prompt %q", i, r.Status, r.Prompt, r.Error, want)
		}
		args := map[string]any{"session_id": sid, "query_id": r.QueryID, "response": fmt.Sprintf("answer %d", i)}
		if rng.IntN(4) == 0 {
			if r, err = both(ctx, fronts, args); err != nil {
				return fmt.Errorf("round %d, both fronts: %w", i, err)
			}
			continue
		}
		if r, err = pick().tool(ctx, "alc_continue", args); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
	}
	if r.Status != "completed" || r.Result.Own != rounds {
		return fmt.Errorf("ended as %s %s with %v, want completed with %d", r.Status, r.Error, r.Result.Own, rounds)
	}
	return nil
}

// both answers one query through two fronts at the same moment: one step runs, both get its
// outcome.
func both(ctx context.Context, fronts []*front, args map[string]any) (reply, error) {
	var rs [2]reply
	var errs [2]error
	var wg sync.WaitGroup
	for i := range rs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rs[i], errs[i] = fronts[i].tool(ctx, "alc_continue", args)
		}()
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return reply{}, err
	}
	if rs[0].Prompt != rs[1].Prompt || rs[0].Status != rs[1].Status || rs[0].QueryID != rs[1].QueryID {
		return reply{}, fmt.Errorf("two answers to one query led to %+v and %+v", rs[0], rs[1])
	}
	return rs[0], nil
}
