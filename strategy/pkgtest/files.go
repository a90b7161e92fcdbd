package pkgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/algocline/algocline/engine"
)

// A spec sees the files below the directories of its plan and those that it has written itself to
// its temporary directory. Every access goes through an [os.Root]. A directory for require may hold
// links to packages elsewhere: the first element of a path below it may be a link, and inside what
// that names nothing leads out.

const (
	readAdvice  = "--lib DIR (search_paths)"
	writeAdvice = "a path from test_doubles.fixture():tmpdir(name) or os.tmpname()"
)

// moduleExt ends the names of modules.
const moduleExt = ".lua"

// below returns a path relative to dir, if it lies there.
func below(dir, path string) (string, bool) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	rel, err := filepath.Rel(dir, filepath.Clean(path))
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return rel, true
}

// openBelow opens the directory that confines an access to rel below dir.
func openBelow(dir, rel string) (*os.Root, string, error) {
	first, rest, nested := strings.Cut(rel, string(filepath.Separator))
	if nested {
		dir, rel = filepath.Join(dir, first), rest
	}
	r, err := os.OpenRoot(dir)
	return r, rel, err
}

func readBelow(dir, rel string, max int64) ([]byte, error) {
	r, name, err := openBelow(dir, rel)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	st, err := r.Stat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if st.Size() > max {
		return nil, fmt.Errorf("%d bytes are more than the limit result_size (%d) allows", st.Size(), max)
	}
	return r.ReadFile(name)
}

// ReadFile implements [engine.Files].
func (h *host) ReadFile(_ engine.Grants, path string, max int64) ([]byte, error) {
	var last error = &engine.NotGrantedError{What: "reading " + path, Grant: readAdvice}
	dirs := h.readable
	if filepath.Ext(path) == moduleExt {
		dirs = slices.Concat(dirs, h.modules)
	}
	for _, dir := range dirs {
		rel, ok := below(dir, path)
		if !ok {
			continue
		}
		data, err := readBelow(dir, rel, max)
		if err == nil {
			return data, nil
		}
		last = err
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, last
}

// WriteFile implements [engine.Files]. The directories above the file are made.
func (h *host) WriteFile(_ engine.Grants, path string, data []byte, add bool) error {
	return h.write("writing", path, func(r *os.Root, name string) error {
		if err := r.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if add {
			mode = os.O_WRONLY | os.O_CREATE | os.O_APPEND
		}
		f, err := r.OpenFile(name, mode, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	})
}

// RemoveFile implements [engine.Files].
func (h *host) RemoveFile(_ engine.Grants, path string) error {
	return h.write("removing", path, func(r *os.Root, name string) error { return r.Remove(name) })
}

// RenameFile implements [engine.Files].
func (h *host) RenameFile(_ engine.Grants, from, to string) error {
	target, ok := below(h.tmp, to)
	if !ok {
		return &engine.NotGrantedError{What: "renaming to " + to, Grant: writeAdvice}
	}
	return h.write("renaming", from, func(r *os.Root, name string) error { return r.Rename(name, target) })
}

// write runs fn on the temporary directory and the name of a file in it.
func (h *host) write(doing, path string, fn func(r *os.Root, name string) error) error {
	name, ok := below(h.tmp, path)
	if !ok {
		return &engine.NotGrantedError{What: doing + " " + path, Grant: writeAdvice}
	}
	r, err := os.OpenRoot(h.tmp)
	if err != nil {
		return err
	}
	return errors.Join(fn(r, name), r.Close())
}

// workingDirectory is the one variable that a spec sees: older ones put it before package.path. What
// lies there can be read only where the plan says so.
const workingDirectory = "PWD"

// Getenv implements [engine.Host].
func (h *host) Getenv(string) (string, bool) {
	dir, err := os.Getwd()
	return dir, err == nil
}

// StateFiles implements [engine.Host]: state begins empty.
func (h *host) Interrupt() *engine.Interrupt                 { return nil }
func (h *host) StateFiles(string) (map[string][]byte, error) { return nil, nil }

// Module implements [engine.Host]. The sandbox looks for modules itself.
func (h *host) Module(_ context.Context, name string, _ []string) (engine.ModuleSource, error) {
	return engine.ModuleSource{}, fmt.Errorf("%w: %s", engine.ErrNoModule, name)
}
