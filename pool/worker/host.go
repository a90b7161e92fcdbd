package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/statefile"
)

// host is one session's view of the world.
type host struct {
	s *Sessions
	a *actor
}

func (s *Sessions) host(a *actor) engine.Host { return &host{s, a} }

func (h *host) Now() time.Time { return time.Now() }

func (h *host) Commit(ctx context.Context, c engine.Commit) error {
	contents, hashes := h.s.stored.missing(c.Contents)
	_, err := h.s.c.Store.Append(ctx, journal.Batch{
		SID: h.a.sid, Epoch: h.a.epoch, Owner: h.s.c.Worker.ID, After: c.After, Events: c.Events,
		Apply: c.Apply, Contents: contents, Summary: c.Summary, Sync: c.Sync,
	})
	if err == nil {
		h.s.stored.add(hashes)
	}
	return err
}

func (h *host) View(ctx context.Context, fn func(journal.Tx) error) error {
	return h.s.c.Store.View(ctx, fn)
}

func (h *host) Content(ctx context.Context, hash journal.ContentHash) ([]byte, error) {
	return h.s.c.Store.Content(ctx, hash)
}

func (h *host) Interrupt() *engine.Interrupt { return &h.a.interrupt }

func (h *host) Cards() *card.Store { return h.s.c.Cards }

// StateFiles reads what an original of this program left in the home.
func (h *host) StateFiles(ns string) (map[string][]byte, error) {
	if h.s.c.Home == "" {
		return nil, nil
	}
	return statefile.Read(filepath.Join(h.s.c.Home, "state"), ns)
}

// Module looks for name below the session's directories and the home's. The file must lie in
// the directory that it is found by, links included.
func (h *host) Module(_ context.Context, name string, paths []string) (engine.ModuleSource, error) {
	var tried []string
	rel, ok := modulePath(name)
	if !ok {
		return engine.ModuleSource{}, fmt.Errorf("%w: %q is not the name of a module", engine.ErrNoModule, name)
	}
	dirs := make([]string, 0, len(paths)+len(h.s.c.PackagePaths))
	dirs = append(append(dirs, paths...), h.s.c.PackagePaths...)
	for _, dir := range dirs {
		for _, file := range []string{rel + ".lua", filepath.Join(rel, "init.lua")} {
			src, err := readModule(dir, file)
			if err == nil {
				return engine.ModuleSource{ChunkName: filepath.ToSlash(file), Source: src}, nil
			}
			if !errors.Is(err, os.ErrNotExist) {
				return engine.ModuleSource{}, fmt.Errorf("%w: %w", engine.ErrNoModule, err)
			}
			tried = append(tried, "\n\tno file '"+filepath.Join(dir, file)+"'")
		}
	}
	if len(dirs) == 0 {
		tried = []string{": there is no directory to search, which alc run --lib would name"}
	}
	return engine.ModuleSource{}, fmt.Errorf("%w%s", engine.ErrNoModule, strings.Join(tried, ""))
}

// modulePath turns a.b into a/b and refuses names that would lead elsewhere.
func modulePath(name string) (string, bool) {
	if name == "" || len(name) > 256 || strings.ContainsAny(name, "/\\\x00") {
		return "", false
	}
	for _, part := range strings.Split(name, ".") {
		if part == "" {
			return "", false
		}
	}
	return filepath.Join(strings.Split(name, ".")...), true
}

// maxModule bounds the source of a module.
const maxModule = 16 << 20

// readModule reads a file below dir. The package's own directory, the first part of file, may be
// a link to elsewhere; inside it nothing leads out.
func readModule(dir, file string) ([]byte, error) {
	pkg, rest, nested := strings.Cut(file, string(filepath.Separator))
	root := dir
	if nested {
		root, file = filepath.Join(dir, pkg), rest
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	st, err := r.Stat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxModule {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", filepath.Join(root, file), maxModule)
	}
	return r.ReadFile(file)
}

// contentCache knows which contents are in the store, so that the code and the library that
// thousands of sessions share are not sent again and again.
type contentCache struct {
	mu    sync.Mutex
	known map[journal.ContentHash]struct{}
}

// maxKnown bounds the cache; when it is full it starts anew.
const maxKnown = 4096

func (c *contentCache) missing(contents []engine.Content) (missing [][]byte, hashes []journal.ContentHash) {
	if len(contents) == 0 {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range contents {
		if _, ok := c.known[p.Hash]; !ok {
			missing, hashes = append(missing, p.Body), append(hashes, p.Hash)
		}
	}
	return missing, hashes
}

func (c *contentCache) add(hashes []journal.ContentHash) {
	if len(hashes) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) > maxKnown {
		c.known = map[journal.ContentHash]struct{}{}
	}
	for _, h := range hashes {
		c.known[h] = struct{}{}
	}
}
