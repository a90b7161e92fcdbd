package sqlite

import (
	"errors"
	"time"

	"github.com/algocline/algocline/journal"
)

// txn is one transaction of the writer: a group of requests that share a commit.
type txn struct {
	s    *Store
	c    *conn
	now  time.Time
	last int64 // id of the last row of the log, own rows included
	// wrote tells whether there is anything to commit.
	wrote    bool
	bytes    int64              // written, roughly
	sessions map[string]session // rows as this group leaves them
	contents []journal.ContentHash
	// fault is the first failure that is not a request's own: the whole group falls with it.
	fault error
}

// broken records a failure of the database and passes it on.
func (t *txn) broken(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = wrapSQL(t.c.path, doing, err)
	if t.fault == nil {
		t.fault = err
	}
	return err
}

// session returns a session's row: this group's, the cached one, or the stored one when fresh
// is asked for or nothing is cached.
func (t *txn) session(sid string, fresh bool) (session, error) {
	if s, ok := t.sessions[sid]; ok {
		return s, nil
	}
	if s, ok := t.s.cache.get(sid); ok && !fresh {
		return s, nil
	}
	row, ok, err := t.c.one(qSessionBySID, sid)
	if err != nil {
		return session{}, t.broken("reading session "+sid, err)
	}
	if !ok {
		return session{}, notFound("session", sid)
	}
	s, err := scanSession(row)
	if err != nil {
		return session{}, &journal.CorruptError{File: t.c.path, SID: sid, Why: err.Error()}
	}
	if err := t.checkHead(s); err != nil {
		return session{}, err
	}
	t.s.cache.put(s)
	return s, nil
}

// checkHead refuses to go on from a row that does not match the last event: nothing may be
// written over what is damaged.
func (t *txn) checkHead(s session) error {
	row, ok, err := t.c.one(qEventHead, s.event)
	if err != nil {
		return t.broken("reading the last event of session "+s.head.SID+" from", err)
	}
	bad := func(why string) error {
		return &journal.CorruptError{File: t.c.path, SID: s.head.SID, Seq: s.head.Seq, Why: why}
	}
	if !ok {
		return bad("the event is missing")
	}
	d := decoder{row: row}
	id, seq, sum := d.int(), d.int(), d.sum()
	if d.err != nil {
		return bad(d.err.Error())
	}
	if id != s.id || seq != s.head.Seq || sum != s.head.Sum {
		return bad("it is not the event that the session's head names")
	}
	return nil
}

// put makes a row the session's as far as this group goes.
func (t *txn) put(s session) { t.sessions[s.head.SID] = s }

// logEvent appends a row to the log and returns its id.
func (t *txn) logEvent(session, prev int64, e *journal.Event) (int64, error) {
	id := t.last + 1
	body := e.Body
	if body == nil {
		body = []byte{}
	}
	_, _, err := t.c.exec(qInsertEvent, id, session, prev, e.Seq, string(e.Kind), e.At.UnixMicro(), e.Path, e.Sum[:], body)
	if err != nil {
		return 0, t.broken("appending to the log of", err)
	}
	t.last = id
	t.wrote = true
	t.bytes += int64(len(body)) + 128
	return id, nil
}

// note appends a row about the journal itself, so that every commit has a number of its own.
func (t *txn) note(kind string, session int64, body []byte) error {
	e := journal.Event{Kind: journal.Kind(kind), At: t.now, Body: body}
	_, err := t.logEvent(session, 0, &e)
	return err
}

// savepoint runs fn and undoes its writes when it fails.
func (t *txn) savepoint(fn func() error) error {
	if _, _, err := t.c.exec(qSavepoint); err != nil {
		return t.broken("setting a savepoint in", err)
	}
	last, wrote, contents := t.last, t.wrote, len(t.contents)
	err := fn()
	if t.fault != nil {
		return t.fault
	}
	if err != nil {
		if _, _, rerr := t.c.exec(qRollbackTo); rerr != nil {
			return t.broken("undoing a batch in", errors.Join(rerr, err))
		}
		t.last, t.wrote, t.contents = last, wrote, t.contents[:contents]
	}
	if _, _, rerr := t.c.exec(qRelease); rerr != nil {
		return t.broken("releasing a savepoint in", rerr)
	}
	return err
}
