package sqlite

import (
	"sync"

	"github.com/algocline/algocline/journal"
)

// contentSet remembers hashes that are known to be stored: the library and the bundled packages
// come with every new session.
type contentSet struct {
	mu  sync.Mutex
	set map[journal.ContentHash]struct{}
}

// knownContents bounds the set; when it is full it starts anew.
const knownContents = 4096

func newContentSet() *contentSet { return &contentSet{set: map[journal.ContentHash]struct{}{}} }

func (k *contentSet) has(h journal.ContentHash) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.set[h]
	return ok
}

func (k *contentSet) add(hs []journal.ContentHash) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.set)+len(hs) > knownContents {
		clear(k.set)
	}
	for _, h := range hs {
		k.set[h] = struct{}{}
	}
}

func (k *contentSet) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.set)
}
