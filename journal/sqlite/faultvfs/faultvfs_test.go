//go:build linux

package faultvfs_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/algocline/algocline/journal/sqlite/faultvfs"
	"github.com/mattn/go-sqlite3"
)

func newDisk(t *testing.T) *faultvfs.Disk {
	t.Helper()
	d, err := faultvfs.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func openDB(t *testing.T, path, vfs string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=NORMAL&vfs="+vfs)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func mustExec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPowerCut(t *testing.T) {
	d := newDisk(t)
	db := openDB(t, filepath.Join(t.TempDir(), "x.db"), d.VFS())
	mustExec(t, db, "CREATE TABLE t(a); PRAGMA wal_checkpoint; PRAGMA synchronous=FULL; INSERT INTO t VALUES(1)")
	syncs := d.Count(faultvfs.Sync, "-wal")
	mustExec(t, db, "INSERT INTO t VALUES(2)")
	if got := d.Count(faultvfs.Sync, "-wal") - syncs; got != 1 {
		t.Errorf("%d syncs of a synced commit, want 1", got)
	}
	mustExec(t, db, "PRAGMA synchronous=NORMAL; INSERT INTO t VALUES(3)")
	if got := d.Count(faultvfs.Sync, "-wal") - syncs; got != 1 {
		t.Errorf("%d syncs after an unsynced commit, want 1", got)
	}
	if n := count(t, db); n != 3 {
		t.Errorf("%d rows before the cut, want 3", n)
	}
	for want, keep := range map[int]func() bool{2: nil, 3: func() bool { return true }} {
		dir := t.TempDir()
		if err := d.Cut(dir, keep); err != nil {
			t.Fatal(err)
		}
		if n := count(t, openDB(t, filepath.Join(dir, "x.db"), "unix")); n != want {
			t.Errorf("%d rows after the cut, want %d", n, want)
		}
	}
}

func TestFaults(t *testing.T) {
	d := newDisk(t)
	db := openDB(t, filepath.Join(t.TempDir(), "x.db"), d.VFS())
	mustExec(t, db, "CREATE TABLE t(a); PRAGMA synchronous=FULL")
	cases := []faultvfs.Fault{
		{Ops: []faultvfs.Op{faultvfs.Write}, Suffix: "-wal", Nth: 1, Code: faultvfs.Full},
		{Ops: []faultvfs.Op{faultvfs.Write}, Suffix: "-wal", Nth: 2, Code: faultvfs.IOErrWrite},
		{Ops: []faultvfs.Op{faultvfs.Sync}, Suffix: "-wal", Nth: 1, Code: faultvfs.IOErrSync},
	}
	for _, f := range cases {
		d.Fail(f)
		_, err := db.Exec("INSERT INTO t VALUES(1)")
		var se sqlite3.Error
		if !errors.As(err, &se) || int(se.ExtendedCode) != int(f.Code) {
			t.Errorf("%+v: got %v", f, err)
		}
		if hits := d.Heal(); hits != 1 {
			t.Errorf("%+v: %d hits, want 1", f, hits)
		}
		mustExec(t, db, "INSERT INTO t VALUES(1)")
	}
	d.Fail(faultvfs.Fault{Ops: []faultvfs.Op{faultvfs.Write}, Suffix: ".db", Nth: 1, Code: faultvfs.IOErr})
	mustExec(t, db, "INSERT INTO t VALUES(1)")
	if hits := d.Heal(); hits != 0 {
		t.Errorf("a commit wrote to the database itself: %d hits", hits)
	}
	if n := count(t, db); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}
