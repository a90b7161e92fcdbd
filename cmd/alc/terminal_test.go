package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/algocline/algocline/service"
)

// seat is a person at a terminal in which alc runs.
type seat struct {
	t    *testing.T
	cmd  *exec.Cmd
	term *os.File
	seen strings.Builder // everything shown so far
	read int             // how much of it was looked at
}

// patience bounds what a person waits for.
const patience = 20 * time.Second

// sit starts alc in a new terminal with the home given.
func sit(t *testing.T, home string, args ...string) *seat {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{
		Path: exe, Args: append([]string{"alc"}, args...), Dir: home,
		Env: append(os.Environ(), "ALC_HOME="+home, "ALC_POOL_IDLE_TIMEOUT=60", "TERM=xterm", "NO_COLOR=1"),
	}
	term, tty, err := pty.Open()
	if errors.Is(err, syscall.ENODEV) || errors.Is(err, fs.ErrNotExist) {
		t.Skipf("this machine has no pseudo-terminals (a chroot without devpts?): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { term.Close() })
	defer tty.Close()
	// The system signals a Ctrl-C first and throws away what is to be shown afterwards, so that
	// on a busy machine alc's last words can be among it.
	keep := exec.Command("stty", "noflsh")
	keep.Stdin = tty
	if out, err := keep.CombinedOutput(); err != nil {
		t.Fatalf("stty: %v\n%s", err, out)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &seat{t: t, cmd: cmd, term: term}
}

// sees waits until the terminal shows a match of the pattern after what was seen before, and
// returns it with its groups.
func (s *seat) sees(pattern string) []string {
	s.t.Helper()
	want := regexp.MustCompile(pattern)
	// Reads of a terminal have no deadline; the end of alc ends them.
	defer time.AfterFunc(patience, func() { s.cmd.Process.Kill() }).Stop()
	buf := make([]byte, 4096)
	for {
		shown := s.seen.String()
		if at := want.FindStringSubmatchIndex(shown[s.read:]); at != nil {
			groups := want.FindStringSubmatch(shown[s.read:])
			s.read += at[1]
			return groups
		}
		n, err := s.term.Read(buf)
		s.seen.Write(buf[:n])
		if err != nil && n == 0 {
			s.t.Fatalf("waiting for %q: %v; the terminal shows:\n%s", pattern, err, s.seen.String())
		}
	}
}

func (s *seat) types(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.term, text); err != nil {
		s.t.Fatal(err)
	}
}

// leaves waits for the end of alc and checks its exit code.
func (s *seat) leaves(code int) {
	s.t.Helper()
	defer time.AfterFunc(patience, func() { s.cmd.Process.Kill() }).Stop()
	var rest []byte
	buf := make([]byte, 4096)
	for {
		n, err := s.term.Read(buf)
		rest = append(rest, buf[:n]...)
		if err != nil {
			// The terminal of a process that has ended cannot be read (EIO).
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) {
				s.t.Fatalf("reading the terminal: %v", err)
			}
			break
		}
	}
	s.seen.Write(rest)
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("exit code %d, want %d; the terminal shows:\n%s", got, code, s.seen.String())
	}
}

// seatHome makes a home with a script that asks twice.
func seatHome(t *testing.T) string {
	t.Helper()
	home, err := shortTempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stopWorkers(home), os.RemoveAll(home)); err != nil {
			t.Error(err)
		}
	})
	const script = `return alc.llm("one?") .. "-" .. alc.llm("two?", { system = "be brief" })`
	if err := os.WriteFile(home+"/ask.lua", []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

func TestAnswerAtATerminal(t *testing.T) {
	t.Parallel()
	s := sit(t, seatHome(t), "run", "ask.lua")
	s.sees(`\? q-0`)
	s.sees(`│ one\?`)
	s.types("first\nline two\n.\n")
	s.sees(`│ be brief`)
	s.sees(`│ two\?`)
	s.types("second\n.\n")
	s.sees(`first\r\nline two-second`)
	s.leaves(exitOK)
}

func TestCtrlCLeavesTheSessionPaused(t *testing.T) {
	t.Parallel()
	home := seatHome(t)
	s := sit(t, home, "run", "ask.lua")
	s.sees(`│ one\?`)
	s.types("a\n.\n")
	s.sees(`│ two\?`)
	s.types("half an ans\x03")
	s.sees(`is paused, nothing is lost`)
	sid := s.sees(`go on with: alc continue (s-\S+)`)[1]
	s.leaves(exitPaused)

	// The command that was printed goes on, and Ctrl-D leaves too.
	s = sit(t, home, "continue", sid)
	s.sees(`│ two\?`)
	s.types("\x04")
	s.sees(`is paused, nothing is lost`)
	s.leaves(exitPaused)

	s = sit(t, home, "continue", sid)
	s.sees(`│ two\?`)
	s.types("b\n.\n")
	s.sees(`a-b`)
	s.leaves(exitOK)
}

// A terminal hands on 4095 bytes of a line and drops the rest.
func TestCutLineIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := sit(t, seatHome(t), "run", "-e", "return #alc.llm('one?')")
	s.sees(`│ one\?`)
	s.types(strings.Repeat("x", 5000) + "\n.\n")
	s.sees(`a line has 4095 bytes or more`)
	s.sees(`the session is kept; go on with: alc continue s-`)
	s.leaves(exitError)
}

func TestWorkerDiesWhileAPersonThinks(t *testing.T) {
	t.Parallel()
	home := seatHome(t)
	s := sit(t, home, "run", "ask.lua")
	for _, answer := range []string{"a", "b"} {
		s.sees(`│ (one|two)\?`)
		if err := killAll(home); err != nil {
			t.Fatal(err)
		}
		s.types(answer + "\n.\n")
	}
	s.sees(`a-b`)
	s.leaves(exitOK)
}

func TestCtrlCWhileTheScriptComputes(t *testing.T) {
	t.Parallel()
	home := seatHome(t)
	s := sit(t, home, "run", "-e", "alc.log('info', 'on') while true do end", "--limit", "step_cpu=2s", "--session-id", "busy")
	// The session is there once a look at it from outside finds it.
	eventually(t, func() bool {
		err := withHome(home, func(ctx context.Context, svc *service.Service) error {
			_, err := svc.Session(ctx, "busy", false)
			return err
		})
		return err == nil
	})
	other := sit(t, home, "continue", "busy")
	other.sees(`session busy is running`)
	other.leaves(exitError)
	s.types("\x03")
	s.sees(`interrupted`)
	s.sees(`may have started: alc status busy`)
	s.leaves(exitError)
}

// eventually asks again and again until the answer is yes.
func eventually(t *testing.T, ask func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ask(); {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
	}
}

func TestBareAlcAtATerminalHelps(t *testing.T) {
	t.Parallel()
	s := sit(t, seatHome(t))
	s.sees(`Usage:`)
	s.leaves(exitOK)
}

func TestDemoAtATerminalShowsProgress(t *testing.T) {
	t.Parallel()
	s := sit(t, seatHome(t), "demo")
	s.sees(`draft_critique_revise .*\(2/6\)`)
	s.sees(`kill -9`)
	s.sees(`answers lost`)
	s.leaves(exitOK)
}
