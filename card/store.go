package card

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Options are what a [Store] may be given beside its root.
type Options struct {
	// Sinks are directories that mirror every write, as "file://" URIs.
	Sinks []string
}

// Store is the cards below one directory, which need not exist yet.
type Store struct {
	root  string
	sinks []sink
	// failures counts what could not be written to a mirror.
	failures atomic.Int64

	mu     sync.Mutex
	parsed map[string]parsed // by file
}

// parsed is a card's file as it was read.
type parsed struct {
	state os.FileInfo
	card  map[string]any
}

// maxParsed bounds the cache; when it is full it starts anew.
const maxParsed = 20_000

// Open returns the store below root, an absolute path. It touches no file. A sink that is not a
// "file://" URI with an absolute path is an error.
func Open(root string, o Options) (*Store, error) {
	s := &Store{root: root, parsed: map[string]parsed{}}
	for _, uri := range o.Sinks {
		sk, err := parseSink(uri)
		if err != nil {
			return nil, err
		}
		s.sinks = append(s.sinks, sk)
	}
	return s, nil
}

const (
	cardSuffix    = ".toml"
	samplesSuffix = ".samples.jsonl"
	aliasFile     = "_aliases.toml"
	lockFile      = ".lock"
	// maxName keeps the longest file name, that of a temporary file, within 255 bytes.
	maxName = 200
)

// checkName refuses what cannot be part of a path. A leading dot is kept for the store's own files.
func checkName(what, name string) error {
	if name == "" || len(name) > maxName || name[0] == '.' || name == aliasFile ||
		strings.ContainsAny(name, "/\\\x00") || strings.Contains(name, "..") {
		return refuse("Invalid %s name: '%s'", what, name)
	}
	return nil
}

func (s *Store) cardPath(pkg, id string) string {
	return filepath.Join(s.root, pkg, id+cardSuffix)
}

func (s *Store) samplesPath(pkg, id string) string {
	return filepath.Join(s.root, pkg, id+samplesSuffix)
}

// packages returns the package directories, sorted.
func (s *Store) packages() ([]string, error) {
	entries, err := os.ReadDir(s.root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing cards: %w", err)
	}
	var names []string
	for _, e := range entries {
		if checkName("pkg", e.Name()) != nil {
			continue
		}
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// find returns the package directory that has a card: the first one, "" when none has.
func (s *Store) find(id string) (pkg string, err error) {
	if err := checkName("card_id", id); err != nil {
		return "", err
	}
	pkgs, err := s.packages()
	if err != nil {
		return "", err
	}
	for _, p := range pkgs {
		if ok, err := exists(s.cardPath(p, id)); ok || err != nil {
			return p, err
		}
	}
	return "", nil
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Get returns a card, nil when there is none. It must not be changed. A file that is no TOML is a
// [Refusal].
func (s *Store) Get(id string) (map[string]any, error) {
	pkg, err := s.find(id)
	if err != nil || pkg == "" {
		return nil, err
	}
	return s.read(pkg, id)
}

// read returns the card in a file, nil when there is none.
func (s *Store) read(pkg, id string) (map[string]any, error) {
	file := s.cardPath(pkg, id)
	st, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	p, ok := s.parsed[file]
	s.mu.Unlock()
	if ok && os.SameFile(p.state, st) && p.state.ModTime().Equal(st.ModTime()) && p.state.Size() == st.Size() {
		return p.card, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := decodeTOML(data)
	if err != nil {
		return nil, refuse("Failed to parse card '%s': %s: %v", id, file, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.parsed) >= maxParsed {
		clear(s.parsed)
	}
	s.parsed[file] = parsed{st, c}
	return c, nil
}

// row is a card where it lies.
type row struct {
	pkg  string
	id   string // as in the file's name
	card map[string]any
}

// rows returns all cards, of one package unless pkg is "", in the order of their paths. What
// cannot be read is left out.
func (s *Store) rows(pkg string) ([]row, error) {
	pkgs := []string{pkg}
	if pkg == "" {
		var err error
		if pkgs, err = s.packages(); err != nil {
			return nil, err
		}
	} else if err := checkName("pkg", pkg); err != nil {
		return nil, err
	}
	var rows []row
	for _, p := range pkgs {
		ids, err := s.ids(p)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if c, err := s.read(p, id); err == nil && c != nil {
				rows = append(rows, row{p, id, c})
			}
		}
	}
	return rows, nil
}

// ids returns the names of the cards in a package directory, sorted.
func (s *Store) ids(pkg string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.root, pkg))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing cards: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), cardSuffix); ok && checkName("card_id", id) == nil && !e.IsDir() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// SinkFailures is how often a mirror could not be written since the store was opened.
func (s *Store) SinkFailures() int64 { return s.failures.Load() }
