package sqlite_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/journaltest"
	"github.com/algocline/algocline/journal/sqlite"
	"go.uber.org/goleak"
)

// quiet is for stores whose troubles a test makes itself.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		os.Exit(child(what, os.Getenv(childDir)))
	}
	goleak.VerifyTestMain(m)
}

// TestConformance runs on a disk whose syncs take no time, where there is one: the suite makes a
// hundred journals.
func TestConformance(t *testing.T) {
	vfs := fastDisk(t)
	for _, d := range []sqlite.Durability{sqlite.Full, sqlite.Process} {
		t.Run(string(d), func(t *testing.T) {
			journaltest.Run(t, func(t *testing.T) journaltest.Home {
				dir := t.TempDir()
				return journaltest.Home{Open: func(t *testing.T) journal.Store {
					return open(t, dir, sqlite.Options{Durability: d, VFS: vfs})
				}}
			})
		})
	}
}

// open opens the journal in dir or fails the test; the test closes it.
func open(t testing.TB, dir string, opts sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), dir, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

// closing closes a store when the test ends.
func closing(t *testing.T, s *sqlite.Store) *sqlite.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
