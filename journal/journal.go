// Package journal is the durable history of sessions: the kinds of events, their chained
// checksums, and the [Store] that keeps them together with the state that scripts write.
//
// A session is a sequence of events (sid, seq, kind, body) whose seq starts at 1 and has no
// gaps. To the journal a body is bytes; the engine knows what is in it. Every event carries a
// checksum chained to the one before, so that a history that was cut, reordered or flipped in
// one bit is found when it is read.
//
// The law of the store: an append names the seq it follows and the epoch it holds, all or
// nothing of it is committed, and nobody is told of anything before the events that explain it
// are durable. An append of which it is not known whether it was committed fails with
// [UncertainError]; whoever gets it drops what it holds in memory and reads the head again.
//
// Start with [Store] and [Batch]; package journaltest has the suite that every store passes.
package journal

import (
	"context"
	"time"
)

// Kind says what an event records. The texts are stored: they never change.
type Kind string

// The kinds of events.
const (
	Started  Kind = "started"  // code, ctx, seed, limits, grants, versions
	Module   Kind = "module"   // a require and its outcome
	Read     Kind = "read"     // a value read from the world
	Effect   Kind = "effect"   // a change of the world, committed with the change
	Asked    Kind = "asked"    // queries shown to the host: a pause
	Answered Kind = "answered" // one answer
	Finished Kind = "finished" // completed, failed or cancelled
	Forked   Kind = "forked"   // first event of a fork: parent sid and seq
)

// Event is one entry of a session's history.
type Event struct {
	Seq  int64     // 1, 2, 3 …
	Kind Kind      //
	At   time.Time // when it was made; microseconds are kept
	Path string    // the alc.fork child that made it, "" for the session itself
	Body []byte    // opaque here
	Sum  Sum       // chained checksum, set by Seal
}

// State is where a session stands.
type State string

// The states of a session. Running means an unfinished step: its worker died between an effect
// and the next pause, or it is at work now.
const (
	StateRunning   State = "running"
	StatePaused    State = "paused"
	StateCompleted State = "completed"
	StateFailed    State = "failed"
	StateCancelled State = "cancelled"
)

// Ended tells whether a session in this state can go on no more.
func (s State) Ended() bool { return s == StateCompleted || s == StateFailed || s == StateCancelled }

// Summary is what a list of sessions shows without reading their events.
type Summary struct {
	State    State
	Strategy string // "" when not started by name
	Open     int    // queries open
	LLMCalls int64  // queries asked so far
}

// Head is the end of a session's history and who owns it.
type Head struct {
	SID       string
	Seq       int64 // of the last committed event
	Sum       Sum   // of the last committed event
	Epoch     int64 // rises when the session changes hands
	Owner     WorkerID
	Summary   Summary
	CreatedAt time.Time
	UpdatedAt time.Time
}

// WorkerID names a registered worker within one journal; 0 is nobody.
type WorkerID int64

// Worker is a process that may own sessions. It is alive as long as it holds the exclusive lock
// on its lock file; the pid is for people, never for deciding.
type Worker struct {
	ID        WorkerID
	LockPath  string
	Sock      string
	PID       int
	Version   string
	BootID    string
	StartedAt time.Time
}

// Batch is one append: events of one session and the effects that belong to them.
type Batch struct {
	SID    string
	Epoch  int64 // held by the writer; 1 for a new session
	Owner  WorkerID
	After  int64 // seq that the first event follows; 0 creates the session
	Events []Event
	// Apply makes the effects of the batch and returns the events that record them; they follow
	// Events. It may run more than once, only its last run counts, and it must not keep the Tx.
	// An error of its own is an error of the append, which then leaves no trace. May be nil.
	Apply func(Tx) ([]Event, error)
	// Contents are stored under their ContentHash in the same transaction (code, library, modules).
	Contents [][]byte
	Summary  Summary // the session's after this batch
	Sync     bool    // whether the commit must be on disk before Append returns
}

// Tx is a transaction as an effect sees it: what is committed, what this group has written
// before it, and its own writes. Values are JSON texts. Not safe for concurrent use.
type Tx interface {
	// StateGet returns the value of key in namespace ns; ok is false when there is none.
	StateGet(ns, key string) (val []byte, ok bool, err error)
	StateSet(ns, key string, val []byte) error
	// StateDelete tells whether there was something to delete.
	StateDelete(ns, key string) (existed bool, err error)
	// StateKeys returns the keys of a namespace, sorted bytewise.
	StateKeys(ns string) ([]string, error)
	// StateNamespaces returns the namespaces that have a key, sorted bytewise.
	StateNamespaces() ([]string, error)
}

// Store keeps the sessions of one home. All methods are safe for concurrent use and block until
// the answer is known. A cancelled context ends waiting, never a commit that has begun: an
// Append that was handed over is always carried to its outcome.
type Store interface {
	// Append commits a batch and returns the new head. Errors: [ErrExists] (After is 0 and the
	// sid is taken), [ErrNotFound], [*ConflictError] (another seq), [*StaleEpochError] (the
	// epoch or owner is no longer the writer's), the error of Apply, [*UncertainError].
	Append(ctx context.Context, b Batch) (Head, error)
	// Acquire makes the worker the owner of a session and raises its epoch. It asks alive about
	// the present owner: a live one is never robbed, the error is [*OwnedError] then. Acquiring
	// what one owns already returns the head unchanged. The takeover is synced.
	Acquire(ctx context.Context, sid string, by WorkerID, alive func(Worker) bool) (Head, error)
	// Head returns a session's head, or [ErrNotFound].
	Head(ctx context.Context, sid string) (Head, error)
	// Events returns a session's head and its events after seq `after`, oldest first, checksums
	// verified from the first event on when after is 0. A broken chain is a [*CorruptError].
	Events(ctx context.Context, sid string, after int64) (Head, []Event, error)
	// List returns heads, newest change first, at most limit of them.
	List(ctx context.Context, f Filter) ([]Head, error)
	// Count returns how many sessions are in each state.
	Count(ctx context.Context) (map[State]int64, error)
	// Nearest returns up to n sids that look most like sid.
	Nearest(ctx context.Context, sid string, n int) ([]string, error)
	// Content returns what was stored under a hash, or [ErrNotFound].
	Content(ctx context.Context, h ContentHash) ([]byte, error)
	// View runs fn on committed state, outside any append.
	View(ctx context.Context, fn func(Tx) error) error
	// Register makes a worker known and returns its id; Worker reads it back.
	Register(ctx context.Context, w Worker) (WorkerID, error)
	Worker(ctx context.Context, id WorkerID) (Worker, error)
	// Sync returns when everything committed before the call is on disk. It costs nothing when
	// it already is.
	Sync(ctx context.Context) error
	// HighWater is how far the journal is known to be on disk, as a number that only grows: the
	// last synced commit's, for the worker's mapped file.
	HighWater() int64
	// Close waits for appends in flight and releases the store. Later calls fail with ErrClosed.
	Close() error
}

// Filter selects sessions for List. The zero value selects everything.
type Filter struct {
	States []State
	Owner  WorkerID // 0: any
	Limit  int      // 0: 1000
}
