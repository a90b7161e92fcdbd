package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
)

// TestKill kills writing processes at random moments: what they acknowledged is there, what is
// there is whole, and the counter that every append increments is exact.
func TestKill(t *testing.T) {
	for what, rounds := range map[string]int{"append": 12, "append alone": 8, "append synced": 4} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(7, uint64(len(what))))
			dir := t.TempDir()
			acked := map[string]int64{}
			for range rounds {
				killAfter(t, what, dir, rnd.IntN(120), acked)
				checkAcked(t, dir, acked)
			}
		})
	}
}

// killAfter lets a child write and kills it after n acknowledgements.
func killAfter(t *testing.T, what, dir string, n int, acked map[string]int64) {
	t.Helper()
	cmd, out := start(t, what, dir)
	for range n {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("the child ended early: %v", err)
		}
		note(t, line, acked)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	drain(t, out, acked)
	_ = cmd.Wait() // killed: that is its error
}

func checkAcked(t *testing.T, dir string, acked map[string]int64) {
	t.Helper()
	s := open(t, dir, sqlite.Options{Marks: marksIn(dir)})
	heads, err := s.List(t.Context(), journal.Filter{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	effects := 0
	for _, h := range heads {
		found[h.SID] = h.Seq
		_, events, err := s.Events(t.Context(), h.SID, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == journal.Effect {
				effects++
			}
		}
	}
	for sid, seq := range acked {
		if found[sid] < seq {
			t.Errorf("session %s ends at %d, acknowledged was %d", sid, found[sid], seq)
		}
	}
	if got := counter(t, s); got != fmt.Sprint(effects) {
		t.Errorf("the counter is %s, recorded effects are %d", got, effects)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestProcessesRace lets processes append to one session at once: every win is one batch.
func TestProcessesRace(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	_, err := s.Append(t.Context(), journal.Batch{SID: "s-race", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: at}}, Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	const processes = 3
	var children []*exec.Cmd
	for range processes {
		cmd, _ := start(t, "race", dir)
		children = append(children, cmd)
	}
	for i, cmd := range children {
		if err := cmd.Wait(); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
	}
	_, events, err := s.Events(t.Context(), "s-race", 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(events) - 1; n != processes*20 || counter(t, s) != fmt.Sprint(n) {
		t.Errorf("%d events, counter %s, want %d", n, counter(t, s), processes*20)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
