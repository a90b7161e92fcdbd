package sqlite

import (
	"context"
	"errors"
	"time"
)

// readers hands out reading connections. Each is opened when first needed and kept.
type readers struct {
	free chan *conn // nil entries stand for connections not opened yet
	open func() (*conn, error)
}

// maxReaders is how many readers one store has: more than cores help little, and each costs a
// page cache.
const maxReaders = 4

func newReaders(open func() (*conn, error)) *readers {
	r := &readers{free: make(chan *conn, maxReaders), open: open}
	for range maxReaders {
		r.free <- nil
	}
	return r
}

// close waits for every reader to be handed back and closes them.
func (r *readers) close() error {
	var errs []error
	for range maxReaders {
		if c := <-r.free; c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}

// takeAll waits until no reader is at work, for the patience, and returns those that are open.
// There are none until giveBack.
func (r *readers) takeAll(patience time.Duration) ([]*conn, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	var taken []*conn
	for range maxReaders {
		select {
		case c := <-r.free:
			taken = append(taken, c)
		case <-late.C:
			for _, c := range taken {
				r.free <- c
			}
			return nil, errors.New("a reader is at work; try again")
		}
	}
	return taken, nil
}

// giveBack ends what takeAll began; the readers it has returned are closed.
func (r *readers) giveBack() {
	for range maxReaders {
		r.free <- nil
	}
}

// closeIdle closes the readers that are not at work.
func (r *readers) closeIdle() error {
	var errs []error
	for range maxReaders {
		select {
		case c := <-r.free:
			errs = append(errs, closeConn(&c))
			r.free <- nil
		default:
		}
	}
	return errors.Join(errs...)
}

// read runs fn on a reading connection, within a transaction of its own. fn must be short: as
// long as it runs the log cannot be folded back.
func (s *Store) read(ctx context.Context, fn func(*conn) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	var c *conn
	select {
	case c = <-s.readers.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		s.readers.free <- c
		return err
	}
	// A connection that fn leaves by a panic comes back as one to be opened anew.
	var back *conn
	defer func() { s.readers.free <- back }()
	back, err := s.readOn(c, fn)
	if s.hold.doubts() > 0 {
		// Whoever makes it good needs the database closed.
		err = errors.Join(err, closeConn(&back))
	}
	return err
}

// readOn returns the connection to hand back: nil when it had to be closed.
func (s *Store) readOn(c *conn, fn func(*conn) error) (back *conn, err error) {
	if c == nil {
		if c, err = s.readers.open(); err != nil {
			return nil, err
		}
	}
	finished := false
	defer func() {
		if !finished || c.inTransaction() {
			back, err = nil, errors.Join(err, c.close())
		}
	}()
	if _, _, err = c.exec(qBeginRead); err != nil {
		return nil, wrapSQL(s.path, "beginning a read of", err)
	}
	err = fn(c)
	if _, _, end := c.exec(qCommit); end != nil && err == nil {
		err = wrapSQL(s.path, "ending a read of", end)
	}
	finished = true
	return c, err
}
