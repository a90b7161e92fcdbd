package worker_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/internal/confine"
	"github.com/algocline/algocline/pool"
)

func itoa(n int) string { return strconv.Itoa(n) }

func pointer(p *[120]byte) uintptr { return uintptr(unsafe.Pointer(p)) }

// scene is a home with a hole in its workers, and what lies around it.
type scene struct {
	attempts
	d *pool.Dispatcher
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{attempts: attempts{Outside: t.TempDir(), Granted: t.TempDir(), Sink: filepath.Join(t.TempDir(), "made", "later"), Front: os.Getpid()}}
	for path, make := range map[string]func(string) error{"file": create, "dir": func(dir string) error { return os.Mkdir(dir, 0o700) }} {
		if err := make(s.outside(path)); err != nil {
			t.Fatal(err)
		}
	}
	s.TCP, s.Unix = listener(t, "tcp", "127.0.0.1:0"), listener(t, "unix", s.outside("sock"))
	home, err := os.MkdirTemp("", "alcw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	s.Home = home
	text, err := json.Marshal(s.attempts)
	if err != nil {
		t.Fatal(err)
	}
	s.d = dispatcher(t, home, holeVariable+"="+string(text), "ALC_CARD_SINKS=file://"+s.Sink)
	if err := os.MkdirAll(filepath.Join(home, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(home, "state", holePipe), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func listener(t *testing.T, network, address string) string {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

// try lets a worker try everything; what its threads disagree on is an error.
func (s *scene) try(t *testing.T, pid int) map[string]string {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.Home, "state", holePipe)) // waits for the worker to open it
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]string
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out := map[string]string{}
	for name, outcomes := range all {
		out[name] = outcomes[0]
		for _, o := range outcomes {
			if o != outcomes[0] || len(outcomes) != holeThreads {
				t.Errorf("%s: threads got %v", name, outcomes)
				break
			}
		}
	}
	return out
}

// pid is the process that a session is in.
func (s *scene) pid(t *testing.T, sid string) int {
	t.Helper()
	st, err := s.d.Session(testContext(t), pool.StatusRequest{SID: sid})
	if err != nil {
		t.Fatal(err)
	}
	return st.Worker.PID
}

// bySeccomp is what the filter refuses; landlocked is what Landlock does, with the version from
// which on it can.
var (
	bySeccomp = []string{
		"run a program", "run a file in memory", "connect by TCP", "send by UDP", "connect to a socket",
		"listen", "listen on a socket", "open an io_uring",
	}
	landlocked = map[string]struct {
		outcome string
		since   int
	}{
		"make a file outside":       {"EACCES", 1},
		"overwrite a file outside":  {"EACCES", 1},
		"append to a file outside":  {"EACCES", 1},
		"remove a file outside":     {"EACCES", 1},
		"remove a directory":        {"EACCES", 1},
		"make a directory outside":  {"EACCES", 1},
		"rename outside":            {"EACCES", 1},
		"make a link outside":       {"EACCES", 1},
		"make a pipe outside":       {"EACCES", 1},
		"make a device":             {"EACCES", 1},
		"make a device in the home": {"EACCES", 1},
		"follow a link outside":     {"EACCES", 1},
		"change the settings":       {"EACCES", 1},
		"plant a package":           {"EACCES", 1},
		"read the front's memory":   {"EPERM", 1},
		"move a file in":            {"EACCES", 2},
		"move a file out":           {"EACCES", 2},
		"link a file in":            {"EXDEV", 1},
		"truncate a file outside":   {"EACCES", 3},
		"control a device":          {"EACCES", 5},
	}
	free = []string{"read a file outside", "signal the front", "work in the state", "work in the journal", "work in the cards", "work in the sink"}
)

// TestConfined takes a worker over, in so far as the test can, and tries to get out.
func TestConfined(t *testing.T) {
	s := newScene(t)
	w, err := s.d.Ensure(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	got := s.try(t, w.PID)
	want := map[string]string{"have core files": "limited"}
	for _, name := range bySeccomp {
		want[name] = "EPERM"
	}
	for _, name := range free {
		want[name] = "done"
	}
	abi, why := confine.ABI()
	for name, l := range landlocked {
		want[name] = l.outcome
		if abi < l.since {
			delete(want, name)
			delete(got, name)
		}
	}
	want["work in the granted directory"] = "EACCES"
	if abi == 0 {
		delete(want, "work in the granted directory")
		delete(got, "work in the granted directory")
		t.Logf("this kernel has no Landlock, so nothing that it forbids was checked: %v", why)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every thread of a worker is confined, also those that come later, and the worker knows.
func TestEveryThreadIsConfined(t *testing.T) {
	s := newScene(t)
	ctx := testContext(t)
	w, err := s.d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.try(t, w.PID) // makes threads
	seen, err := confine.Look(w.PID)
	if err != nil {
		t.Fatal(err)
	}
	if seen.All < holeThreads || seen.NoNewPrivs != seen.All || seen.Seccomp != seen.All {
		t.Errorf("of the threads %+v", seen)
	}
	abi, _ := confine.ABI()
	if c := w.Confinement; c == nil || !c.NoNewPrivs || !c.Seccomp || c.Landlock != abi {
		t.Errorf("the worker says %+v, the kernel has Landlock %d", c, abi)
	}
}

// A session that may write elsewhere gets a process that may, and no other session is in it.
func TestGrantOpensOneProcess(t *testing.T) {
	s := newScene(t)
	ctx := testContext(t)
	const code = `
		local f = assert(io.open("note", "w")); f:write("before"); f:close()
		alc.llm("go on?")
		f = assert(io.open("note", "a")); f:write(" and after"); f:close()
		return true`
	run := pool.RunRequest{Code: ptr(code), Grants: map[string]any{"write": []any{s.Granted}}}
	f, err := s.d.Run(ctx, run)
	if err != nil || f.Type != pool.FeedPaused {
		t.Fatalf("%+v, %v", f, err)
	}
	w, err := s.d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	pid := s.pid(t, f.SessionID)
	if pid == w.PID {
		t.Fatal("the session shares the worker of those without its grant")
	}
	got := s.try(t, pid)
	if got["work in the granted directory"] != "done" {
		t.Errorf("in its process: %v", got)
	}
	if abi, _ := confine.ABI(); abi > 0 && got["make a file outside"] != "EACCES" {
		t.Errorf("the grant opens more than its directory: %v", got)
	}
	// The next process after a death has the grant again.
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f, err = s.d.Continue(ctx, pool.ContinueRequest{SID: f.SessionID, Answer: pool.Answer{Response: ptr("yes")}})
	if err != nil || string(f.Output) != "true" {
		t.Fatalf("%+v, %v", f, err)
	}
	text, err := os.ReadFile(filepath.Join(s.Granted, "note"))
	if string(text) != "before and after" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}
