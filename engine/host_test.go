package engine

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/journal"
)

// memHost is a journal and a world in memory.
type memHost struct {
	events   []journal.Event
	contents map[journal.ContentHash][]byte
	state    map[string][]byte
	modules  map[string]string
	cards    *card.Store
	disk     map[string]string
	writes   int
	files    map[string]map[string][]byte // of state, by namespace
	filesErr error
	now      time.Time
	commits  int
	syncs    int
	fail     error // what the next commit returns
	cancel   Interrupt
}

func newMemHost() *memHost {
	return &memHost{
		contents: map[journal.ContentHash][]byte{}, state: map[string][]byte{}, modules: map[string]string{}, disk: map[string]string{},
		now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

func (h *memHost) Now() time.Time {
	h.now = h.now.Add(time.Millisecond)
	return h.now
}

func (h *memHost) Commit(_ context.Context, c Commit) error {
	if h.fail != nil {
		return h.fail
	}
	if c.After != int64(len(h.events)) {
		return &journal.ConflictError{Want: c.After, Have: int64(len(h.events))}
	}
	evs := c.Events
	if c.Apply != nil {
		more, err := c.Apply(memTx{h})
		if err != nil {
			return err
		}
		evs = append(append([]journal.Event{}, evs...), more...)
	}
	for _, p := range c.Contents {
		h.contents[p.Hash] = p.Body
	}
	var prev journal.Sum
	if n := len(h.events); n > 0 {
		prev = h.events[n-1].Sum
	}
	for _, e := range evs {
		e.Seq = int64(len(h.events)) + 1
		e.Sum = journal.Seal(prev, &e)
		prev = e.Sum
		h.events = append(h.events, e)
	}
	h.commits++
	if c.Sync {
		h.syncs++
	}
	return nil
}

func (h *memHost) View(_ context.Context, fn func(journal.Tx) error) error { return fn(memTx{h}) }

func (h *memHost) Content(_ context.Context, hash journal.ContentHash) ([]byte, error) {
	p, ok := h.contents[hash]
	if !ok {
		return nil, journal.ErrNotFound
	}
	return p, nil
}

func (h *memHost) Interrupt() *Interrupt { return &h.cancel }

func (h *memHost) Cards() *card.Store { return h.cards }

func (h *memHost) Getenv(name string) (string, bool) { return "value of " + name, true }

func granted(dirs []string, path, grant string) error {
	for _, d := range dirs {
		if strings.HasPrefix(path, d+"/") {
			return nil
		}
	}
	return &NotGrantedError{What: "using " + path, Grant: grant}
}

func (h *memHost) ReadFile(g Grants, path string, max int64) ([]byte, error) {
	if err := granted(g.Read, path, "--allow-read=DIR"); err != nil {
		return nil, err
	}
	p, ok := h.disk[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(p), nil
}

func (h *memHost) WriteFile(g Grants, path string, data []byte, add bool) error {
	if err := granted(g.Write, path, "--allow-write=DIR"); err != nil {
		return err
	}
	h.writes++
	if add {
		data = append([]byte(h.disk[path]), data...)
	}
	h.disk[path] = string(data)
	return nil
}

func (h *memHost) RemoveFile(g Grants, path string) error {
	if err := granted(g.Write, path, "--allow-write=DIR"); err != nil {
		return err
	}
	delete(h.disk, path)
	return nil
}

func (h *memHost) RenameFile(g Grants, from, to string) error {
	if err := granted(g.Write, from, "--allow-write=DIR"); err != nil {
		return err
	}
	h.disk[to] = h.disk[from]
	delete(h.disk, from)
	return nil
}
func (h *memHost) StateFiles(ns string) (map[string][]byte, error) { return h.files[ns], h.filesErr }

func (h *memHost) Module(_ context.Context, name string, _ []string) (ModuleSource, error) {
	src, ok := h.modules[name]
	if !ok {
		return ModuleSource{}, fmt.Errorf("%w\n\tno file '%s.lua'", ErrNoModule, name)
	}
	return ModuleSource{ChunkName: name + ".lua", Source: []byte(src)}, nil
}

type memTx struct{ h *memHost }

func (t memTx) StateGet(ns, key string) ([]byte, bool, error) {
	v, ok := t.h.state[ns+"\x00"+key]
	return v, ok, nil
}

func (t memTx) StateSet(ns, key string, val []byte) error {
	t.h.state[ns+"\x00"+key] = val
	return nil
}

func (t memTx) StateDelete(ns, key string) (bool, error) {
	_, ok := t.h.state[ns+"\x00"+key]
	delete(t.h.state, ns+"\x00"+key)
	return ok, nil
}

func (t memTx) StateKeys(ns string) ([]string, error) {
	var keys []string
	for k := range t.h.state {
		if rest, ok := strings.CutPrefix(k, ns+"\x00"); ok {
			keys = append(keys, rest)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func (t memTx) StateNamespaces() ([]string, error) {
	seen := map[string]bool{}
	for k := range t.h.state {
		ns, _, _ := strings.Cut(k, "\x00")
		seen[ns] = true
	}
	return slices.Sorted(maps.Keys(seen)), nil
}
