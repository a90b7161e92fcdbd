package service

import (
	"context"
	"sync"

	"github.com/algocline/algocline/journal"
)

// openFunc opens the home's journal for reading. It fails with [ErrNoJournal] when there is none.
type openFunc func(ctx context.Context) (journal.Store, error)

// journalReader opens the journal when it is first needed and keeps it: a front that only runs
// and continues sessions never touches the database.
type journalReader struct {
	open openFunc

	mu     sync.Mutex
	store  journal.Store
	closed bool
}

// Store returns the open journal. A failure is not kept: the next call tries again, since a
// worker may have made the journal meanwhile.
func (r *journalReader) Store(ctx context.Context) (journal.Store, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, journal.ErrClosed
	}
	if r.store != nil {
		return r.store, nil
	}
	st, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	r.store = st
	return st, nil
}

func (r *journalReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.store == nil {
		return nil
	}
	st := r.store
	r.store = nil
	return st.Close()
}

// Journal returns the home's journal, open for reading only; it belongs to the Service. The
// error is [ErrNoJournal] before the first session.
func (s *Service) Journal(ctx context.Context) (journal.Store, error) {
	return s.journal.Store(ctx)
}
