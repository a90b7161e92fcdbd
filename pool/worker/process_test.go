package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
)

const version = "1.2.3-test"

// TestMain is a worker process when the test binary was started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pool-worker" {
		memory, _ := strconv.ParseInt(os.Getenv("TEST_MEMORY"), 10, 64) // unset is 0
		if openHole != nil {
			openHole()
		}
		err := worker.Main(context.Background(), worker.Config{
			Home: os.Getenv("ALC_HOME"), Version: version, Durability: os.Getenv("ALC_DURABILITY"), Sock: os.Getenv("TEST_SOCK"), Memory: memory,
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 6 && os.Args[1] == "sharer" {
		count, err := strconv.Atoi(os.Args[5])
		if err == nil {
			err = sharer(os.Args[2], os.Args[3], os.Args[4], count)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// openHole lets a test do in a worker what no script can; nil where nothing is to be tried.
var openHole func()

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// newHome is a home with a short path, and a dispatcher for it; its workers end with the test.
func newHome(t *testing.T, env ...string) (string, *pool.Dispatcher) {
	t.Helper()
	home, err := os.MkdirTemp("/tmp", "alcw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	return home, dispatcher(t, home, env...)
}

// dispatcher is one for a home; its workers end with the test.
func dispatcher(t *testing.T, home string, env ...string) *pool.Dispatcher {
	t.Helper()
	d := pool.NewDispatcher(pool.Config{
		Home: home, Version: version, Exe: os.Args[0], Durability: "process", Env: append(os.Environ(), env...),
	})
	t.Cleanup(func() {
		if _, err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		d.Close()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(pool.Dir(home), "worker.log"))
			t.Logf("the workers' log:\n%s", text)
		}
	})
	return d
}

func ptr[T any](v T) *T { return &v }

// TestKilledBetweenSteps kills the worker before every answer.
func TestKilledBetweenSteps(t *testing.T) {
	home, d := newHome(t)
	ctx := testContext(t)
	const code = `
		local out = {}
		for i = 1, 4 do
			alc.state.incr("n")
			out[i] = alc.llm("question " .. i)
		end
		return table.concat(out, ",") .. string.format(":%d", alc.state.get("n"))`
	f, err := d.Run(ctx, pool.RunRequest{Code: ptr(code)})
	for i := 1; err == nil && f.Type == pool.FeedPaused; i++ {
		if got, want := f.Queries[0].Prompt, fmt.Sprintf("question %d", i); got != want {
			t.Fatalf("asked %q, want %q", got, want)
		}
		var w pool.WorkerInfo
		if w, err = d.Ensure(ctx); err != nil {
			break
		}
		if err = syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
			break
		}
		f, err = d.Continue(ctx, pool.ContinueRequest{SID: f.SessionID, Answer: pool.Answer{QueryID: &f.Queries[0].ID, Response: ptr(fmt.Sprint(i))}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`"1,2,3,4:4"`, string(f.Output)); diff != "" {
		t.Errorf("%+v: %s", f, diff)
	}
	for _, pattern := range []string{"w-*.lock", "w-*.sock", "w-*.mark"} {
		if left, err := filepath.Glob(filepath.Join(pool.Dir(home), pattern)); err != nil || len(left) != 1 {
			t.Errorf("%s: %v, %v", pattern, left, err)
		}
	}
}

// TestLeavesWhenIdle lets the worker's own idle time pass and continues what it held.
func TestLeavesWhenIdle(t *testing.T) {
	home, d := newHome(t, "ALC_POOL_IDLE_TIMEOUT=0.05")
	ctx := testContext(t)
	f, err := d.Run(ctx, pool.RunRequest{Code: ptr(`return alc.llm("hi")`)})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if left, err := filepath.Glob(filepath.Join(pool.Dir(home), "w-*")); err != nil {
			t.Fatal(err)
		} else if len(left) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatal("an idle worker stays")
		case <-time.After(5 * time.Millisecond):
		}
	}
	f, err = d.Continue(ctx, pool.ContinueRequest{SID: f.SessionID, Answer: pool.Answer{Response: ptr("yes")}})
	if err != nil || string(f.Output) != `"yes"` {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestSingleSessionForm starts a worker as the original's hosts do and speaks as they do.
func TestSingleSessionForm(t *testing.T) {
	home, d := newHome(t)
	sock := filepath.Join(home, "one.sock")
	cmd := exec.CommandContext(testContext(t), os.Args[0], "pool-worker")
	cmd.Env = append(os.Environ(), "ALC_HOME="+home, "TEST_SOCK="+sock, "ALC_DURABILITY=process")
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, sock)
	defer conn.Close()
	lines := bufio.NewReader(conn)
	sid := ""
	for _, step := range []struct{ send, want string }{
		{`{"op":"handshake","version":"1.2.3-test"}`, `"kind":"handshake","version":"1.2.3-test"`},
		{`{"op":"status"}`, `"has_session":false,"session_id":null`},
		{`{"op":"run","code":"return alc.llm('hi')","ctx":null,"lib_paths":[]}`, `"Paused":{"queries":[{"id":"q-0","prompt":"hi","system":null,"max_tokens":1024}]}`},
		{`{"op":"run","code":"return 1","ctx":null,"lib_paths":[]}`, `already`},
		{`{"op":"status","include_history":true}`, `"has_session":true`},
		{`{"op":"continue","sid":"anything","response":"yes","query_id":"q-0","usage":null}`, `"Finished":{"state":{"Completed":{"result":"yes"}}`},
		{`{"op":"status"}`, `"has_session":false`},
	} {
		if _, err := fmt.Fprintln(conn, step.send); err != nil {
			t.Fatal(err)
		}
		got, err := lines.ReadString('\n')
		if err != nil || !strings.Contains(got, step.want) {
			t.Fatalf("%s got %s, %v; the log: %s", step.send, got, err, &log)
		}
		if _, rest, ok := strings.Cut(got, `"session_id":"`); ok && sid == "" {
			sid, _, _ = strings.Cut(rest, `"`)
		}
	}
	// It is one of the home's workers, but takes no session of the pool.
	f, err := d.Run(testContext(t), pool.RunRequest{Code: ptr("return 2")})
	if err != nil || string(f.Output) != "2" {
		t.Errorf("a run beside it got %+v, %v", f, err)
	}
	if all, err := d.Workers(testContext(t)); err != nil || len(all) != 2 {
		t.Errorf("workers %+v, %v", all, err)
	}
	conn.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v; its log: %s", err, &log)
	}
	// Its session is in the journal like any other.
	st, err := d.Session(testContext(t), pool.StatusRequest{SID: sid})
	if err != nil || len(st.Sessions) != 1 || st.Sessions[0].State != "completed" {
		t.Errorf("session %s: %+v, %v", sid, st, err)
	}
}

// connect opens a socket as soon as it is there.
func connect(t *testing.T, sock string) net.Conn {
	t.Helper()
	ctx := testContext(t)
	for {
		conn, err := net.Dial("unix", sock)
		if err == nil {
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			return conn
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func TestCannotStart(t *testing.T) {
	for name, tt := range map[string]struct{ env, want string }{
		"idle time":  {"ALC_POOL_IDLE_TIMEOUT=soon", `ALC_POOL_IDLE_TIMEOUT is "soon"; give seconds, 0 for never`},
		"durability": {"", "durability"},
		"sinks":      {"ALC_CARD_SINKS=http://x/y", `ALC_CARD_SINKS: card sink "http://x/y" is not a URI like file:///absolute/directory`},
	} {
		t.Run(name, func(t *testing.T) {
			home, d := newHome(t, tt.env)
			if name == "durability" {
				d = pool.NewDispatcher(pool.Config{Home: home, Version: version, Exe: os.Args[0], Durability: "perhaps"})
				defer d.Close()
			}
			_, err := d.Ensure(testContext(t))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
