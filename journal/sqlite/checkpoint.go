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
	var c *conn
	for {
		select {
		case <-s.checkpoint:
		case <-s.done:
			if c != nil {
				if err := c.close(); err != nil {
					s.log.Warn("closing the journal's checkpointer", "error", err)
				}
			}
			return
		}
		if c == nil {
			var err error
			if c, err = s.openWriter(); err != nil {
				s.log.Warn("opening the journal's checkpointer", "error", err)
				continue
			}
		}
		if s.fold.Load() {
			continue // the writer is about to do it
		}
		if err := s.foldBack(c); err != nil {
			s.doubt.Store(true)
			s.log.Warn("folding the journal's log back", "error", err)
			c = s.discard(c)
		} else if s.logSize.Load() >= s.opts.WALLimit/2 {
			s.fold.Store(true)
		}
	}
}

func (s *Store) discard(c *conn) *conn {
	if err := c.close(); err != nil {
		s.log.Warn("closing the journal's checkpointer", "error", err)
	}
	return nil
}

func (s *Store) foldBack(c *conn) error {
	s.folding.Lock()
	defer s.folding.Unlock()
	row, _, err := c.one(qCheckpoint)
	if err != nil {
		return wrapSQL(s.path, "checkpointing", err)
	}
	d := decoder{row: row}
	d.int() // busy: another checkpoint is at work
	s.logSize.Store(pageSize * d.int())
	return d.err
}
