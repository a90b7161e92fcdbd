package sqlite

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/algocline/algocline/journal"
)

// schemaVersion is the layout that this package writes. minWriter is the oldest version whose
// writers may still append to it; a migration that an older writer would spoil raises it.
const (
	schemaVersion = 1
	minWriter     = 1
)

// migrations[v] leads from version v to v+1. Version 0 is an empty file.
var migrations = []string{schema1}

// schema1 is the first layout. Why it looks as it does:
//
// The log only grows at its end, whatever session an event belongs to, so a group of appends
// touches few pages; a session's row names its last event and every event the one before it.
// Rows with seq 0 record what the journal itself did (a worker registered, a session taken over,
// a sync): they make the id of the last row the number of everything committed so far.
const schema1 = `
CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE event(
	id INTEGER PRIMARY KEY,
	session INTEGER NOT NULL,
	prev INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	kind TEXT NOT NULL,
	at INTEGER NOT NULL,
	path TEXT NOT NULL,
	sum BLOB NOT NULL,
	body BLOB NOT NULL
);
CREATE TABLE session(
	id INTEGER PRIMARY KEY,
	state TEXT NOT NULL,
	seq INTEGER NOT NULL,
	head INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	owner INTEGER NOT NULL,
	open INTEGER NOT NULL,
	llm_calls INTEGER NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	sum BLOB NOT NULL,
	strategy TEXT NOT NULL,
	sid TEXT NOT NULL UNIQUE
);
CREATE TABLE content(hash BLOB PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE state(
	ns TEXT NOT NULL,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	updated INTEGER NOT NULL,
	UNIQUE(ns, key)
);
CREATE TABLE worker(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	lock_path TEXT NOT NULL,
	sock TEXT NOT NULL,
	pid INTEGER NOT NULL,
	version TEXT NOT NULL,
	boot TEXT NOT NULL,
	started INTEGER NOT NULL
);
`

// migrate brings the database to schemaVersion. The caller holds the ticket.
func migrate(c *conn) error {
	have, err := userVersion(c)
	if err != nil {
		return err
	}
	if have == schemaVersion {
		return nil
	}
	if have > schemaVersion {
		return checkWriter(c)
	}
	if have == 0 {
		// Both only take effect before the first page is written.
		if err := c.script(fmt.Sprintf("PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL", pageSize)); err != nil {
			return err
		}
	}
	if mode, err := c.pragma("PRAGMA journal_mode=WAL"); err != nil {
		return err
	} else if len(mode) != 1 || mode[0] != "wal" {
		return fmt.Errorf("the file system cannot share memory between processes (journal mode %v); put the home on a local disk", mode)
	}
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := migrateIn(c, have); err != nil {
		if c.inTransaction() {
			_ = c.script("ROLLBACK") // the error above is the one to tell
		}
		return err
	}
	return c.script("COMMIT")
}

func migrateIn(c *conn, have int64) error {
	for v := have; v < schemaVersion; v++ {
		if err := c.script(migrations[v]); err != nil {
			return fmt.Errorf("migrating the schema from version %d: %w", v, err)
		}
	}
	if have == 0 {
		id := make([]byte, 16)
		rand.Read(id)
		for _, kv := range [][2]driver.Value{
			{"instance", hex.EncodeToString(id)},
			{"created", time.Now().UTC().Format(time.RFC3339)},
		} {
			if _, _, err := c.exec(qSetMeta, kv[0], kv[1]); err != nil {
				return err
			}
		}
	}
	if _, _, err := c.exec(qSetMeta, "min_writer", int64(minWriter)); err != nil {
		return err
	}
	return c.script(fmt.Sprintf("PRAGMA user_version=%d", schemaVersion))
}

func userVersion(c *conn) (int64, error) {
	row, err := c.pragma("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	v, _ := row[0].(int64)
	return v, nil
}

// checkWriter refuses a journal that this version must not append to.
func checkWriter(c *conn) error {
	row, ok, err := c.one(qGetMeta, "min_writer")
	if err != nil {
		return err
	}
	least := int64(-1)
	if ok {
		least, _ = row[0].(int64)
	}
	if least < 0 || least > schemaVersion {
		return &SchemaError{File: c.path, Needs: least, Have: schemaVersion}
	}
	return nil
}

// instance returns the identity of the database, which a restored or imported copy changes.
func instance(c *conn) (id [16]byte, err error) {
	row, ok, err := c.one(qGetMeta, "instance")
	if err != nil {
		return id, err
	}
	if !ok {
		return id, &journal.CorruptError{File: c.path, Why: "the instance id is missing"}
	}
	text, _ := row[0].(string)
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, &journal.CorruptError{File: c.path, Why: "the instance id is unreadable"}
	}
	copy(id[:], b)
	return id, nil
}

// SchemaError is a journal of another version than this program can follow. It matches
// [journal.ErrSchema].
type SchemaError struct {
	File  string
	Needs int64 // oldest schema whose writers the journal accepts; -1 when it does not say
	Have  int64 // schema of this program
}

func (e *SchemaError) Error() string {
	if e.Needs < 0 {
		return fmt.Sprintf("%s is not a journal of alc: it names no schema; move it away or set ALC_HOME to another directory", e.File)
	}
	return fmt.Sprintf("%s was migrated by a newer alc (it needs schema %d, this one knows %d): upgrade this alc; nothing was changed", e.File, e.Needs, e.Have)
}

// Is matches [journal.ErrSchema].
func (e *SchemaError) Is(t error) bool { return t == journal.ErrSchema }
