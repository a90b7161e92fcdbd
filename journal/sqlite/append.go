package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/algocline/algocline/journal"
)

// maxSID is the longest session id in bytes.
const maxSID = 512

// maxBody is the largest event body or content that is stored, in bytes. SQLite's own limit is
// 1 GB for a whole row.
const maxBody = 512 << 20

// Append implements [journal.Store].
func (s *Store) Append(ctx context.Context, b journal.Batch) (journal.Head, error) {
	if err := checkBatch(&b); err != nil {
		return journal.Head{}, err
	}
	a := &appending{Batch: b, hashes: make([]journal.ContentHash, len(b.Contents))}
	for i, p := range b.Contents {
		a.hashes[i] = journal.HashContent(p)
	}
	a.Events = slices.Clone(b.Events)
	// Sealing large bodies here keeps that work off the writer; it seals again if this guess
	// about the history's end was wrong.
	if b.After == 0 {
		a.seal(journal.Sum{})
	} else if row, ok := s.cache.get(b.SID); ok && row.head.Seq == b.After {
		a.seal(row.head.Sum)
	}
	return s.submit(ctx, b.Sync, a.size(), a.run)
}

func checkBatch(b *journal.Batch) error {
	if b.SID == "" {
		return errors.New("append: the session has no id")
	}
	if len(b.SID) > maxSID {
		return fmt.Errorf("append: a session id of %d bytes is longer than %d", len(b.SID), maxSID)
	}
	if b.Epoch < 1 || b.After < 0 {
		return fmt.Errorf("append to session %s: epoch %d and seq %d are not valid", b.SID, b.Epoch, b.After)
	}
	if b.After == 0 && len(b.Events) == 0 {
		return fmt.Errorf("append to session %s: a new session needs an event", b.SID)
	}
	for i := range b.Events {
		if len(b.Events[i].Body) > maxBody {
			return fmt.Errorf("append to session %s: event %d has %d bytes, more than %d", b.SID, b.After+int64(i)+1, len(b.Events[i].Body), maxBody)
		}
	}
	for _, p := range b.Contents {
		if len(p) > maxBody {
			return fmt.Errorf("append to session %s: a content has %d bytes, more than %d", b.SID, len(p), maxBody)
		}
	}
	return nil
}

// appending is a batch on its way.
type appending struct {
	journal.Batch
	hashes []journal.ContentHash
	sealed bool
	prev   journal.Sum // that Events were sealed after
}

// size is how many bytes the batch writes, effects aside.
func (a *appending) size() (n int) {
	for i := range a.Events {
		n += len(a.Events[i].Body)
	}
	for _, p := range a.Contents {
		n += len(p)
	}
	return n
}

// seal numbers and seals the events after prev.
func (a *appending) seal(prev journal.Sum) {
	if a.sealed && a.prev == prev {
		return
	}
	a.sealed, a.prev = true, prev
	sealAll(prev, a.After, a.Events)
}

func sealAll(prev journal.Sum, after int64, events []journal.Event) journal.Sum {
	for i := range events {
		e := &events[i]
		e.Seq = after + int64(i) + 1
		e.Sum = journal.Seal(prev, e)
		prev = e.Sum
	}
	return prev
}

// run writes the batch. What can refuse it is looked at before anything is written, so that
// only a batch with effects, whose Apply may fail half-way, needs a savepoint.
func (a *appending) run(t *txn) (journal.Head, error) {
	var row session
	var err error
	switch {
	case a.After == 0 && a.Apply == nil:
		row, err = a.create(t, nil)
	case a.After == 0:
		err = t.savepoint(func() error {
			row, err = a.createApplied(t)
			return err
		})
	case a.Apply == nil:
		row, err = a.extend(t, nil)
	default:
		err = t.savepoint(func() error {
			row, err = a.extendApplied(t)
			return err
		})
	}
	if err != nil {
		return journal.Head{}, err
	}
	t.put(row)
	return row.head, nil
}

// apply makes the effects and returns the events that record them.
func (a *appending) apply(t *txn) ([]journal.Event, error) {
	events, err := a.callApply(t)
	if t.fault != nil {
		return nil, t.fault // whatever Apply made of it
	}
	return slices.Clone(events), err
}

// callApply makes a panic of Apply an error of its append: the writer serves others as well.
func (a *appending) callApply(t *txn) (events []journal.Event, err error) {
	defer func() {
		if r := recover(); r != nil {
			events, err = nil, fmt.Errorf("append to session %s: making its effects panicked: %v\n%s", a.SID, r, debug.Stack())
		}
	}()
	return a.Apply(&stateTx{c: t.c, t: t})
}

func (a *appending) createApplied(t *txn) (session, error) {
	if _, err := t.session(a.SID, true); err == nil {
		return session{}, exists(a.SID)
	} else if !errors.Is(err, journal.ErrNotFound) {
		return session{}, err
	}
	more, err := a.apply(t)
	if err != nil {
		return session{}, err
	}
	return a.create(t, more)
}

