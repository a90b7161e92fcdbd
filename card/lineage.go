package card

import (
	"cmp"
	"slices"
)

// LineageQuery asks for the relatives of a card along metadata.prior_card_id.
type LineageQuery struct {
	CardID    string
	Direction string // "up" to ancestors, "down" to descendants, "both"; "" is "up"
	Depth     int    // how far
	Stats     bool   // whether nodes carry the stats of their cards
	// Relations are the relations that are followed; nil is all of them. An edge without a
	// relation is in no list.
	Relations []string
}

// Node is a card in a lineage.
type Node struct {
	CardID   string
	Pkg      string
	Depth    int // 0 the card asked for, negative its ancestors
	Prior    string
	Relation string
	Stats    any
}

// Edge leads from a card to the one that it came from.
type Edge struct{ From, To, Relation string }

// Lineage is what [Store.Lineage] finds.
type Lineage struct {
	Root      string
	Nodes     []Node
	Edges     []Edge
	Truncated bool // the depth cut something off
}

// Value is the lineage as a JSON value.
func (l *Lineage) Value() map[string]any {
	nodes, edges := []any{}, []any{}
	for _, n := range l.Nodes {
		v := map[string]any{"card_id": n.CardID, "pkg": n.Pkg, "depth": int64(n.Depth)}
		put(v, "prior_card_id", n.Prior)
		put(v, "prior_relation", n.Relation)
		if n.Stats != nil {
			v["stats"] = n.Stats
		}
		nodes = append(nodes, v)
	}
	for _, e := range l.Edges {
		v := map[string]any{"from": e.From, "to": e.To}
		put(v, "relation", e.Relation)
		edges = append(edges, v)
	}
	return map[string]any{"root": l.Root, "nodes": nodes, "edges": edges, "truncated": l.Truncated}
}

func put(v map[string]any, key, text string) {
	if text != "" {
		v[key] = text
	}
}

// Lineage returns the relatives of a card: the card first, then its ancestors, the nearest first,
// then its descendants, generation by generation and by card_id within each. It is nil when the
// card is unknown. Another direction is a [Refusal].
func (s *Store) Lineage(q LineageQuery) (*Lineage, error) {
	up, down := q.Direction == "up" || q.Direction == "", q.Direction == "down"
	if q.Direction == "both" {
		up, down = true, true
	}
	if !up && !down {
		return nil, refuse("direction must be 'up', 'down', or 'both' (got '%s')", q.Direction)
	}
	if err := checkName("card_id", q.CardID); err != nil {
		return nil, err
	}
	rows, err := s.rows("")
	if err != nil {
		return nil, err
	}
	w := walk{q: q, cards: map[string]row{}, children: map[string][]row{}, seen: map[string]bool{}}
	for _, r := range rows {
		if _, ok := w.cards[r.id]; !ok { // the first package directory wins
			w.cards[r.id] = r
			w.children[r.prior()] = append(w.children[r.prior()], r)
		}
	}
	root, ok := w.cards[q.CardID]
	if !ok {
		return nil, nil
	}
	w.lineage.Root = q.CardID
	w.visit(root, 0)
	if up {
		w.ancestors(root)
	}
	if down {
		w.descendants(root)
	}
	return &w.lineage, nil
}

func (r row) prior() string    { return text(r.card, "metadata", "prior_card_id") }
func (r row) relation() string { return text(r.card, "metadata", "prior_relation") }

// walk is a search through the cards by their file names.
type walk struct {
	q        LineageQuery
	cards    map[string]row
	children map[string][]row
	seen     map[string]bool
	lineage  Lineage
}

func (w *walk) visit(r row, depth int) {
	w.seen[r.id] = true
	n := Node{CardID: r.id, Pkg: r.pkg, Depth: depth, Prior: r.prior(), Relation: r.relation()}
	if w.q.Stats {
		n.Stats, _ = at(r.card, "stats")
	}
	w.lineage.Nodes = append(w.lineage.Nodes, n)
}

// follows tells whether the edge from a card to the one before it is one to go along.
func (w *walk) follows(child row) bool {
	return child.prior() != "" && (w.q.Relations == nil || slices.Contains(w.q.Relations, child.relation()) && child.relation() != "")
}

func (w *walk) edge(child, parent row) {
	w.lineage.Edges = append(w.lineage.Edges, Edge{child.id, parent.id, child.relation()})
}

func (w *walk) ancestors(r row) {
	for depth := 1; w.follows(r); depth++ {
		parent, ok := w.cards[r.prior()]
		if !ok || w.seen[parent.id] {
			return
		}
		if depth > w.q.Depth {
			w.lineage.Truncated = true
			return
		}
		w.edge(r, parent)
		w.visit(parent, -depth)
		r = parent
	}
}

func (w *walk) descendants(root row) {
	generation := []row{root}
	for depth := 1; len(generation) > 0; depth++ {
		var next []row
		for _, parent := range generation {
			children := slices.Clone(w.children[parent.id])
			slices.SortFunc(children, func(a, b row) int { return cmp.Compare(a.id, b.id) })
			for _, c := range children {
				if !w.follows(c) || w.seen[c.id] {
					continue
				}
				if depth > w.q.Depth {
					w.lineage.Truncated = true
					return
				}
				w.edge(c, parent)
				w.visit(c, depth)
				next = append(next, c)
			}
		}
		generation = next
	}
}
