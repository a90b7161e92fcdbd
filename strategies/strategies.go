// Package strategies is the bundled collection: one folder a strategy, embedded in the program.
//
// A folder holds init.lua (the module, with M.meta and M.run), README.md, example.json (a ctx to
// try it with) and recording.jsonl (answers to that example, written by hand). [Names] lists the
// strategies, [Get] returns one and [Install] puts them where require finds them.
package strategies

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

//go:embed */init.lua */README.md */example.json */recording.jsonl
var files embed.FS

// ErrUnknown is a name that no bundled strategy has.
var ErrUnknown = errors.New("no bundled strategy has this name")

// Strategy is one bundled strategy.
type Strategy struct {
	Name      string
	Source    []byte          // init.lua
	Example   json.RawMessage // a ctx to try it with
	Recording []byte          // answers to the example; see package llm/recording
}

// Names returns the names of all bundled strategies, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // an embedded root can always be read
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// Get returns a bundled strategy, or [ErrUnknown].
func Get(name string) (Strategy, error) {
	if !slices.Contains(Names(), name) {
		return Strategy{}, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	s := Strategy{Name: name}
	for file, into := range map[string]*[]byte{
		"init.lua":        &s.Source,
		"example.json":    (*[]byte)(&s.Example),
		"recording.jsonl": &s.Recording,
	} {
		p, err := files.ReadFile(name + "/" + file)
		if err != nil {
			return Strategy{}, fmt.Errorf("reading the bundled strategy %s: %w", name, err)
		}
		*into = p
	}
	return s, nil
}

// Install writes the modules of all bundled strategies below dir, as dir/NAME/init.lua. What is
// there already with the same content is not touched, and a file is never seen half written, so
// that several processes may install at once.
func Install(dir string) error {
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(path) != "init.lua" {
			return err
		}
		p, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		if err := place(filepath.Join(dir, filepath.FromSlash(path)), p); err != nil {
			return fmt.Errorf("installing the bundled strategy %s: %w", filepath.Dir(path), err)
		}
		return nil
	})
}

func place(path string, content []byte) (err error) {
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".init-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
