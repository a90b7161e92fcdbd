package sqlite_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
)

// TestLogStaysBounded writes many times the log's limit without a pause.
func TestLogStaysBounded(t *testing.T) {
	const limit = 1 << 20
	dir := t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{Durability: sqlite.Process, WALLimit: limit}))
	largest := int64(0)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			b := journal.Batch{SID: string(rune('a' + g)), Epoch: 1, Events: []journal.Event{{Kind: journal.Read, At: at, Body: make([]byte, 3000)}}}
			for range 200 {
				head, err := s.Append(t.Context(), b)
				if err != nil {
					t.Error(err)
					return
				}
				b.After = head.Seq
				info, err := os.Stat(filepath.Join(dir, "journal.db-wal"))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				largest = max(largest, info.Size())
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("largest log: %d KiB", largest>>10)
	if largest > 2*limit {
		t.Errorf("the log grew to %d bytes, its limit is %d", largest, limit)
	}
}
