package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/algocline/algocline/journal"
)

// errLostRace tells Acquire to look again.
var errLostRace = errors.New("the session changed hands meanwhile")

// Acquire implements [journal.Store]. alive is called outside of any transaction.
func (s *Store) Acquire(ctx context.Context, sid string, by journal.WorkerID, alive func(journal.Worker) bool) (journal.Head, error) {
	for {
		row, err := s.row(ctx, sid)
		if err != nil {
			return journal.Head{}, fmt.Errorf("acquiring session %s: %w", sid, err)
		}
		if row.head.Owner == by {
			return row.head, nil
		}
		if err := s.askOwner(ctx, &row.head, alive); err != nil {
			return journal.Head{}, err
		}
		head, err := s.submit(ctx, true, 0, func(t *txn) (journal.Head, error) { return takeOver(t, row, by) })
		if !errors.Is(err, errLostRace) {
			return head, err
		}
	}
}

// askOwner fails if the session's owner is alive.
func (s *Store) askOwner(ctx context.Context, h *journal.Head, alive func(journal.Worker) bool) error {
	if h.Owner == 0 {
		return nil
	}
	w, err := s.Worker(ctx, h.Owner)
	if errors.Is(err, journal.ErrNotFound) {
		return nil // whoever it was, it is not known any more
	}
	if err != nil {
		return fmt.Errorf("acquiring session %s: %w", h.SID, err)
	}
	if alive(w) {
		return &journal.OwnedError{SID: h.SID, Worker: w}
	}
	return nil
}

// takeOver changes the owner of the session that row was read from, unless it has changed.
func takeOver(t *txn, row session, by journal.WorkerID) (journal.Head, error) {
	if _, ok, err := t.c.one(qWorker, int64(by)); err != nil {
		return journal.Head{}, t.broken("reading a worker from", err)
	} else if !ok {
		return journal.Head{}, notFound("worker", fmt.Sprint(int64(by)))
	}
	h := row.head
	n, _, err := t.c.exec(qTakeSession, int64(by), row.id, h.Epoch, int64(h.Owner))
	if err != nil {
		return journal.Head{}, t.broken("taking session "+h.SID+" over in", err)
	}
	if n == 0 {
		return journal.Head{}, errLostRace
	}
	t.wrote = true
	delete(t.sessions, h.SID)
	r, ok, err := t.c.one(qSessionBySID, h.SID)
	if err != nil || !ok {
		return journal.Head{}, t.broken("reading session "+h.SID+" from", errors.Join(err, missing(ok)))
	}
	if row, err = scanSession(r); err != nil {
		return journal.Head{}, t.broken("reading session "+h.SID+" from", err)
	}
	t.put(row)
	return row.head, t.note("acquired", row.id, fmt.Appendf(nil, `{"epoch":%d,"worker":%d}`, row.head.Epoch, by))
}

func missing(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("its row is missing")
}

// Register implements [journal.Store]. Worker ids are never used twice.
func (s *Store) Register(ctx context.Context, w journal.Worker) (journal.WorkerID, error) {
	var id int64
	_, err := s.submit(ctx, true, 0, func(t *txn) (journal.Head, error) {
		var err error
		_, id, err = t.c.exec(qInsertWorker, w.LockPath, w.Sock, int64(w.PID), w.Version, w.BootID, w.StartedAt.UnixMicro())
		if err != nil {
			return journal.Head{}, t.broken("registering a worker in", err)
		}
		return journal.Head{}, t.note("registered", 0, fmt.Appendf(nil, `{"worker":%d}`, id))
	})
	if err != nil {
		return 0, fmt.Errorf("registering a worker: %w", err)
	}
	return journal.WorkerID(id), nil
}

// Worker implements [journal.Store].
func (s *Store) Worker(ctx context.Context, id journal.WorkerID) (w journal.Worker, err error) {
	err = s.read(ctx, func(c *conn) error {
		r, ok, err := c.one(qWorker, int64(id))
		if err != nil {
			return wrapSQL(s.path, "reading a worker from", err)
		}
		if !ok {
			return notFound("worker", fmt.Sprint(int64(id)))
		}
		d := decoder{row: r}
		w = journal.Worker{
			ID: id, LockPath: d.text(), Sock: d.text(), PID: int(d.int()),
			Version: d.text(), BootID: d.text(), StartedAt: d.time(),
		}
		if d.err != nil {
			return &journal.CorruptError{File: s.path, Why: fmt.Sprintf("worker %d: %v", id, d.err)}
		}
		return nil
	})
	return w, err
}
