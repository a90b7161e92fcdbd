// Package safefile writes files so that whoever reads them, even after a crash, finds the old
// content or the new one and nothing between.
package safefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Write replaces the file at path, or makes it with mode 0600, in a directory that exists. When it
// returns nil the content and the name are on disk. Concurrent writers of one path do no harm: the
// last one wins. A process that dies here may leave a hidden temporary file behind.
func Write(path string, data []byte) error {
	dir, name := split(path)
	f, err := os.CreateTemp(dir, "."+name+".tmp-*")
	return finish(path, data, f, err)
}

// WriteAlone is [Write] for who holds a lock that keeps other writers of path away: what a process
// that died left behind is used again by the next one.
func WriteAlone(path string, data []byte) error {
	dir, name := split(path)
	f, err := os.OpenFile(filepath.Join(dir, "."+name+".tmp"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	return finish(path, data, f, err)
}

func split(path string) (dir, name string) {
	return filepath.Dir(path), filepath.Base(path)
}

// finish writes a temporary file and gives it its name.
func finish(path string, data []byte, f *os.File, err error) error {
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir puts the names in a directory on disk.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("syncing directory %s: %w", dir, err)
	}
	return nil
}

// MkdirAll makes a directory and those above it that are missing, with mode 0700, and puts their
// names on disk.
func MkdirAll(dir string) error {
	if st, err := os.Stat(dir); err == nil {
		if st.IsDir() {
			return nil
		}
		return &os.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	if up := filepath.Dir(dir); up != dir {
		if err := MkdirAll(up); err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		return SyncDir(up)
	}
	return os.MkdirAll(dir, 0o700)
}
