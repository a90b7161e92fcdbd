package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"syscall"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/mattn/go-sqlite3"
)

// conn is one connection with its prepared statements, used by one goroutine at a time. It
// speaks to the driver directly: database/sql would add a lock, a pool and a dozen allocations
// to every statement.
type conn struct {
	c     *sqlite3.SQLiteConn
	path  string
	stmts [queryCount]*stmt
	hold  *hold // that the connection was counted in; nil for none
}

// stmt is a prepared statement with its argument and result buffers.
type stmt struct {
	s    *sqlite3.SQLiteStmt
	args []driver.NamedValue
	dest []driver.Value
}

// openConn opens the database at path. mode is an SQLite URI mode: ro, rw or rwc; busy is how
// long a lock that SQLite itself needs is waited for.
func openConn(path, mode, vfs string, busy time.Duration) (*conn, error) {
	q := url.Values{"mode": {mode}, "_busy_timeout": {fmt.Sprint(busy.Milliseconds())}}
	if vfs != "" {
		q.Set("vfs", vfs)
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
	dc, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, wrapSQL(path, "opening the database", err)
	}
	return &conn{c: dc.(*sqlite3.SQLiteConn), path: path}, nil
}

// close ends the connection and its statements.
func (c *conn) close() error {
	var errs []error
	for i, s := range c.stmts {
		if s != nil {
			errs = append(errs, s.s.Close())
			c.stmts[i] = nil
		}
	}
	errs = append(errs, c.c.Close())
	if c.hold != nil {
		errs = append(errs, c.hold.leave())
	}
	return errors.Join(errs...)
}

// script runs statements that take no arguments.
func (c *conn) script(sql string) error {
	_, err := c.c.ExecContext(context.Background(), sql, nil)
	return err
}

// pragma runs a pragma and returns its first row, nil when it has none.
func (c *conn) pragma(sql string) ([]driver.Value, error) {
	rows, err := c.c.QueryContext(context.Background(), sql, nil)
	if err != nil {
		return nil, err
	}
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		row = nil
		if !errors.Is(err, io.EOF) {
			return nil, errors.Join(err, rows.Close())
		}
	}
	return row, rows.Close()
}

// prepare returns the statement of a query with its arguments set.
func (c *conn) prepare(q query, args []driver.Value) (*stmt, error) {
	st := c.stmts[q]
	if st == nil {
		ds, err := c.c.PrepareContext(context.Background(), queries[q])
		if err != nil {
			return nil, err
		}
		st = &stmt{s: ds.(*sqlite3.SQLiteStmt)}
		st.args = make([]driver.NamedValue, ds.NumInput())
		for i := range st.args {
			st.args[i].Ordinal = i + 1
		}
		c.stmts[q] = st
	}
	if len(args) != len(st.args) {
		return nil, fmt.Errorf("statement %d takes %d arguments, not %d", q, len(st.args), len(args))
	}
	for i, a := range args {
		st.args[i].Value = a
	}
	return st, nil
}

// exec runs a statement and returns the number of rows it changed and the last rowid it made.
func (c *conn) exec(q query, args ...driver.Value) (changed, rowid int64, err error) {
	st, err := c.prepare(q, args)
	if err != nil {
		return 0, 0, err
	}
	res, err := st.s.ExecContext(context.Background(), st.args)
	st.forget()
	if err != nil {
		return 0, 0, err
	}
	if changed, err = res.RowsAffected(); err != nil {
		return 0, 0, err
	}
	rowid, err = res.LastInsertId()
	return changed, rowid, err
}

// each runs a query and calls fn with every row until it returns false. The slice is reused.
func (c *conn) each(q query, fn func([]driver.Value) bool, args ...driver.Value) error {
	st, err := c.prepare(q, args)
	if err != nil {
		return err
	}
	rows, err := st.s.QueryContext(context.Background(), st.args)
	st.forget()
	if err != nil {
		return err
	}
	if st.dest == nil {
		st.dest = make([]driver.Value, len(rows.Columns()))
	}
	for {
		err := rows.Next(st.dest)
		if errors.Is(err, io.EOF) {
			return rows.Close()
		}
		if err != nil {
			return errors.Join(err, rows.Close())
		}
		if !fn(st.dest) {
			return rows.Close()
		}
	}
}

// one runs a query of at most one row; ok tells whether there was one.
func (c *conn) one(q query, args ...driver.Value) (row []driver.Value, ok bool, err error) {
	err = c.each(q, func(r []driver.Value) bool {
		row, ok = r, true
		return false
	}, args...)
	return row, ok, err
}

// forget drops the arguments, which may be large.
func (st *stmt) forget() {
	for i := range st.args {
		st.args[i].Value = nil
	}
}

// inTransaction tells whether a transaction is open.
func (c *conn) inTransaction() bool { return !c.c.AutoCommit() }

// wrapSQL says what was being done, and turns a damaged file into a [journal.CorruptError] and a full
// disk into a [journal.DiskFullError].
func wrapSQL(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	var se sqlite3.Error
	if errors.As(err, &se) && (se.Code == sqlite3.ErrCorrupt || se.Code == sqlite3.ErrNotADB) {
		return fmt.Errorf("%s: %w", doing, &journal.CorruptError{File: path, Why: se.Error()})
	}
	if se.Code == sqlite3.ErrFull || se.SystemErrno == syscall.ENOSPC {
		err = &journal.DiskFullError{Dir: filepath.Dir(path), Cause: err}
	}
	return fmt.Errorf("%s %s: %w", doing, path, err)
}
