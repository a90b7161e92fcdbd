package worker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/algocline/algocline/engine"
)

// The files of this machine, as far as grants open them. Every access goes through an [os.Root] at
// the granted directory, so that no ".." and no link leads out of it.

// within runs fn on the first granted directory that a path may lie in and that has it.
func within(dirs []string, path, doing, grant string, fn func(r *os.Root, name string) error) error {
	var last error
	for _, dir := range dirs {
		name := path
		if filepath.IsAbs(path) {
			rel, err := filepath.Rel(dir, filepath.Clean(path))
			if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
				continue
			}
			name = rel
		}
		err := inRoot(dir, name, fn)
		if err == nil {
			return nil
		}
		last = err
		if !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if last == nil {
		return &engine.NotGrantedError{What: doing + " " + path, Grant: grant}
	}
	return last
}

func inRoot(dir, name string, fn func(r *os.Root, name string) error) error {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	return errors.Join(fn(r, name), r.Close())
}

const (
	readGrant  = "--allow-read=DIR"
	writeGrant = "--allow-write=DIR"
)

func (h *host) ReadFile(g engine.Grants, path string, max int64) (data []byte, err error) {
	err = within(g.Read, path, "reading", readGrant, func(r *os.Root, name string) error {
		st, err := r.Stat(name)
		if err != nil {
			return err
		}
		if !st.Mode().IsRegular() {
			return errors.New("not a regular file")
		}
		if st.Size() > max {
			return fmt.Errorf("%d bytes are more than the limit result_size (%d) allows", st.Size(), max)
		}
		data, err = readAll(r, name, max)
		return err
	})
	return data, err
}

// readAll reads a file whose size is not to be trusted: it may grow meanwhile, and those of /proc
// say that they are empty.
func readAll(r *os.Root, name string, max int64) ([]byte, error) {
	f, err := r.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, max+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(data)) > max {
		return nil, fmt.Errorf("its more than %d bytes are above the limit result_size", max)
	}
	return data, nil
}

func (h *host) WriteFile(g engine.Grants, path string, data []byte, add bool) error {
	return within(g.Write, path, "writing", writeGrant, func(r *os.Root, name string) error {
		mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if add {
			mode = os.O_WRONLY | os.O_CREATE | os.O_APPEND
		}
		if st, err := r.Stat(name); err == nil && !st.Mode().IsRegular() {
			return errors.New("not a regular file")
		}
		f, err := r.OpenFile(name, mode, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	})
}

func (h *host) RemoveFile(g engine.Grants, path string) error {
	return within(g.Write, path, "removing", writeGrant, func(r *os.Root, name string) error { return r.Remove(name) })
}

// RenameFile renames within one granted directory.
func (h *host) RenameFile(g engine.Grants, from, to string) error {
	return within(g.Write, from, "renaming", writeGrant, func(r *os.Root, name string) error {
		target := to
		if filepath.IsAbs(to) {
			rel, err := filepath.Rel(r.Name(), filepath.Clean(to))
			if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
				return &engine.NotGrantedError{What: "renaming to " + to, Grant: writeGrant}
			}
			target = rel
		}
		return r.Rename(name, target)
	})
}

func (h *host) Getenv(name string) (string, bool) { return os.LookupEnv(name) }
