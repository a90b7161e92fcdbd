package sqlite

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"
)

// nearestCandidates is how many sids on either side of the unknown one are compared with it.
const nearestCandidates = 1000

// Nearest implements [journal.Store]. Among millions of sids it compares those that share the
// start of the unknown one, and the ones beside it in order.
func (s *Store) Nearest(ctx context.Context, sid string, n int) ([]string, error) {
	if n <= 0 {
		return nil, nil
	}
	sid = sid[:min(len(sid), maxSID)]
	seen := map[string]int{}
	err := s.read(ctx, func(c *conn) error {
		take := func(r []driver.Value) bool {
			if other, ok := r[0].(string); ok {
				seen[other] = distance(sid, other)
			}
			return true
		}
		for _, from := range []string{sid, sid[:len(sid)/2], ""} {
			if err := c.each(qSIDsFrom, take, from, int64(nearestCandidates)); err != nil {
				return wrapSQL(s.path, "looking for sessions in", err)
			}
		}
		return wrapSQL(s.path, "looking for sessions in", c.each(qSIDsBefore, take, sid, int64(nearestCandidates)))
	})
	if err != nil {
		return nil, err
	}
	sids := make([]string, 0, len(seen))
	for other := range seen {
		sids = append(sids, other)
	}
	slices.SortFunc(sids, func(a, b string) int {
		if d := seen[a] - seen[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return sids[:min(n, len(sids))], nil
}

// distance is the Levenshtein distance of two texts in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
