package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"golang.org/x/sys/unix"
)

// TestWriterInLineLetsGo: a writer that waits for the ticket closes the database when its holder wants
// to make good what has failed, or neither would go on.
func TestWriterInLineLetsGo(t *testing.T) {
	dir := t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{}))
	batch := journal.Batch{SID: "s", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: at}}}
	if _, err := s.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	ticket, hold := openFile(t, dir, "ticket"), openFile(t, dir, "hold")
	if err := unix.Flock(int(ticket.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	batch.After = 1
	appended := make(chan error, 1)
	go func() {
		_, err := s.Append(t.Context(), batch)
		appended <- err
	}()
	soon(t, "the writer waits for the ticket", func() bool { return waitedFor(t, ticket) })
	if _, err := hold.WriteAt([]byte{1}, 0); err != nil {
		t.Fatal(err)
	}
	soon(t, "the writer lets go", func() bool {
		err := unix.Flock(int(hold.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
			t.Fatal(err)
		}
		return err == nil
	})
	if err := errors.Join(unix.Flock(int(hold.Fd()), unix.LOCK_UN), unix.Flock(int(ticket.Fd()), unix.LOCK_UN)); err != nil {
		t.Fatal(err)
	}
	if err := <-appended; err != nil {
		t.Errorf("after that: %v", err)
	}
}

func openFile(t *testing.T, dir, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// waitedFor tells whether somebody waits for a lock on the file.
func waitedFor(t *testing.T, f *os.File) bool {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	inode := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
	for line := range strings.Lines(string(locks)) {
		if strings.Contains(line, "->") && strings.Contains(line, inode) {
			return true
		}
	}
	return false
}

// soon asks until it is so.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(20 * time.Second); !is(); <-again.C {
		if time.Now().After(end) {
			t.Fatalf("it does not come to it that %s", what)
		}
	}
}
