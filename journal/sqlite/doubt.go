package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/algocline/algocline/journal"
)

// After a failed write or sync nobody knows what the disk holds. An operating system takes the
// pages for written and may drop them, and a later sync that succeeds says nothing of them. So
//
//   - the log may have holes, and whatever is written behind a hole is lost with it;
//   - pages of the database may be missing that SQLite takes for copied from the log: it counts
//     those that it has copied up to an older reader's mark, and syncs them only with the rest.
//
// What SQLite remembers of the log is therefore given up: everybody closes the database, nobody
// folds the log on the way, and the one that opens it next reads the log from its start, verifies
// it and copies all of it. Until then nothing is acknowledged.

// errProgram: something that is not a store has the database open.
var errProgram = errors.New("another program has the journal open; close it and try again")

// doubtful records that a write or a sync has failed.
func (s *Store) doubtful(doing string, err error) {
	s.hold.doubt()
	s.log.Warn(doing, "error", err)
}

// settle makes good what has failed. Its caller holds the ticket.
func (w *writer) settle() error {
	s := w.s
	seen := s.hold.doubts()
	again, err := s.letGo(w)
	if err == nil {
		defer again()
		err = w.startOver()
	}
	if err != nil {
		return fmt.Errorf("recovering from a failed write to %s: %w", s.path, err)
	}
	s.hold.settled(seen)
	return nil
}

// letGo closes every connection of the store and keeps its readers and its checkpointer away
// until again is called.
func (s *Store) letGo(w *writer) (again func(), err error) {
	s.folding.Lock()
	readers, err := s.readers.takeAll(s.opts.Patience)
	if err != nil {
		s.folding.Unlock()
		return nil, err
	}
	if err := s.closeUnfolded(w, readers); err != nil {
		s.log.Warn("closing the journal after a failed write", "error", err)
	}
	return func() {
		s.readers.giveBack()
		s.folding.Unlock()
	}, nil
}

// closeUnfolded closes the store's connections in an order in which none folds the log back: the
// last one can only read.
func (s *Store) closeUnfolded(w *writer, readers []*conn) error {
	return errors.Join(closeConn(&s.folder), closeConn(&w.c), closeConns(readers), closeConn(&s.guard))
}

// closeConn closes a connection, if there is one.
func closeConn(c **conn) (err error) {
	if *c != nil {
		err = (*c).close()
		*c = nil
	}
	return err
}

func closeConns(cs []*conn) error {
	var errs []error
	for i := range cs {
		errs = append(errs, closeConn(&cs[i]))
	}
	return errors.Join(errs...)
}

// startOver opens the database when nobody else has it open and folds the whole log back. If that
// fails, the log stays as it is.
func (w *writer) startOver() (err error) {
	s := w.s
	if err := s.hold.exclude(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.hold.share()) }()
	c, err := s.openWriter()
	if err != nil {
		return err
	}
	w.use(c)
	if s.guard, err = s.openGuard(); err == nil {
		err = w.foldWhole(c)
	}
	if err == nil {
		err = w.begun()
	}
	if err != nil {
		err = errors.Join(err, closeConn(&w.c))
		if !errors.Is(err, errProgram) { // which would fold the log back if it were the last to close it
			err = errors.Join(err, closeConn(&s.guard))
		}
		return err
	}
	w.dirty, w.unfolded = 0, 0
	s.fold.Store(false)
	return nil
}

// begun makes the new log the one that is found from now on: only something written to it takes
// the old one, which a power cut could bring back, off the disk.
func (w *writer) begun() error {
	if v, err := userVersion(w.c); err != nil || v == 0 {
		return wrapSQL(w.c.path, "reading", err)
	}
	full := w.s.opts.Durability == Full
	if err := w.setSync(full); err != nil {
		return err
	}
	last, err := w.record("settled")
	if err != nil {
		return err
	}
	w.last = last
	w.s.advance(last, full)
	w.dataVersion = 0 // a group that is about to be acknowledged knows an earlier end
	return nil
}

// record commits a row about the journal itself and returns its id.
func (w *writer) record(kind string) (int64, error) {
	t, err := w.write(nil)
	if err == nil {
		err = t.note(kind, 0, nil)
	}
	if err == nil {
		_, _, err = w.c.exec(qCommit)
	}
	if err != nil {
		return 0, wrapSQL(w.c.path, "writing to", err)
	}
	return t.last, nil
}

// foldWhole copies the log from its first entry, and cuts it off: what an append has left there
// that was told to be uncertain is decided now.
func (w *writer) foldWhole(c *conn) error {
	v, err := userVersion(c)
	if err != nil {
		return wrapSQL(c.path, "reading", err)
	}
	if v > 0 {
		if _, err := w.end(c); err != nil {
			return err
		}
	}
	if _, _, copied, err := c.fold(qFoldedSoFar); err != nil {
		return err
	} else if copied > 0 {
		return errProgram
	}
	busy, total, copied, err := c.fold(qFoldAll)
	if err == nil && (busy || total != copied) {
		err = errProgram
	}
	return err
}

// bury makes what a failed commit has left in the log unreadable, by writing over it: whoever
// reads the log after this process's death must find what is read now.
func (w *writer) bury() {
	err := w.setSync(false)
	if w.c.inTransaction() {
		_, _, rerr := w.c.exec(qRollback)
		err = errors.Join(err, rerr)
	}
	if err == nil {
		_, err = w.record("failed")
	}
	if err != nil {
		w.s.log.Warn("writing over what a failed commit of the journal has left", "error", err)
	}
}

// watch lets go of a database in doubt that this store has open without using it: whoever is to
// make it good needs it closed.
func (s *Store) watch(release func() error) {
	defer s.work.Done()
	look := time.NewTicker(max(s.opts.Patience/4, time.Millisecond))
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if s.hold.doubts() == 0 {
				continue
			}
			if err := release(); err != nil && !errors.Is(err, journal.ErrClosed) {
				s.log.Debug("the journal stays in doubt", "error", err)
			}
		case <-s.done:
			return
		}
	}
}

// nudge lets the writer settle a doubt that no append brings up.
func (s *Store) nudge() error {
	_, err := s.submit(context.Background(), false, 0, func(*txn) (journal.Head, error) { return journal.Head{}, nil })
	return err
}
