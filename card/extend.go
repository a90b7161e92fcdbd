package card

import (
	"maps"
	"slices"

	"github.com/algocline/algocline/journal"
)

// current returns a card as it is once the changes of the outbox are settled, and its package; nil
// when there is no such card.
func (s *Store) current(changes []Change, id string) (pkg string, card map[string]any, err error) {
	if pkg, err = s.find(id); err != nil {
		return "", nil, err
	}
	if pkg != "" {
		if card, err = s.read(pkg, id); err != nil {
			return "", nil, err
		}
	}
	for _, c := range changes {
		if c.ID != id || pkg != "" && c.Pkg != pkg {
			continue
		}
		v, err := Parse(c.Content)
		if err != nil {
			continue // an alias has no content
		}
		fields, ok := v.(map[string]any)
		switch {
		case c.Kind == created && ok && card == nil:
			pkg, card = c.Pkg, fields
		case c.Kind == appended && ok && card != nil:
			card = merge(card, fields)
		}
	}
	return pkg, card, nil
}

// Append decides in a transaction to add keys to a card, and returns the card with them. An
// unknown card and a key that is set are a [Refusal].
func (s *Store) Append(tx journal.Tx, id string, fields map[string]any) (map[string]any, error) {
	_, changes, err := pending(tx)
	if err != nil {
		return nil, err
	}
	pkg, card, err := s.current(changes, id)
	if err != nil {
		return nil, err
	}
	if card == nil {
		return nil, refuse("alc.card.append: card '%s' not found", id)
	}
	fields = withoutNulls(fields).(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		if _, ok := card[k]; ok {
			return nil, refuse("alc.card.append: key '%s' already set on card '%s' (immutable)", k, id)
		}
	}
	if len(fields) == 0 {
		return card, nil
	}
	merged := merge(card, fields)
	if _, err := encodeTOML(merged); err != nil {
		return nil, refuse("alc.card.append: %v", err)
	}
	return merged, post(tx, Change{Kind: appended, Pkg: pkg, ID: id, Content: Encode(fields)})
}

// SetAlias decides in a transaction to bind a name to a card, which must exist.
func (s *Store) SetAlias(tx journal.Tx, a Alias) error {
	if err := checkName("alias", a.Name); err != nil {
		return err
	}
	_, changes, err := pending(tx)
	if err != nil {
		return err
	}
	_, card, err := s.current(changes, a.CardID)
	if err != nil {
		return err
	}
	if card == nil {
		return refuse("alc.card.alias_set: card '%s' not found", a.CardID)
	}
	if _, err := readAliases(s.root); err != nil {
		return err
	}
	return post(tx, Change{Kind: named, ID: a.CardID, Alias: &a})
}

// WriteSamples decides in a transaction on the samples of a card, and returns where they will lie.
// An unknown card and one that has samples are a [Refusal].
func (s *Store) WriteSamples(tx journal.Tx, id string, rows []any) (path string, err error) {
	_, changes, err := pending(tx)
	if err != nil {
		return "", err
	}
	pkg, card, err := s.current(changes, id)
	if err != nil {
		return "", err
	}
	if card == nil {
		return "", refuse("card '%s' not found", id)
	}
	path = s.samplesPath(pkg, id)
	written := slices.ContainsFunc(changes, func(c Change) bool { return c.Kind == sampled && c.Pkg == pkg && c.ID == id })
	if !written {
		if written, err = exists(path); err != nil {
			return "", err
		}
	}
	if written {
		return "", refuse("alc.card.write_samples: samples already exist for card '%s' (write-once)", id)
	}
	return path, post(tx, Change{Kind: sampled, Pkg: pkg, ID: id, Content: Encode(rows)})
}

// Stamp is a time as cards and aliases have it.
func (m Maker) Stamp() string { return m.stamp() }
