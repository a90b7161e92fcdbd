package service

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/lock"
	"github.com/algocline/algocline/journal/sqlite"
)

// openJournal opens the journal of c's home as a reader: it creates nothing.
func openJournal(c Config) openFunc {
	return func(ctx context.Context) (journal.Store, error) {
		st, err := sqlite.Open(ctx, filepath.Join(c.Home, "journal"), sqlite.Options{ReadOnly: true, Logger: c.Log})
		if errors.Is(err, journal.ErrNotFound) {
			return nil, ErrNoJournal
		}
		if err != nil {
			return nil, err
		}
		return st, nil
	}
}

// lockHeld tells whether a worker's process lives: it holds its lock file as long as it does.
func lockHeld(path string) bool {
	alive, err := lock.Alive(path)
	return err == nil && alive
}
