package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/algocline/algocline/journal"
)

// groupLimit is how many requests share a commit at most: enough to make the commit's own cost
// vanish, few enough to keep the wait of the first one short.
const groupLimit = 512

// groupBytes ends a group early: a group is one transaction, and its pages lie in the log at once.
const groupBytes = 16 << 20

// request is something for the writer to do within a transaction.
type request struct {
	run   func(*txn) (journal.Head, error)
	sync  bool
	size  int // of what it writes, in bytes
	state atomic.Int32
	done  chan struct{} // closed when head and err are set
	head  journal.Head
	err   error
}

// The states of a request: it can be withdrawn only while it waits.
const (
	waiting int32 = iota
	taken
	withdrawn
)

// queue is where requests wait for the writer. It has no bound of its own: every entry is a
// caller that waits.
type queue struct {
	mu     sync.Mutex
	list   []*request
	closed bool
	wake   chan struct{} // holds a token when there may be something to take
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) put(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.list = append(q.list, r)
	q.signal()
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// take waits for requests and returns those that share the next commit: up to groupLimit of them
// that were not withdrawn; nil when the queue is closed and empty.
func (q *queue) take() []*request {
	for {
		<-q.wake
		group, over := q.cut()
		if len(group) > 0 {
			return group
		}
		if over {
			return nil
		}
	}
}

// cut takes a group off the queue; over tells that there will never be anything again.
func (q *queue) cut() (group []*request, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for ; n < len(q.list) && len(group) < groupLimit && size < groupBytes; n++ {
		if r := q.list[n]; r.state.CompareAndSwap(waiting, taken) {
			group = append(group, r)
			size += r.size
		}
	}
	clear(q.list[:n])
	if q.list = q.list[n:]; len(q.list) == 0 {
		q.list = nil
	}
	if len(q.list) > 0 || q.closed {
		q.signal()
	}
	return group, q.closed && len(q.list) == 0
}

// submit hands a request to the writer and waits for its outcome. The context ends the wait in
// the queue only: what the writer has taken is carried to its end.
func (s *Store) submit(ctx context.Context, sync bool, size int, run func(*txn) (journal.Head, error)) (journal.Head, error) {
	if s.opts.ReadOnly {
		return journal.Head{}, journal.ErrReadOnly
	}
	if err := ctx.Err(); err != nil {
		return journal.Head{}, err
	}
	r := &request{run: run, sync: sync, size: size, done: make(chan struct{})}
	if !s.queue.put(r) {
		return journal.Head{}, journal.ErrClosed
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, withdrawn) {
			return journal.Head{}, ctx.Err()
		}
		<-r.done
	}
	return r.head, r.err
}

// writer is the one goroutine that writes. It owns its connection.
type writer struct {
	s    *Store
	c    *conn // nil after a failure: opened anew for the next group
	full bool  // whether c syncs its commits

	last        int64 // last row of the log as of the last commit
	dataVersion int64 // tells whether others have committed since
	dirty       int64 // bytes written, roughly, since a checkpoint was asked for
	unfolded    int64 // and since the writer folded the log itself
}

func (w *writer) loop() {
	for {
		group := w.s.queue.take()
		if group == nil {
			return
		}
		w.commit(group)
	}
}

// commit carries a group to its outcome and tells everyone.
func (w *writer) commit(group []*request) {
	t, err := w.attempt(group)
	if err != nil {
		if t != nil {
			for sid := range t.sessions {
				w.s.cache.drop(sid)
			}
		}
		for _, r := range group {
			r.head, r.err = journal.Head{}, err
		}
	}
	for _, r := range group {
		close(r.done)
	}
}

// attempt writes and commits a group. Its error is everyone's; a request's own is in r.err.
func (w *writer) attempt(group []*request) (*txn, error) {
	w.yield()
	release, err := w.s.ticket.lock()
	if err != nil {
		return nil, &journal.NotCommittedError{Cause: err}
	}
	defer release()
	t, err := w.try(group)
	if err != nil {
		w.abandon()
	}
	return t, err
}

// yield lets go of a database in doubt: whoever has the ticket wants to make it good, and needs this
// store out of the way.
func (w *writer) yield() {
	if w.s.hold.doubts() == 0 {
		return
	}
	if again, err := w.s.letGo(w); err == nil {
		again()
	}
}

