package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"golang.org/x/sys/unix"
)

// A store that has no room for its mapped files does not open, instead of dying at the first touch.
func TestOpenOnFullDisk(t *testing.T) {
	for _, name := range []string{"ticket", "hold"} {
		dir := t.TempDir()
		if err := os.Symlink("/dev/full", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
		if err == nil {
			err = errors.Join(errors.New("it opened"), s.Close())
		}
		if full := (*journal.DiskFullError)(nil); !errors.As(err, &full) || !errors.Is(err, unix.ENOSPC) {
			t.Errorf("with no room for %s: %v", name, err)
		}
	}
}
