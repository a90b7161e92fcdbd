package sqlite

import (
	"errors"
	"fmt"
)

// writerPragmas and readerPragmas hold for every connection of their kind. Commits are not
// synced unless the writer says so; folding back always is.
const (
	writerPragmas = `PRAGMA synchronous=NORMAL; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON;
		PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY`
	readerPragmas = `PRAGMA query_only=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY`
)

func (s *Store) openWriter() (*conn, error) {
	return s.openWith("rwc", writerPragmas, s.opts.CacheSize)
}

func (s *Store) openReader() (*conn, error) {
	return s.openWith("ro", readerPragmas, s.opts.CacheSize/8)
}

func (s *Store) openWith(mode, pragmas string, cache int64) (*conn, error) {
	if err := s.hold.join(); err != nil {
		return nil, err
	}
	c, err := openConn(s.path, mode, s.opts.VFS, s.opts.Patience)
	if err != nil {
		return nil, errors.Join(err, s.hold.leave())
	}
	c.hold = s.hold
	if err := c.script(fmt.Sprintf("%s; PRAGMA cache_size=-%d", pragmas, cache>>10)); err != nil {
		return nil, errors.Join(wrapSQL(s.path, "setting up a connection to", err), c.close())
	}
	return c, nil
}

// openGuard opens the connection that keeps others of this store from folding the log back when
// they are closed: SQLite lets the last one do that, and this one cannot.
func (s *Store) openGuard() (*conn, error) {
	c, err := s.openReader()
	if err != nil {
		return nil, err
	}
	if _, err := userVersion(c); err != nil { // only a read opens the log
		return nil, errors.Join(wrapSQL(s.path, "reading", err), c.close())
	}
	return c, nil
}

// open opens the writer's connection, and the guard beside it, where there is none.
func (w *writer) open() error {
	if w.c == nil {
		c, err := w.s.openWriter()
		if err != nil {
			return err
		}
		w.use(c)
	}
	w.s.folding.Lock()
	defer w.s.folding.Unlock()
	var err error
	if w.s.guard == nil {
		w.s.guard, err = w.s.openGuard()
	}
	return err
}

func (w *writer) use(c *conn) { w.c, w.full, w.dataVersion = c, false, 0 }

func lastEvent(c *conn) (int64, error) {
	row, _, err := c.one(qLastEvent)
	if err != nil {
		return 0, err
	}
	last, _ := row[0].(int64)
	return last, nil
}

// Close implements [journal.Store]. It may be called more than once.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.users.Wait()
		if s.opts.ReadOnly {
			close(s.done)
		}
		s.queue.close()
		s.work.Wait()
		s.err = errors.Join(wrapSQL(s.path, "closing", s.closeAll()), s.hold.close())
		if s.ticket != nil {
			s.err = errors.Join(s.err, s.ticket.close())
		}
	})
	return s.err
}

// closeAll closes every connection. A log that is whole is folded back, for the sake of whoever
// looks at the file, and the writer's connection goes last, with which SQLite removes it.
func (s *Store) closeAll() error {
	readers, err := s.readers.takeAll(s.opts.Patience)
	if err != nil || s.opts.ReadOnly {
		return errors.Join(err, closeConns(readers))
	}
	if s.w.c != nil && s.hold.doubts() == 0 {
		if err := s.foldBack(s.w.c); err != nil {
			s.doubtful("folding the journal's log back", err)
		}
	}
	if s.w.c == nil || s.hold.doubts() > 0 {
		return s.closeUnfolded(s.w, readers)
	}
	return errors.Join(closeConns(readers), closeConn(&s.guard), closeConn(&s.folder), closeConn(&s.w.c))
}
