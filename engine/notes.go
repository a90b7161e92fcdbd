package engine

import (
	"encoding/json"
	"fmt"

	"github.com/algocline/algocline/value"
)

// LogEntry is one line of a session's log.
type LogEntry struct {
	TS      int64 // milliseconds since 1970
	Level   string
	Source  string // alc.log or alc.lua.print
	Message string
}

// Progress is what alc.progress said last.
type Progress struct {
	Step, Total int64
	Message     *string
}

// logLines is how many lines a session's log keeps.
const logLines = 20

// logRing keeps the newest lines within a number of bytes.
type logRing struct {
	max     int64
	bytes   int64
	entries []LogEntry
}

func (r *logRing) add(e LogEntry) {
	if int64(len(e.Message)) > r.max {
		e.Message = e.Message[:r.max]
	}
	r.entries = append(r.entries, e)
	r.bytes += int64(len(e.Message))
	for len(r.entries) > logLines || r.bytes > r.max && len(r.entries) > 1 {
		r.bytes -= int64(len(r.entries[0].Message))
		r.entries = r.entries[1:]
	}
}

// takeNotes applies what the script noted since the last event: log lines, progress, statistics.
// They are advisory: a replay makes them again and shows them to nobody.
func (s *Session) takeNotes(t *strand, notes value.List) error {
	if len(notes) == 0 {
		return nil
	}
	vs, err := value.Decode(notes)
	if err != nil {
		return fmt.Errorf("reading the notes of session %s: %w", s.start.SID, err)
	}
	for _, v := range vs {
		n, ok := v.(*value.Table)
		if !ok {
			return fmt.Errorf("reading the notes of session %s: a note is a %T", s.start.SID, v)
		}
		s.takeNote(t, n.Seq)
	}
	return nil
}

func (s *Session) takeNote(t *strand, n arguments) {
	if t != s.root && n.text(0) != "log" {
		return // a child's progress and statistics are its own and end with it
	}
	switch n.text(0) {
	case "log":
		s.log.add(LogEntry{TS: s.now().UnixMilli(), Level: n.text(1), Source: n.text(2), Message: shownText(n.text(3))})
	case "progress":
		p := &Progress{Step: n.int(1), Total: n.int(2)}
		if m, ok := n.at(3).(string); ok {
			p.Message = &m
		}
		s.progress = p
	case "stat":
		if s.custom == nil {
			s.custom = map[string]json.RawMessage{}
		}
		s.custom[n.text(1)] = json.RawMessage(n.text(2))
	}
}
