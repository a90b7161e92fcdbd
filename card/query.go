package card

import (
	"cmp"
	"slices"
	"strings"
)

// Query selects cards. The zero value selects all, the newest first.
type Query struct {
	Pkg     string // "": of every package
	Where   Filter
	OrderBy []Order
	Offset  int
	Limit   *int // nil: all
}

// Order is a key to sort by.
type Order struct {
	path       []string
	descending bool
}

// ParseOrder reads an order_by: a dotted path, "-" before it for descending, or a list of them.
// What is none is a [Refusal].
func ParseOrder(v any) ([]Order, error) {
	if s, ok := v.(string); ok {
		v = []any{s}
	}
	list, ok := v.([]any)
	if !ok {
		return nil, refuse("order_by must be a string or array of strings")
	}
	var keys []Order
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, refuse("order_by array must contain strings")
		}
		name, descending := strings.CutPrefix(s, "-")
		path := strings.Split(name, ".")
		if slices.Contains(path, "") {
			return nil, refuse("order_by key '%s' has an empty part", s)
		}
		keys = append(keys, Order{path, descending})
	}
	return keys, nil
}

// Summary is what a list shows of a card.
type Summary struct {
	CardID    string // as the card says
	Pkg       string // the directory that it lies in
	CreatedAt string
	Model     string
	Scenario  string
	Flow      string
	PassRate  any // a number, or nil
}

// Value is the summary as a JSON value; what is not known is left out.
func (s Summary) Value() map[string]any {
	v := map[string]any{"card_id": s.CardID, "pkg": s.Pkg}
	for key, text := range map[string]string{"created_at": s.CreatedAt, "model": s.Model, "scenario": s.Scenario, "flow": s.Flow} {
		if text != "" {
			v[key] = text
		}
	}
	if s.PassRate != nil {
		v["pass_rate"] = s.PassRate
	}
	return v
}

func (r row) summary() Summary {
	s := Summary{
		CardID: text(r.card, "card_id"), Pkg: r.pkg, CreatedAt: text(r.card, "created_at"),
		Model: text(r.card, "model", "id"), Scenario: text(r.card, "scenario", "name"), Flow: text(r.card, "run", "flow"),
	}
	if s.CardID == "" {
		s.CardID = r.id
	}
	if rate, ok := at(r.card, "stats", "pass_rate"); ok {
		if _, is := float(rate); is {
			s.PassRate = rate
		}
	}
	return s
}

// Find returns summaries of the cards that a query selects: filtered, sorted, then cut. Files that
// cannot be read are left out.
func (s *Store) Find(q Query) ([]Summary, error) {
	rows, err := s.search(q)
	if err != nil {
		return nil, err
	}
	found := make([]Summary, len(rows))
	for i, r := range rows {
		found[i] = r.summary()
	}
	return found, nil
}

func (s *Store) search(q Query) ([]row, error) {
	rows, err := s.rows(q.Pkg)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return !q.Where.Match(r.card) })
	slices.SortStableFunc(rows, newest)
	if len(q.OrderBy) > 0 {
		slices.SortStableFunc(rows, func(a, b row) int { return order(q.OrderBy, a, b) })
	}
	return cut(rows, q.Offset, q.Limit), nil
}

// newest sorts by created_at and then by card_id, both descending; a card without a date is the
// oldest.
func newest(a, b row) int {
	if c := cmp.Compare(text(b.card, "created_at"), text(a.card, "created_at")); c != 0 {
		return c
	}
	return cmp.Compare(b.summary().CardID, a.summary().CardID)
}

// order compares by each key in turn. A missing value comes last, and first when descending;
// values of different types count as equal.
func order(keys []Order, a, b row) int {
	for _, k := range keys {
		x, hasX := at(a.card, k.path...)
		y, hasY := at(b.card, k.path...)
		c := cmp.Compare(rank(!hasX), rank(!hasY))
		if hasX && hasY {
			c, _ = compare(x, y)
		}
		if k.descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// cut returns what is left after offset, at most limit of it.
func cut[T any](list []T, offset int, limit *int) []T {
	list = list[min(max(offset, 0), len(list)):]
	if limit != nil {
		list = list[:min(max(*limit, 0), len(list))]
	}
	return list
}
