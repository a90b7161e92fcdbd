package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/mark"
)

// KeepMark makes the mark file at path and keeps it up to date from now on: before an append
// returns, the mark says so. Whoever calls it closes the file, after the store. A store keeps one
// mark; a second call replaces the first.
func (s *Store) KeepMark(path string) (*mark.File, error) {
	if s.opts.ReadOnly {
		return nil, journal.ErrReadOnly
	}
	m, err := mark.Create(path, s.instance)
	if err != nil {
		return nil, err
	}
	s.mark.Store(m)
	m.SetHighWater(s.committed.Load(), s.onDisk())
	return m, nil
}

// checkMarks compares what the marks of this journal say with where its log ends.
func (s *Store) checkMarks() error {
	if len(s.opts.Marks) == 0 {
		return nil
	}
	marks, err := s.readMarks()
	if err != nil || len(marks) == 0 {
		return err
	}
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return s.noDatabase(marks)
	} else if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	c, err := s.openReader()
	if err != nil {
		return err
	}
	return errors.Join(s.compareMarks(c, marks), wrapSQL(s.path, "closing", c.close()))
}

// readMarks reads what can be read; a file that is no mark is reported and passed over.
func (s *Store) readMarks() ([]mark.Mark, error) {
	var marks []mark.Mark
	for _, path := range s.opts.Marks {
		m, err := mark.Read(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, mark.ErrNotMark):
			s.log.Warn("passing over a file that says nothing about the journal", "error", err)
		case err != nil:
			return nil, err
		default:
			marks = append(marks, m)
		}
	}
	return marks, nil
}

func (s *Store) compareMarks(c *conn, marks []mark.Mark) error {
	if v, err := userVersion(c); err != nil || v == 0 {
		if err == nil {
			return s.noDatabase(marks)
		}
		return wrapSQL(s.path, "reading", err)
	}
	id, err := instance(c)
	if err != nil {
		return wrapSQL(s.path, "reading", err)
	}
	last, err := lastEvent(c)
	if err != nil {
		return wrapSQL(s.path, "reading the log's end in", err)
	}
	for _, m := range marks {
		if m.Instance != id {
			continue // of a journal that was here before
		}
		if err := s.compareMark(m, last); err != nil {
			return err
		}
	}
	return nil
}

// compareMark: within a boot everything acknowledged must be there, after a power cut only what
// was synced.
func (s *Store) compareMark(m mark.Mark, last int64) error {
	want := m.Synced
	same, err := m.SameBoot()
	if err != nil {
		return err
	}
	if same {
		want = max(want, m.Committed)
	}
	if want > last {
		return &journal.ShortfallError{File: s.path, Mark: m.Path, Want: want, Have: last}
	}
	return nil
}

// noDatabase: marks of acknowledged entries, and no journal beside them.
func (s *Store) noDatabase(marks []mark.Mark) error {
	for _, m := range marks {
		if err := s.compareMark(m, 0); err != nil {
			return err
		}
	}
	return nil
}
