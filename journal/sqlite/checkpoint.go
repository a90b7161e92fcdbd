package sqlite

// wantCheckpoint asks the checkpointer to fold the log back.
func (s *Store) wantCheckpoint() {
	select {
	case s.checkpoint <- struct{}{}:
	default:
	}
}

// checkpointer folds the log back into the database beside the commits. Only a log that is folded
// to its end while nobody appends starts over, so when it is half of what it may be, the writer
// is asked to fold the little that has come since. A writer that is faster than this goroutine
// folds by itself when it has written as much as the log may hold.
func (s *Store) checkpointer() {
	defer s.work.Done()
	for {
		select {
		case <-s.checkpoint:
			s.foldBeside()
		case <-s.done:
			return
		}
	}
}

func (s *Store) foldBeside() {
	s.folding.Lock()
	defer s.folding.Unlock()
	if s.fold.Load() || s.guard == nil || s.hold.doubts() > 0 {
		return // the writer is about to do it
	}
	if s.folder == nil {
		c, err := s.openWriter()
		if err != nil {
			s.log.Warn("opening the journal's checkpointer", "error", err)
			return
		}
		s.folder = c
	}
	if err := s.foldOn(s.folder); err != nil {
		s.doubtful("folding the journal's log back", err)
	} else if s.logSize.Load() >= s.opts.WALLimit/2 {
		s.fold.Store(true)
	}
}

// foldBack folds on the writer's connection.
func (s *Store) foldBack(c *conn) error {
	s.folding.Lock()
	defer s.folding.Unlock()
	return s.foldOn(c)
}

func (s *Store) foldOn(c *conn) error {
	_, total, _, err := c.fold(qFold) // busy: another checkpoint is at work
	if err == nil {
		s.logSize.Store(pageSize * total)
	}
	return err
}

// fold runs a checkpoint. It returns whether it was kept from doing all of it, how many pages the
// log has, and how many of them SQLite takes for copied.
func (c *conn) fold(q query) (busy bool, total, copied int64, err error) {
	row, _, err := c.one(q)
	if err != nil {
		return false, 0, 0, wrapSQL(c.path, "folding the log back into", err)
	}
	d := decoder{row: row}
	busy, total, copied = d.int() != 0, d.int(), d.int()
	return busy, total, copied, d.err
}
