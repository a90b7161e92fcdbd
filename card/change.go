package card

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/algocline/algocline/internal/safefile"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/lock"
)

// Change is a write that has been decided and is on its way to the files. Carrying it there twice
// is the same as once: a card or samples that exist are left alone, a key that is set stays.
type Change struct {
	Kind    string          `json:"kind"`
	Pkg     string          `json:"pkg,omitempty"`
	ID      string          `json:"id,omitempty"`
	Content json.RawMessage `json:"content,omitempty"` // the card, the added keys, the samples
	Alias   *Alias          `json:"alias,omitempty"`
}

// The kinds of changes. The texts are stored.
const (
	created  = "create"
	appended = "append"
	sampled  = "samples"
	named    = "alias"
)

// Changes wait in this namespace of the journal's state, which no script can reach, under numbers
// that never come twice; the last one is kept beside.
const (
	outboxNS  = "//cards/outbox"
	counterNS = "//cards"
	counter   = "last"
)

// View runs fn on committed state, as [journal.Store] has it.
type View func(ctx context.Context, fn func(journal.Tx) error) error

// Settle carries the changes that wait in the outbox to the files, in the order in which they were
// committed, and returns the number of the last one for [Forget]; "" when none waited. It blocks
// while another process settles. It is cheap when nothing waits. After an error nothing is lost:
// the changes wait on.
func (s *Store) Settle(ctx context.Context, view View) (last string, err error) {
	waiting := false
	err = view(ctx, func(tx journal.Tx) error {
		keys, err := tx.StateKeys(outboxNS)
		waiting = len(keys) > 0
		return err
	})
	if err != nil || !waiting {
		return "", err
	}
	if err := safefile.MkdirAll(s.root); err != nil {
		return "", fmt.Errorf("writing cards: %w", err)
	}
	l, err := lock.Acquire(ctx, filepath.Join(s.root, lockFile))
	if err != nil {
		return "", fmt.Errorf("writing cards: %w", err)
	}
	defer func() {
		if lerr := l.Release(); err == nil {
			err = lerr
		}
	}()
	var keys []string
	var changes []Change
	err = view(ctx, func(tx journal.Tx) error {
		keys, changes, err = pending(tx)
		return err
	})
	if err != nil {
		return "", err
	}
	for i, c := range changes {
		if err := s.carry(c); err != nil {
			return "", fmt.Errorf("writing card %s (%s): %w", c.ID, c.Kind, err)
		}
		last = keys[i]
	}
	return last, nil
}

// Forget takes the changes up to a number out of the outbox. They must have been settled.
func Forget(tx journal.Tx, last string) error {
	keys, err := tx.StateKeys(outboxNS)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k > last {
			break
		}
		if _, err := tx.StateDelete(outboxNS, k); err != nil {
			return err
		}
	}
	return nil
}

// pending returns the changes that wait, oldest first.
func pending(tx journal.Tx) (keys []string, changes []Change, err error) {
	if keys, err = tx.StateKeys(outboxNS); err != nil {
		return nil, nil, err
	}
	for _, k := range keys {
		text, _, err := tx.StateGet(outboxNS, k)
		if err != nil {
			return nil, nil, err
		}
		var c Change
		if err := json.Unmarshal(text, &c); err != nil {
			return nil, nil, fmt.Errorf("reading change %s of cards: %w", k, err)
		}
		changes = append(changes, c)
	}
	return keys, changes, nil
}

// post puts a change into the outbox.
func post(tx journal.Tx, c Change) error {
	var n int64
	text, ok, err := tx.StateGet(counterNS, counter)
	if err != nil {
		return err
	}
	if ok {
		if err := json.Unmarshal(text, &n); err != nil {
			return fmt.Errorf("reading the number of the last change of cards: %w", err)
		}
	}
	n++
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := tx.StateSet(counterNS, counter, fmt.Append(nil, n)); err != nil {
		return err
	}
	return tx.StateSet(outboxNS, fmt.Sprintf("%019d", n), body)
}

// carry writes a change to the files and, as far as it can, to the mirrors.
func (s *Store) carry(c Change) error {
	if err := s.carryHere(c); err != nil {
		return err
	}
	for _, sk := range s.sinks {
		if err := s.mirror(sk, c); err != nil {
			s.failures.Add(1)
		}
	}
	return nil
}

func (s *Store) carryHere(c Change) error {
	if err := safefile.MkdirAll(filepath.Join(s.root, c.Pkg)); err != nil {
		return err
	}
	switch c.Kind {
	case created:
		return writeOnce(s.cardPath(c.Pkg, c.ID), func() ([]byte, error) { return cardText(c.Content) })
	case sampled:
		return writeOnce(s.samplesPath(c.Pkg, c.ID), func() ([]byte, error) { return samplesText(c.Content) })
	case appended:
		return s.extend(c)
	case named:
		return s.bind(*c.Alias)
	}
	return fmt.Errorf("a change of kind %q was made by a newer version; upgrade this one", c.Kind)
}

func samplesText(content []byte) ([]byte, error) {
	v, err := Parse(content)
	rows, _ := v.([]any)
	return encodeSamples(rows), err
}

func cardText(content []byte) ([]byte, error) {
	v, err := Parse(content)
	if err != nil {
		return nil, err
	}
	table, _ := v.(map[string]any)
	return encodeTOML(table)
}

func writeOnce(path string, text func() ([]byte, error)) error {
	if ok, err := exists(path); ok || err != nil {
		return err
	}
	data, err := text()
	if err != nil {
		return err
	}
	return safefile.WriteAlone(path, data)
}

// extend adds keys to a card's file. A card that is gone stays so.
func (s *Store) extend(c Change) error {
	card, err := s.read(c.Pkg, c.ID)
	if err != nil || card == nil {
		return err
	}
	fields, err := Parse(c.Content)
	if err != nil {
		return err
	}
	table, _ := fields.(map[string]any)
	merged := merge(card, table)
	if len(merged) == len(card) {
		return nil
	}
	data, err := encodeTOML(merged)
	if err != nil {
		return err
	}
	return safefile.WriteAlone(s.cardPath(c.Pkg, c.ID), data)
}

// merge returns a card with the keys that it does not have yet.
func merge(card, fields map[string]any) map[string]any {
	merged := maps.Clone(card)
	for k, v := range fields {
		if _, ok := merged[k]; !ok {
			merged[k] = v
		}
	}
	return merged
}
