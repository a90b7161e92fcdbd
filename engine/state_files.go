package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/statefile"
)

// State that the original kept in files is taken over when its namespace is touched for the first
// time: once, in one transaction with a mark that says so. From then on the journal's state alone
// counts, and files that appear later are not looked at.

// adoptKey takes over what a request with a namespace and a key will look at.
func adoptKey(ctx context.Context, s *Session, a arguments) error {
	if ns, _, is := dispatched(a.text(1)); is {
		if err := s.adopt(ctx, ns); err != nil {
			return err
		}
	}
	if checkNamespace(a.text(0)) != nil {
		return nil // the request itself will refuse it
	}
	return s.adopt(ctx, a.text(0))
}

// adopt imports the files of a namespace, if there are any and they were not imported before.
func (s *Session) adopt(ctx context.Context, ns string) error {
	if s.adopted[ns] {
		return nil
	}
	err := s.host.View(ctx, func(tx journal.Tx) error {
		_, done, err := tx.StateGet(statefile.Adopted, ns)
		s.adopted[ns] = done
		return err
	})
	if err != nil || s.adopted[ns] {
		return err
	}
	files, err := s.host.StateFiles(ns)
	var malformed *statefile.MalformedError
	if errors.As(err, &malformed) {
		return raise(fmt.Sprintf("state: importing files of an earlier version: %v", err))
	}
	if err != nil {
		return fmt.Errorf("importing state files of an earlier version: %w", err)
	}
	if files == nil {
		return nil
	}
	if err := s.commit(ctx, func(tx journal.Tx) ([]journal.Event, error) { return nil, adoptIn(tx, ns, files) }, false); err != nil {
		return err
	}
	s.adopted[ns] = true
	return nil
}

func adoptIn(tx journal.Tx, ns string, files map[string][]byte) error {
	if _, done, err := tx.StateGet(statefile.Adopted, ns); err != nil || done {
		return err // another session was faster
	}
	for key, val := range files {
		if err := tx.StateSet(ns, key, val); err != nil {
			return fmt.Errorf("importing the state of %s: %w", ns, err)
		}
	}
	return markAdopted(tx, ns)
}

// claim marks a namespace that is written for the first time, so that files which somebody puts
// there later do not overwrite it.
func (s *Session) claim(tx journal.Tx, ns string) error {
	if s.adopted[ns] {
		return nil
	}
	return markAdopted(tx, ns)
}

func markAdopted(tx journal.Tx, ns string) error {
	return tx.StateSet(statefile.Adopted, ns, []byte("true"))
}
