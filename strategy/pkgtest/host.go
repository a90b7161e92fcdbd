package pkgtest

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
)

// epoch is when every spec file begins, by its own clock.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// host is the world of one spec file. It belongs to the goroutine that runs the file.
type host struct {
	now      time.Time
	state    map[string]map[string][]byte // values by namespace and key
	cards    *card.Store
	tmp      string   // where the file may write
	readable []string // where it may read
	modules  []string // where it may read modules
}

// newHost makes the world of a spec file whose own directory for temporary files is tmp.
func newHost(tmp string, readable, modules []string) (*host, error) {
	cards, err := card.Open(filepath.Join(tmp, "cards"), card.Options{})
	if err != nil {
		return nil, err
	}
	return &host{
		now: epoch, state: map[string]map[string][]byte{}, cards: cards,
		tmp: tmp, readable: append(slices.Clone(readable), tmp), modules: modules,
	}, nil
}

// Now implements [engine.Host]: each look at the clock finds it a millisecond later.
func (h *host) Now() time.Time {
	h.now = h.now.Add(time.Millisecond)
	return h.now
}

// Commit implements [engine.Host]. Effects are applied; the history is not kept, for nothing is
// ever restored from it.
func (h *host) Commit(_ context.Context, c engine.Commit) error {
	if c.Apply == nil {
		return nil
	}
	tx := &overlay{host: h, changes: map[[2]string][]byte{}}
	if _, err := c.Apply(tx); err != nil {
		return err
	}
	tx.commit()
	return nil
}

// View implements [engine.Host].
func (h *host) View(_ context.Context, fn func(journal.Tx) error) error {
	return fn(&overlay{host: h, changes: map[[2]string][]byte{}})
}

// Content implements [engine.Host]. Nothing is stored under a hash.
func (h *host) Content(context.Context, journal.ContentHash) ([]byte, error) {
	return nil, journal.ErrNotFound
}

// Cards implements [engine.Host].
func (h *host) Cards() *card.Store { return h.cards }

// overlay is a transaction: changes by namespace and key over what is committed, nil for what is
// deleted.
type overlay struct {
	host    *host
	changes map[[2]string][]byte
}

func (t *overlay) commit() {
	for at, v := range t.changes {
		keys := t.host.state[at[0]]
		if keys == nil {
			keys = map[string][]byte{}
			t.host.state[at[0]] = keys
		}
		if v == nil {
			delete(keys, at[1])
		} else {
			keys[at[1]] = v
		}
	}
}

// StateGet implements [journal.Tx].
func (t *overlay) StateGet(ns, key string) ([]byte, bool, error) {
	v, changed := t.changes[[2]string{ns, key}]
	if !changed {
		v = t.host.state[ns][key]
	}
	return v, v != nil, nil
}

// StateSet implements [journal.Tx].
func (t *overlay) StateSet(ns, key string, val []byte) error {
	t.changes[[2]string{ns, key}] = append([]byte{}, val...)
	return nil
}

// StateDelete implements [journal.Tx].
func (t *overlay) StateDelete(ns, key string) (bool, error) {
	_, existed, err := t.StateGet(ns, key)
	t.changes[[2]string{ns, key}] = nil
	return existed, err
}

// StateKeys implements [journal.Tx].
func (t *overlay) StateKeys(ns string) ([]string, error) {
	keys := map[string]bool{}
	for k := range t.host.state[ns] {
		keys[k] = true
	}
	for at, v := range t.changes {
		if at[0] == ns {
			keys[at[1]] = v != nil
		}
	}
	maps.DeleteFunc(keys, func(_ string, there bool) bool { return !there })
	return slices.Sorted(maps.Keys(keys)), nil
}

// StateNamespaces implements [journal.Tx].
func (t *overlay) StateNamespaces() ([]string, error) {
	all := map[string]bool{}
	for ns := range t.host.state {
		all[ns] = true
	}
	for at := range t.changes {
		all[at[0]] = true
	}
	var there []string
	for _, ns := range slices.Sorted(maps.Keys(all)) {
		keys, err := t.StateKeys(ns)
		if err != nil {
			return nil, err
		}
		if len(keys) > 0 {
			there = append(there, ns)
		}
	}
	return there, nil
}
