package card

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// SampleQuery selects samples: what passes Where, then from Offset on, at most Limit.
type SampleQuery struct {
	Where  Filter
	Offset int
	Limit  *int // nil: all
}

// maxLine bounds one line of a file of samples.
const maxLine = 64 << 20

// Samples returns the samples of a card, none when none were written. An unknown card, or a line
// that is no JSON, is a [Refusal].
func (s *Store) Samples(id string, q SampleQuery) ([]any, error) {
	pkg, err := s.find(id)
	if err != nil {
		return nil, err
	}
	if pkg == "" {
		return nil, refuse("card '%s' not found", id)
	}
	f, err := os.Open(s.samplesPath(pkg, id))
	if errors.Is(err, fs.ErrNotExist) {
		return []any{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading samples: %w", err)
	}
	defer f.Close()
	rows := []any{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for n, skip := 1, q.Offset; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		v, err := Parse(line)
		if err != nil {
			return nil, refuse("Failed to parse sample line %d of card '%s': %v", n, id, err)
		}
		if !q.Where.Match(v) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if q.Limit != nil && len(rows) >= *q.Limit {
			break
		}
		rows = append(rows, v)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the samples of card %s: %w", id, err)
	}
	return rows, nil
}

// encodeSamples writes samples, a value a line.
func encodeSamples(rows []any) []byte {
	var b []byte
	for _, r := range rows {
		b = append(appendJSON(b, r, false), '\n')
	}
	return b
}
