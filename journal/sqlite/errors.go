package sqlite

import (
	"fmt"

	"github.com/algocline/algocline/journal"
)

func notFound(what, name string) error {
	return fmt.Errorf("%s %s: %w", what, name, journal.ErrNotFound)
}

func exists(sid string) error {
	return fmt.Errorf("session %s: %w", sid, journal.ErrExists)
}
