package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/statefile"
)

// DefaultNamespace is that of scripts whose ctx names none.
const DefaultNamespace = "default"

// StateEntry is a key of the state. Keys are those that scripts give to alc.state.get: one of the
// form "prefix:id" may be an entry that all namespaces share; its Namespace is "" then.
type StateEntry struct {
	Namespace string `json:"namespace,omitempty"`
	Key       string `json:"key"`
	Bytes     int    `json:"bytes"` // of its value, as JSON
}

// NoStateError is a key that has no value.
type NoStateError struct{ Namespace, Key string }

func (e *NoStateError) Error() string {
	if e.Namespace == "" {
		return fmt.Sprintf("there is no state %q", e.Key)
	}
	return fmt.Sprintf("there is no state %q in the namespace %q", e.Key, e.Namespace)
}

// State lists the keys of all namespaces, the shared ones first. It only reads.
func (s *Service) State(ctx context.Context) ([]StateEntry, error) {
	list := []StateEntry{}
	err := s.viewState(ctx, func(tx journal.Tx) error {
		names, err := tx.StateNamespaces()
		for _, ns := range names {
			if strings.HasPrefix(ns, "//") {
				continue // the engine's own
			}
			keys, kerr := tx.StateKeys(ns)
			if kerr != nil {
				return kerr
			}
			for _, k := range keys {
				val, _, verr := tx.StateGet(ns, k)
				if verr != nil {
					return verr
				}
				e := StateEntry{Namespace: ns, Key: k, Bytes: len(val)}
				if prefix, shared := strings.CutPrefix(ns, "/"); shared {
					e.Namespace, e.Key = "", prefix+":"+k
				}
				list = append(list, e)
			}
		}
		return err
	})
	return list, err
}

// SharedKeys are the ids of the entries "prefix:id", sorted. It only reads.
func (s *Service) SharedKeys(ctx context.Context, prefix string) (keys []string, err error) {
	err = s.viewState(ctx, func(tx journal.Tx) error {
		keys, err = tx.StateKeys("/" + prefix)
		return err
	})
	if keys == nil {
		keys = []string{}
	}
	return keys, err
}

// StateValue returns the value that a script in the namespace would get for a key, as JSON. It only
// reads. The error of a key that is not there is [*NoStateError].
func (s *Service) StateValue(ctx context.Context, ns, key string) (value json.RawMessage, err error) {
	err = s.viewState(ctx, func(tx journal.Tx) error {
		if prefix, id, ok := strings.Cut(key, ":"); ok {
			v, found, err := tx.StateGet("/"+prefix, id)
			if value = v; found || err != nil {
				return err
			}
		}
		v, found, err := tx.StateGet(ns, key)
		if value = v; err == nil && !found {
			return &NoStateError{ns, key}
		}
		return err
	})
	return value, err
}

// ExportState writes all state below dir, in the original's files, and returns their paths. Files
// of other keys that are there stay.
func (s *Service) ExportState(ctx context.Context, dir string) (files []string, err error) {
	err = s.viewState(ctx, func(tx journal.Tx) error {
		files, err = statefile.Export(tx, dir)
		return err
	})
	return files, err
}

// viewState runs fn on the state as a session would find it now, with what an original left in
// files and no session has touched.
func (s *Service) viewState(ctx context.Context, fn func(journal.Tx) error) error {
	root := filepath.Join(s.home, "state")
	st, err := s.journal.Store(ctx)
	if errors.Is(err, ErrNoJournal) {
		return fn(statefile.Merged(emptyState{}, root))
	}
	if err != nil {
		return err
	}
	return st.View(ctx, func(tx journal.Tx) error { return fn(statefile.Merged(tx, root)) })
}

// emptyState is the state of a home without a journal.
type emptyState struct{ journal.Tx }

func (emptyState) StateGet(string, string) ([]byte, bool, error) { return nil, false, nil }
func (emptyState) StateKeys(string) ([]string, error)            { return nil, nil }
func (emptyState) StateNamespaces() ([]string, error)            { return nil, nil }
