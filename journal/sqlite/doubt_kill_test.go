package sqlite_test

import (
	"bufio"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
)

// TestKillInDoubt kills writers of a journal in doubt, of which several processes have it open, one
// of them only to read: whoever is left makes it good, and nothing acknowledged is lost.
func TestKillInDoubt(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 7))
	dir := t.TempDir()
	type proc struct {
		cmd *exec.Cmd
		out *bufio.Reader
	}
	acked := map[string]int64{}
	procs := make([]*proc, 3)
	for i := range procs {
		cmd, out := start(t, "append synced", dir)
		procs[i] = &proc{cmd, out}
	}
	read := func(p *proc, n int) {
		for range n {
			line, err := p.out.ReadString('\n')
			if err != nil {
				t.Fatalf("a child ended early: %v", err)
			}
			note(t, line, acked)
		}
	}
	for _, p := range procs {
		read(p, 3)
	}
	looker := open(t, dir, sqlite.Options{ReadOnly: true})
	hold, err := os.OpenFile(filepath.Join(dir, "hold"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	for round := range 4 {
		if _, err := looker.List(t.Context(), journal.Filter{Limit: 10}); err != nil {
			t.Fatal(err)
		}
		var word [8]byte
		binary.NativeEndian.PutUint64(word[:], uint64(round+1))
		if _, err := hold.WriteAt(word[:], 0); err != nil {
			t.Fatal(err)
		}
		i := rnd.IntN(len(procs))
		read(procs[(i+1)%len(procs)], rnd.IntN(100))
		if err := procs[i].cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		drain(t, procs[i].out, acked)
		_ = procs[i].cmd.Wait()
		for j, p := range procs {
			if j != i {
				read(p, 20)
			}
		}
		cmd, out := start(t, "append synced", dir)
		procs[i] = &proc{cmd, out}
		read(procs[i], 3)
	}
	for _, p := range procs {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		drain(t, p.out, acked)
		_ = p.cmd.Wait()
	}
	if err := looker.Close(); err != nil {
		t.Fatal(err)
	}
	checkAcked(t, dir, acked)
}
