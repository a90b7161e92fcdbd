package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/algocline/algocline/journal"
)

// Checked is what [Store.Check] has looked at.
type Checked struct {
	Sessions, Events int64
	// Damaged are the sessions and files that are not what was written.
	Damaged []*journal.CorruptError
}

// sidsPerRead bounds one read transaction of [Store.Check].
const sidsPerRead = 500

// Check reads the whole journal and verifies every checksum in it. It changes nothing, works
// beside writers, and goes on after a damage; its error is only for what kept it from looking.
// Reading takes about as long as copying the database.
func (s *Store) Check(ctx context.Context) (Checked, error) {
	var out Checked
	if err := out.note(s.quickCheck(ctx)); err != nil {
		return out, err
	}
	for from := ""; ; {
		sids, err := s.sidsAfter(ctx, from)
		if err = out.note(err); err != nil || len(sids) == 0 {
			return out, err
		}
		for _, sid := range sids {
			head, _, err := s.Events(ctx, sid, 0)
			if errors.Is(err, journal.ErrNotFound) {
				continue // removed meanwhile
			}
			if err := out.note(err); err != nil {
				return out, err
			}
			out.Sessions++
			out.Events += head.Seq
		}
		from = sids[len(sids)-1]
	}
}

// note keeps a damage and passes any other error on.
func (c *Checked) note(err error) error {
	var corrupt *journal.CorruptError
	if errors.As(err, &corrupt) {
		c.Damaged = append(c.Damaged, corrupt)
		return nil
	}
	return err
}

// quickCheck lets SQLite look at the structure of its file.
func (s *Store) quickCheck(ctx context.Context) error {
	return s.read(ctx, func(c *conn) error {
		row, err := c.pragma("PRAGMA quick_check(1)")
		if err != nil {
			return wrapSQL(s.path, "checking", err)
		}
		if len(row) == 1 && row[0] != "ok" {
			why, _ := row[0].(string)
			return &journal.CorruptError{File: s.path, Why: why}
		}
		return nil
	})
}

func (s *Store) sidsAfter(ctx context.Context, sid string) (sids []string, err error) {
	err = s.read(ctx, func(c *conn) error {
		return wrapSQL(s.path, "listing the sessions of", c.each(qSIDsAfter, func(r []driver.Value) bool {
			if sid, ok := r[0].(string); ok {
				sids = append(sids, sid)
			}
			return true
		}, sid, int64(sidsPerRead)))
	})
	return sids, err
}
