package card

import (
	"fmt"
	"testing"
)

// BenchmarkCreate is a card from its decision to its file on disk.
func BenchmarkCreate(b *testing.B) {
	s := newBed(b, Options{})
	for i := 0; b.Loop(); i++ {
		s.create(fmt.Sprintf(`{"pkg":{"name":"p"},"card_id":"c%d","stats":{"pass_rate":0.5}}`, i))
	}
}

// BenchmarkFind searches 2,000 cards: read for the first time, and again.
func BenchmarkFind(b *testing.B) {
	s := newBed(b, Options{})
	for i := range 2000 {
		c := Change{Kind: created, Pkg: "p", ID: fmt.Sprintf("c%d", i), Content: fmt.Appendf(nil,
			`{"card_id":"c%d","pkg":{"name":"p"},"created_at":"2026-01-01T00:00:00Z","model":{"id":"m"},"stats":{"pass_rate":0.5,"n":%d}}`, i, i)}
		if err := s.carry(c); err != nil {
			b.Fatal(err)
		}
	}
	where, err := ParseFilter(parse(b, `{"stats":{"n":{"lt":10}}}`))
	if err != nil {
		b.Fatal(err)
	}
	find := func(s *Store) {
		if found, err := s.Find(Query{Where: where}); err != nil || len(found) != 10 {
			b.Fatalf("%d found, %v", len(found), err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			find(&Store{root: s.root, parsed: map[string]parsed{}})
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			find(s.Store)
		}
	})
}