// create writes the session's row and its first events.
func (a *appending) create(t *txn, more []journal.Event) (session, error) {
	if _, ok := t.sessions[a.SID]; ok {
		return session{}, exists(a.SID)
	}
	row := session{head: journal.Head{SID: a.SID, CreatedAt: t.now}}
	a.advance(t, &row, more)
	h := &row.head
	n, id, err := t.c.exec(qInsertSession, h.SID, h.Seq, row.event, h.Sum[:], h.Epoch, int64(h.Owner), string(h.Summary.State),
		h.Summary.Strategy, int64(h.Summary.Open), h.Summary.LLMCalls, h.CreatedAt.UnixMicro(), h.UpdatedAt.UnixMicro())
	if err != nil {
		return session{}, t.broken("writing session "+a.SID, err)
	}
	if n == 0 {
		return session{}, exists(a.SID)
	}
	t.wrote = true
	row.id = id
	return row, a.store(t, id, 0, more)
}

func (a *appending) extendApplied(t *txn) (session, error) {
	row, err := a.current(t)
	if err != nil {
		return session{}, err
	}
	if _, ok, err := t.c.one(qSessionIs, row.id, row.event, a.Epoch, int64(a.Owner)); err != nil {
		return session{}, t.broken("reading session "+a.SID, err)
	} else if !ok {
		t.s.cache.drop(a.SID)
		if row, err = a.current(t); err != nil {
			return session{}, err
		}
	}
	more, err := a.apply(t)
	if err != nil {
		return session{}, err
	}
	return a.extend(t, more)
}

// extend moves the session's row on, if it still is what this batch follows, and writes the
// events. A cached row that turns out old is read again once.
func (a *appending) extend(t *txn, more []journal.Event) (session, error) {
	row, err := a.current(t)
	if err != nil {
		return session{}, err
	}
	ok, prev, err := a.move(t, &row, more)
	if err == nil && !ok {
		t.s.cache.drop(a.SID)
		if row, err = a.current(t); err != nil {
			return session{}, err
		}
		if ok, prev, err = a.move(t, &row, more); err == nil && !ok {
			err = &journal.CorruptError{File: t.c.path, SID: a.SID, Why: "its row does not match itself"}
		}
	}
	if err != nil {
		return session{}, err
	}
	return row, a.store(t, row.id, prev, more)
}

// current returns the session's row if the batch may follow it. A refusal is never taken from
// the cache.
func (a *appending) current(t *txn) (session, error) {
	row, err := t.session(a.SID, false)
	if err == nil && a.refused(&row.head) != nil {
		row, err = t.session(a.SID, true)
	}
	if err != nil {
		return session{}, err
	}
	return row, a.refused(&row.head)
}

func (a *appending) refused(h *journal.Head) error {
	if h.Epoch != a.Epoch || h.Owner != a.Owner {
		return &journal.StaleEpochError{SID: a.SID, Held: a.Epoch, Have: h.Epoch}
	}
	if h.Seq != a.After {
		return &journal.ConflictError{SID: a.SID, Want: a.After, Have: h.Seq}
	}
	return nil
}

// move updates the stored row from what it was to what it will be; ok is false when it was not
// that any more. prev is the event that the new ones follow.
func (a *appending) move(t *txn, row *session, more []journal.Event) (ok bool, prev int64, err error) {
	was := *row
	a.advance(t, row, more)
	h := &row.head
	n, _, err := t.c.exec(qUpdateSession, h.Seq, row.event, h.Sum[:], string(h.Summary.State), h.Summary.Strategy,
		int64(h.Summary.Open), h.Summary.LLMCalls, h.UpdatedAt.UnixMicro(), was.id, was.event, was.head.Epoch, int64(was.head.Owner))
	if err != nil {
		return false, 0, t.broken("writing session "+a.SID, err)
	}
	if n == 0 {
		*row = was
		return false, 0, nil
	}
	t.wrote = true
	return true, was.event, nil
}

// advance makes row what it will be after the batch: sealed, numbered, summarised.
func (a *appending) advance(t *txn, row *session, more []journal.Event) {
	a.seal(row.head.Sum)
	sum := row.head.Sum
	if n := len(a.Events); n > 0 {
		sum = a.Events[n-1].Sum
	}
	sum = sealAll(sum, a.After+int64(len(a.Events)), more)
	n := int64(len(a.Events) + len(more))
	if n > 0 {
		row.event = t.last + n
	}
	row.head.Seq = a.After + n
	row.head.Sum = sum
	row.head.Epoch = a.Epoch
	row.head.Owner = a.Owner
	row.head.Summary = a.Summary
	row.head.UpdatedAt = t.now
}

// store writes the events, which advance has numbered, and the contents.
func (a *appending) store(t *txn, id, prev int64, more []journal.Event) (err error) {
	for _, events := range [2][]journal.Event{a.Events, more} {
		for i := range events {
			if prev, err = t.logEvent(id, prev, &events[i]); err != nil {
				return err
			}
		}
	}
	if len(a.Events)+len(more) == 0 {
		if err := t.note("summary", id, nil); err != nil {
			return err
		}
	}
	for i, h := range a.hashes {
		if err := t.storeContent(h, a.Contents[i]); err != nil {
			return err
		}
	}
	return nil
}

// storeContent keeps a content under its hash; most are there already.
func (t *txn) storeContent(h journal.ContentHash, p []byte) error {
	if t.s.known.has(h) {
		return nil
	}
	_, ok, err := t.c.one(qHasContent, h[:])
	if err == nil && !ok {
		if p == nil {
			p = []byte{}
		}
		t.wrote = true
		t.bytes += int64(len(p))
		_, _, err = t.c.exec(qInsertContent, h[:], p)
	}
	if err != nil {
		return t.broken("storing a content in", err)
	}
	t.contents = append(t.contents, h)
	return nil
}
