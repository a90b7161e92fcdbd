package sqlite

// wantCheckpoint asks the checkpointer to fold the log back.
func (s *Store) wantCheckpoint() {
	select {
	case s.checkpoint <- struct{}{}:
	default:
	}
}

// checkpointer folds the log back into the database beside the commits. While commits go on it
// never reaches the log's end, and only a log that was folded to its end starts over; when the log
// is half of what it may be, the writer is asked to fold the little that is left.
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
		if err := s.foldBack(c); err != nil {
			s.doubt.Store(true)
			s.log.Warn("folding the journal's log back", "error", err)
			c = s.discard(c)
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
	row, _, err := c.one(qCheckpoint)
	if err != nil {
		return wrapSQL(s.path, "checkpointing", err)
	}
	d := decoder{row: row}
	d.int() // busy: another checkpoint is at work
	total, done := d.int(), d.int()
	if total > done && total*4096 >= s.opts.WALLimit/2 {
		s.fold.Store(true)
	}
	return d.err
}
