package card

import (
	"fmt"
	"strings"
)

// The most cards that a prompt is given, and how many it is given when nothing else is said.
const (
	MaxPast     = 100
	DefaultPast = 5
)

// Past renders cards as a block of text for a prompt: the card with an id, or the newest of a
// package when id is "". It is "" when there are none.
func (s *Store) Past(id, pkg string, limit int) (string, error) {
	rows, err := s.past(id, pkg, limit)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	var b strings.Builder
	b.WriteString("<past_cards>\n")
	for _, r := range rows {
		b.WriteString(pastLine(r))
	}
	b.WriteString("</past_cards>")
	return b.String(), nil
}

func (s *Store) past(id, pkg string, limit int) ([]row, error) {
	if id == "" {
		limit = min(limit, MaxPast)
		return s.search(Query{Pkg: pkg, Limit: &limit})
	}
	p, err := s.find(id)
	if err != nil || p == "" {
		return nil, err
	}
	c, err := s.read(p, id)
	if err != nil || c == nil {
		return nil, err
	}
	return []row{{p, id, c}}, nil
}

func pastLine(r row) string {
	sum := r.summary()
	parts := []string{"Card"}
	if d := sum.CreatedAt; len(d) >= len("2006-01-02") && d[4] == '-' && d[7] == '-' {
		parts = append(parts, d[5:7]+"/"+d[8:10])
	}
	parts = append(parts, "pkg="+sum.Pkg, "card_id="+sum.CardID)
	if status := text(r.card, "run", "status"); status != "" {
		parts = append(parts, "run.status="+status)
	}
	if rate, ok := float(sum.PassRate); ok {
		parts = append(parts, fmt.Sprintf("Rating %.1f", rate))
	}
	if reason := text(r.card, "run", "reason"); reason != "" {
		parts = append(parts, "reason="+reason)
	}
	line := strings.Join(parts, " ")
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(line) + "\n"
}
