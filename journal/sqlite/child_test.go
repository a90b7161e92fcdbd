package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
)

// With childEnv set the test binary is another process that uses the journal in childDir.
const (
	childEnv = "ALC_TEST_JOURNAL_CHILD"
	childDir = "ALC_TEST_JOURNAL_DIR"
)

// child runs one of the roles below and returns the exit code.
func child(what, dir string) int {
	roles := map[string]func(*sqlite.Store) error{
		"append":        func(s *sqlite.Store) error { return childAppend(s, 8) },
		"append alone":  func(s *sqlite.Store) error { return childAppend(s, 1) },
		"append synced": func(s *sqlite.Store) error { return childAppend(s, 8) },
		"race":          childRace,
		"stop":          childStop,
		"hang":          childHang,
	}
	opts := sqlite.Options{Marks: marksIn(dir), Durability: sqlite.Process}
	if what == "append synced" {
		opts.Durability, opts.Patience = sqlite.Full, 10*time.Second // it is one of several on a busy machine
	}
	s, err := sqlite.Open(context.Background(), dir, opts)
	if err == nil {
		_, err = s.KeepMark(filepath.Join(dir, fmt.Sprintf("%d.mark", os.Getpid())))
	}
	if err == nil {
		err = errors.Join(roles[what](s), s.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func marksIn(dir string) []string {
	paths, err := filepath.Glob(filepath.Join(dir, "*.mark"))
	if err != nil {
		panic(err) // the pattern is a constant
	}
	return paths
}

// childAppend appends for ever from n goroutines and says which seq of which session was
// acknowledged.
func childAppend(s *sqlite.Store, n int) error {
	ctx := context.Background()
	w, err := s.Register(ctx, journal.Worker{PID: os.Getpid(), StartedAt: time.Now()})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, n)
	for g := range n {
		wg.Go(func() {
			b := journal.Batch{SID: fmt.Sprintf("s-%d-%d", w, g), Epoch: 1, Owner: w, Apply: countUp, Sync: true,
				Events: []journal.Event{{Kind: journal.Answered, At: time.Now(), Body: make([]byte, 300)}}}
			for errs[g] == nil {
				var head journal.Head
				if head, errs[g] = s.Append(ctx, b); errs[g] == nil {
					b.After = head.Seq
					_, errs[g] = fmt.Fprintf(os.Stdout, "%s %d\n", b.SID, head.Seq)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// childRace tries to append to one session that others append to as well, and says how often it
// won.
func childRace(s *sqlite.Store) error {
	ctx := context.Background()
	wins := 0
	for wins < 20 {
		head, err := s.Head(ctx, "s-race")
		if err != nil {
			return err
		}
		_, err = s.Append(ctx, journal.Batch{SID: "s-race", Epoch: 1, After: head.Seq, Apply: countUp, Sync: true})
		if err == nil {
			wins++
		} else if !errors.Is(err, journal.ErrConflict) {
			return err
		}
	}
	return nil
}

// childStop stops itself in the middle of a transaction.
func childStop(s *sqlite.Store) error {
	_, err := s.Append(context.Background(), journal.Batch{
		SID: "s-stopped", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: time.Now()}},
		Apply: func(tx journal.Tx) ([]journal.Event, error) {
			if _, err := countUp(tx); err != nil {
				return nil, err
			}
			if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
				return nil, err
			}
			select {} // the signal may reach another thread first
		},
	})
	return err
}

// childHang never comes back from its transaction.
func childHang(s *sqlite.Store) error {
	_, err := s.Append(context.Background(), journal.Batch{
		SID: "s-stopped", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: time.Now()}},
		Apply: func(tx journal.Tx) ([]journal.Event, error) {
			if _, err := countUp(tx); err != nil {
				return nil, err
			}
			fmt.Println("hanging")
			select {}
		},
	})
	return err
}

// start starts a child on the journal in dir. The test ends it if nothing else does.
func start(t *testing.T, what, dir string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed: that is its error
		}
	})
	return cmd, bufio.NewReader(out)
}

// drain reads acknowledgements until the child's end and adds them to acked.
func drain(t *testing.T, out *bufio.Reader, acked map[string]int64) {
	t.Helper()
	for {
		line, err := out.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return // a line that was cut by the kill was not acknowledged
		}
		if err != nil {
			t.Fatal(err)
		}
		note(t, line, acked)
	}
}

func note(t *testing.T, line string, acked map[string]int64) {
	t.Helper()
	var sid string
	var seq int64
	if _, err := fmt.Sscan(line, &sid, &seq); err != nil {
		t.Fatalf("the child says %q: %v", line, err)
	}
	acked[sid] = max(acked[sid], seq)
}