func (w *writer) try(group []*request) (*txn, error) {
	if err := w.prepare(group); err != nil {
		return nil, &journal.NotCommittedError{Cause: err}
	}
	t, err := w.write(group)
	if err != nil {
		return t, &journal.NotCommittedError{Cause: err}
	}
	if !t.wrote {
		if _, _, err := w.c.exec(qRollback); err != nil {
			return t, &journal.NotCommittedError{Cause: wrapSQL(w.c.path, "ending a transaction in", err)}
		}
		return t, nil
	}
	full := w.full
	if _, _, err := w.c.exec(qCommit); err != nil {
		w.s.hold.doubt()
		w.bury()
		err = wrapSQL(w.c.path, "committing to", err)
		// At once, so that what is read next is what stays.
		if err := w.settle(); err != nil {
			w.s.log.Warn("the journal stays in doubt", "error", err)
		}
		return t, &journal.UncertainError{Cause: err}
	}
	if full && w.s.hold.doubts() > 0 {
		// The checkpointer's sync has failed meanwhile, and may have lost what this one reports.
		if err := w.settle(); err != nil {
			return t, &journal.UncertainError{Cause: err}
		}
	}
	w.committed(t, full)
	return t, nil
}

// prepare makes the connection ready for a group: open, free of doubt, syncing or not.
func (w *writer) prepare(group []*request) error {
	if w.s.hold.doubts() == 0 {
		if err := w.open(); err != nil {
			return err
		}
		w.foldFully()
	}
	if w.s.hold.doubts() > 0 {
		if err := w.settle(); err != nil {
			return err
		}
	}
	full := false
	for _, r := range group {
		full = full || r.sync
	}
	return w.setSync(full && w.s.opts.Durability == Full)
}

// foldFully folds the log back when it is too long.
func (w *writer) foldFully() {
	if w.s.fold.Load() || w.unfolded >= w.s.opts.WALLimit {
		w.s.fold.Store(false)
		w.unfolded = 0
		if err := w.s.foldBack(w.c); err != nil {
			w.s.doubtful("folding the journal's log back", err)
		}
	}
}

// setSync chooses whether the next commit is synced. It can only be set between transactions.
func (w *writer) setSync(full bool) error {
	if w.full == full {
		return nil
	}
	mode := "NORMAL"
	if full {
		mode = "FULL"
	}
	if err := w.c.script("PRAGMA synchronous=" + mode); err != nil {
		return wrapSQL(w.c.path, "setting the durability of", err)
	}
	w.full = full
	return nil
}

// write begins the transaction and runs the requests in it.
func (w *writer) write(group []*request) (*txn, error) {
	if _, _, err := w.c.exec(qBegin); err != nil {
		return nil, wrapSQL(w.c.path, "beginning a transaction in", err)
	}
	if err := w.refresh(); err != nil {
		return nil, err
	}
	t := &txn{s: w.s, c: w.c, now: now(), last: w.last, sessions: make(map[string]session, len(group))}
	for _, r := range group {
		r.head, r.err = r.run(t)
		if t.fault != nil {
			return t, t.fault
		}
	}
	return t, nil
}

// refresh learns what other processes have committed, inside the transaction.
func (w *writer) refresh() error {
	row, _, err := w.c.one(qDataVersion)
	if err != nil {
		return wrapSQL(w.c.path, "reading", err)
	}
	version, _ := row[0].(int64)
	if version == w.dataVersion {
		return nil
	}
	w.s.known.clear()
	if err := checkWriter(w.c); err != nil {
		return err
	}
	last, err := w.end(w.c)
	if err != nil {
		return err
	}
	w.last, w.dataVersion = last, version
	return nil
}

// end returns where the log ends, which is not before what this writer has committed.
func (w *writer) end(c *conn) (int64, error) {
	last, err := lastEvent(c)
	if err != nil {
		return 0, wrapSQL(c.path, "reading the log's end in", err)
	}
	if last < w.last {
		return 0, &journal.CorruptError{File: c.path, Why: fmt.Sprintf("the log ends at %d, but %d was committed", last, w.last)}
	}
	return last, nil
}

// committed makes a group's outcome known to the store.
func (w *writer) committed(t *txn, synced bool) {
	w.last = t.last
	for _, row := range t.sessions {
		w.s.cache.put(row)
	}
	w.s.known.add(t.contents)
	w.s.advance(t.last, synced)
	n := t.bytes + pageSize*int64(len(t.sessions)+3)
	w.dirty += n
	w.unfolded += n
	if w.dirty >= w.s.opts.WALLimit/8 {
		w.dirty = 0
		w.s.wantCheckpoint()
	}
}

// abandon drops a connection whose state is not certain.
func (w *writer) abandon() {
	if w.c == nil {
		return
	}
	var err error
	if w.c.inTransaction() {
		_, _, err = w.c.exec(qRollback)
	}
	if err = errors.Join(err, closeConn(&w.c)); err != nil {
		w.s.log.Warn("closing the journal's connection after a failed append", "error", err)
	}
}

// now is the time of an event as the journal keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
