package engine

import (
	"context"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/journal"
)

// Host is what a session knows of the world. One Host belongs to one session. Its methods are
// called by the goroutine that steps the session and may block.
type Host interface {
	// Now is the time that events and reads carry.
	Now() time.Time
	// Commit appends to the session's journal, all or nothing. After an error nothing is known
	// about it and the session must be dropped and restored.
	Commit(ctx context.Context, c Commit) error
	// View reads committed state.
	View(ctx context.Context, fn func(journal.Tx) error) error
	// Module finds the source of a module for require. ErrNoModule when no directory has it;
	// the error's text names the files that were tried.
	Module(ctx context.Context, name string, paths []string) (ModuleSource, error)
	// Content returns a stored code, library or module by its hash.
	Content(ctx context.Context, h journal.ContentHash) ([]byte, error)
	// StateFiles returns what the original's files hold of a namespace of state, as JSON texts by
	// key; nil when there are none. A namespace that begins with a slash is a directory of files,
	// one a key. A MalformedError of package statefile is told to the script; any other error breaks the session.
	StateFiles(ns string) (map[string][]byte, error)
	// Cards is the store of the home's cards, nil when there is none.
	Cards() *card.Store
	// Getenv reads a variable of the environment. The session has checked the grant.
	Getenv(name string) (string, bool)
	// Interrupt is what cancels the session while it is stepped, always the same; nil for nothing.
	Interrupt() *Interrupt
	Files
}

// ModuleSource is a module that was found.
type ModuleSource struct {
	ChunkName string // as it appears in error messages, such as "cot/init.lua"
	Source    []byte
}

// Content is a text that events name by its hash.
type Content struct {
	Hash journal.ContentHash
	Body []byte
}

// Commit is one append to the session's journal.
type Commit struct {
	After    int64 // seq of the last event known to be committed
	Events   []journal.Event
	Apply    func(journal.Tx) ([]journal.Event, error) // as journal.Batch has it; may be nil
	Contents []Content
	Summary  journal.Summary
	Sync     bool // the commit backs a reply: it must be on disk
}
