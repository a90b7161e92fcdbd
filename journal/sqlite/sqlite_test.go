package sqlite_test

import (
	"context"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/journaltest"
	"github.com/algocline/algocline/journal/sqlite"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	for _, d := range []sqlite.Durability{sqlite.Full, sqlite.Process} {
		t.Run(string(d), func(t *testing.T) {
			journaltest.Run(t, func(t *testing.T) journaltest.Home {
				dir := t.TempDir()
				return journaltest.Home{Open: func(t *testing.T) journal.Store {
					return open(t, dir, sqlite.Options{Durability: d})
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
