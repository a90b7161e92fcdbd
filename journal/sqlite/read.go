package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/algocline/algocline/journal"
)

// eventsPerRead bounds one read transaction of a long history.
const eventsPerRead = 1000

// Head implements [journal.Store].
func (s *Store) Head(ctx context.Context, sid string) (journal.Head, error) {
	row, err := s.row(ctx, sid)
	return row.head, err
}

func (s *Store) row(ctx context.Context, sid string) (row session, err error) {
	err = s.read(ctx, func(c *conn) error {
		row, err = readSession(c, sid)
		return err
	})
	return row, err
}

func readSession(c *conn, sid string) (session, error) {
	r, ok, err := c.one(qSessionBySID, sid)
	if err != nil {
		return session{}, wrapSQL(c.path, "reading session "+sid+" from", err)
	}
	if !ok {
		return session{}, notFound("session", sid)
	}
	row, err := scanSession(r)
	if err != nil {
		return session{}, &journal.CorruptError{File: c.path, SID: sid, Why: err.Error()}
	}
	return row, nil
}

// Events implements [journal.Store]. Events never change, so that a long history may be read in
// several short transactions.
func (s *Store) Events(ctx context.Context, sid string, after int64) (journal.Head, []journal.Event, error) {
	var row session
	h := &history{path: s.path, sid: sid, after: after}
	err := s.read(ctx, func(c *conn) (err error) {
		if row, err = readSession(c, sid); err != nil {
			return err
		}
		h.start(row)
		return h.walk(c, eventsPerRead)
	})
	for err == nil && !h.done() {
		err = s.read(ctx, func(c *conn) error { return h.walk(c, eventsPerRead) })
	}
	if err != nil {
		return journal.Head{}, nil, err
	}
	events, err := h.verified(row.head.Sum)
	return row.head, events, err
}

// history walks a session's events from the last one back.
type history struct {
	path, sid string
	after     int64
	session   int64
	next      int64 // id of the event to read next
	seq       int64 // its seq
	events    []journal.Event
	base      journal.Sum // of event after
}

func (h *history) start(row session) {
	h.session, h.next, h.seq = row.id, row.event, row.head.Seq
	if n := row.head.Seq - h.after; n > 0 {
		h.events = make([]journal.Event, 0, min(n, eventsPerRead))
	}
}

func (h *history) done() bool { return h.seq < h.after || h.seq < 1 }

func (h *history) corrupt(why string) error {
	return &journal.CorruptError{File: h.path, SID: h.sid, Seq: h.seq, Why: why}
}

// walk reads up to n events more. The event `after` is read too, for its checksum.
func (h *history) walk(c *conn, n int) error {
	for ; n > 0 && !h.done(); n-- {
		r, ok, err := c.one(qEvent, h.next)
		if err != nil {
			return wrapSQL(h.path, fmt.Sprintf("reading event %d of session %s from", h.seq, h.sid), err)
		}
		if !ok {
			return h.corrupt("the event is missing")
		}
		if err := h.take(r); err != nil {
			return err
		}
	}
	return nil
}

func (h *history) take(r []driver.Value) error {
	d := decoder{row: r}
	owner, prev := d.int(), d.int()
	e := journal.Event{Seq: d.int(), Kind: journal.Kind(d.text()), At: d.time(), Path: d.text(), Sum: d.sum(), Body: d.blob()}
	switch {
	case d.err != nil:
		return h.corrupt(d.err.Error())
	case owner != h.session || e.Seq != h.seq:
		return h.corrupt("another event lies in its place")
	case prev >= h.next || (prev == 0) != (e.Seq == 1):
		return h.corrupt("it follows an event that it cannot follow")
	}
	if e.Seq == h.after {
		h.base = e.Sum
	} else {
		h.events = append(h.events, e)
	}
	h.next, h.seq = prev, h.seq-1
	return nil
}

// verified returns the events, oldest first, if their checksums lead to last.
func (h *history) verified(last journal.Sum) ([]journal.Event, error) {
	slices.Reverse(h.events)
	if i, why := journal.Verify(h.base, h.after, h.events); i >= 0 {
		h.seq = h.events[i].Seq
		return nil, h.corrupt(why)
	}
	if n := len(h.events); n > 0 && h.events[n-1].Sum != last {
		h.seq = h.events[n-1].Seq
		return nil, h.corrupt("its checksum is not the one that the session's head names")
	}
	return h.events, nil
}

// listScan is how many entries of the log List looks through for the newest heads before it
// sorts all sessions instead: long sessions fill the log with entries that are no heads.
const listScan = 20_000

// List implements [journal.Store].
func (s *Store) List(ctx context.Context, f journal.Filter) ([]journal.Head, error) {
	limit := int64(f.Limit)
	if limit <= 0 {
		limit = 1000
	}
	states, err := json.Marshal(append([]journal.State{}, f.States...))
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	var heads []journal.Head
	err = s.read(ctx, func(c *conn) error {
		if len(f.States) == 0 && f.Owner == 0 {
			last, err := lastEvent(c)
			if err != nil {
				return wrapSQL(s.path, "reading the log's end in", err)
			}
			heads, err = listHeads(c, qListNewest, last-listScan, limit)
			if err != nil || int64(len(heads)) == limit || last <= listScan {
				return err
			}
		}
		heads, err = listHeads(c, qListFiltered, string(states), int64(f.Owner), limit)
		return err
	})
	return heads, err
}

func listHeads(c *conn, q query, args ...driver.Value) (heads []journal.Head, err error) {
	var bad error
	err = c.each(q, func(r []driver.Value) bool {
		row, err := scanSession(r)
		if err != nil {
			bad = &journal.CorruptError{File: c.path, Why: "in the list of sessions, " + err.Error()}
			return false
		}
		heads = append(heads, row.head)
		return true
	}, args...)
	if err != nil {
		return nil, wrapSQL(c.path, "listing the sessions of", err)
	}
	return heads, bad
}

// Count implements [journal.Store].
func (s *Store) Count(ctx context.Context) (map[journal.State]int64, error) {
	counts := map[journal.State]int64{}
	err := s.read(ctx, func(c *conn) error {
		return wrapSQL(s.path, "counting the sessions of", c.each(qCount, func(r []driver.Value) bool {
			d := decoder{row: r}
			counts[journal.State(d.text())] = d.int()
			return true
		}))
	})
	return counts, err
}

// Content implements [journal.Store].
func (s *Store) Content(ctx context.Context, h journal.ContentHash) (p []byte, err error) {
	err = s.read(ctx, func(c *conn) error {
		row, ok, err := c.one(qContent, h[:])
		if err != nil {
			return wrapSQL(s.path, "reading content "+h.String()+" from", err)
		}
		if !ok {
			return notFound("content", h.String())
		}
		p, _ = row[0].([]byte)
		if journal.HashContent(p) != h {
			return &journal.CorruptError{File: s.path, Why: "content " + h.String() + " is not what was stored"}
		}
		return nil
	})
	return p, err
}

// View implements [journal.Store]. fn must be short: the log cannot be folded back meanwhile.
func (s *Store) View(ctx context.Context, fn func(journal.Tx) error) error {
	return s.read(ctx, func(c *conn) error { return fn(&stateTx{c: c}) })
}
