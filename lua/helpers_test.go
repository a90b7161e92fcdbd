package lua

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/value"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if code := os.Getenv(corpusEnv); code != "" {
		os.Exit(corpusMain(code))
	}
	goleak.VerifyTestMain(m)
}

func mustCompile(t testing.TB, source string) *Program {
	t.Helper()
	p, err := Compile("test.lua", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// open makes a state that the test closes.
func open(t testing.TB, source string, o Options) *State {
	t.Helper()
	s, err := New(mustCompile(t, source), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run runs a program that asks for nothing and decodes what it returns.
func run(t testing.TB, source string) []any {
	t.Helper()
	ev, err := open(t, source, Options{}).Resume(nil)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	if ev.Kind != Returned {
		t.Fatalf("%s: %v", source, ev.Kind)
	}
	return decode(t, ev.Values)
}

func decode(t testing.TB, l value.List) []any {
	t.Helper()
	vs, err := value.Decode(l)
	if err != nil {
		t.Fatal(err)
	}
	return vs
}

// request resumes and expects a request.
func request(t testing.TB, s *State, args ...any) []any {
	t.Helper()
	ev, err := s.Resume(value.Of(args...))
	if err != nil {
		t.Fatal(err)
	}
	if ev.Kind != Requested {
		t.Fatalf("%v with %v, want a request", ev.Kind, decode(t, ev.Values))
	}
	return decode(t, ev.Values)
}

// finish resumes and expects the end.
func finish(t testing.TB, s *State, args ...any) []any {
	t.Helper()
	ev, err := s.Resume(value.Of(args...))
	if err != nil {
		t.Fatal(err)
	}
	if ev.Kind != Returned {
		t.Fatalf("%v with %v, want the end", ev.Kind, decode(t, ev.Values))
	}
	return decode(t, ev.Values)
}

// cpuTime returns the CPU time of the process, which a busy machine does not stretch.
func cpuTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Error(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func asLimit(t testing.TB, err error) *LimitError {
	t.Helper()
	var limit *LimitError
	if !errors.As(err, &limit) {
		t.Fatalf("error %v, want a *LimitError", err)
	}
	return limit
}
