// Package sqlite keeps the journal in one SQLite database: the [journal.Store] of a home on one
// machine.
//
// [Open] is where to start. A store that writes has one goroutine that writes, the writer:
// appends queue up, and whatever has queued up while a commit ran shares the next one. Several
// processes may write to one home; a lock file, the ticket, lines them up. Readers have
// connections of their own and wait for nobody. What a failed disk calls for is in doubt.go.
//
// The database is in WAL mode. A synced commit is one sync of the log; folding the log back into
// the database happens on a goroutine of its own. Nothing in here opens the database's files by
// other means than SQLite: closing such a descriptor would drop SQLite's locks.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/algocline/algocline/internal/safefile"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/mark"
	"github.com/mattn/go-sqlite3"
)

// Durability says what an acknowledged append survives.
type Durability string

// The durabilities. With Full, a synced append is on the disk and survives power loss. With
// Process, no commit is synced: appends survive the death of any process, not a power cut, after
// which the journal is whole but may end earlier.
const (
	Full    Durability = "full"
	Process Durability = "process"
)

// Options of [Open]. The zero value is a writing store with full durability.
type Options struct {
	Durability Durability
	// ReadOnly is for those who only look: it creates nothing and works beside any writer.
	ReadOnly bool
	// Marks are the files of package mark that workers of this home have left, dead ones
	// included. A journal that ends before what one of them says was acknowledged is not
	// opened: the error is a [journal.ShortfallError]. Missing files are passed over.
	Marks []string
	// VFS names a registered SQLite VFS, for fault injection.
	VFS string
	// WALLimit is the size in bytes that the write-ahead log is kept near; 0 means 64 MiB.
	WALLimit int64
	// CacheSessions is how many sessions' heads are kept in memory; 0 means 100,000.
	CacheSessions int
	// CacheSize is what the writer may keep of the file in memory, each reader an eighth; 0 means 64 MiB.
	CacheSize int64
	// Patience is how long a writer of another process that was stopped inside its commit is
	// waited for before it is ended, and how long readers and other processes may keep the log
	// from being begun anew after a failed write; 0 means 2 s.
	Patience time.Duration
	// Logger gets what has no caller to return to: a failed checkpoint, an ended writer.
	Logger *slog.Logger
}

// Names within the journal's directory.
const (
	databaseName = "journal.db"
	ticketName   = "ticket"
	holdName     = "hold"
)

// pageSize in bytes. Over 100,000 sessions larger pages were no faster and wrote more.
const pageSize = 4096

// minSQLite is the oldest library that is trusted with a log that is written and folded back at
// once (3.51.3).
const minSQLite = 3051003

// Store is a [journal.Store] on SQLite.
type Store struct {
	opts Options
	path string
	log  *slog.Logger

	queue   *queue
	cache   *sessionCache
	known   *contentSet
	readers *readers
	ticket  *ticket // nil in a store that only reads
	hold    *hold
	w       *writer // for its own goroutine, and for Close after that

	committed, synced atomic.Int64 // ids of the last such rows of the log
	instance          [16]byte
	mark              atomic.Pointer[mark.File]

	checkpoint chan struct{} // a token asks for one
	logSize    atomic.Int64  // of the log in bytes, when it was folded last
	fold       atomic.Bool   // asks the writer to fold the rest of the log back

	folding sync.Mutex // guards the two below; held while the log is folded back
	folder  *conn      // the checkpointer's; nil until it is needed
	guard   *conn      // reads only, and is closed last when the log must not be folded back

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup // readers at work
	work   sync.WaitGroup // own goroutines
	done   chan struct{}  // closed when the writer has ended
	err    error          // of Close
	once   sync.Once
}

var _ journal.Store = (*Store)(nil)

// Open opens the journal in dir, which is created with its database when it is missing, unless
// opts.ReadOnly: then a missing journal is [journal.ErrNotFound]. A journal of a newer schema is
// [journal.ErrSchema].
func Open(ctx context.Context, dir string, opts Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := opts.fill(); err != nil {
		return nil, err
	}
	if lib, n, _ := sqlite3.Version(); n < minSQLite {
		return nil, fmt.Errorf("SQLite %s can corrupt a journal; alc must be built with 3.51.3 or newer", lib)
	}
	s := &Store{
		opts: opts, path: filepath.Join(dir, databaseName), log: opts.Logger,
		cache: newSessionCache(opts.CacheSessions), known: newContentSet(),
		queue: newQueue(), checkpoint: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.readers = newReaders(s.openReader)
	if opts.ReadOnly {
		if err := s.openReading(dir); err != nil {
			return nil, err
		}
		return s, nil
	}
	if err := s.openWriting(dir); err != nil {
		return nil, err
	}
	return s, nil
}

func (o *Options) fill() error {
	switch o.Durability {
	case "":
		o.Durability = Full
	case Full, Process:
	default:
		return fmt.Errorf("unknown durability %q: it is %q or %q", o.Durability, Full, Process)
	}
	if o.WALLimit == 0 {
		o.WALLimit = 64 << 20
	}
	if o.CacheSessions == 0 {
		o.CacheSessions = 100_000
	}
	if o.CacheSize == 0 {
		o.CacheSize = 64 << 20
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

// openReading opens a journal that is there.
func (s *Store) openReading(dir string) (err error) {
	if s.hold, err = openHold(filepath.Join(dir, holdName), true, s.opts.Patience); err != nil {
		return err
	}
	if err := s.openExisting(); err != nil {
		return errors.Join(err, s.readers.close(), s.hold.close())
	}
	s.work.Add(1)
	go s.watch(s.readers.closeIdle)
	return nil
}

// openExisting checks that there is a journal this version can read.
func (s *Store) openExisting() error {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return notFound("the database", s.path)
	} else if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	if err := checkFilesystem(filepath.Dir(s.path)); err != nil {
		return err
	}
	return s.read(context.Background(), func(c *conn) error {
		v, err := userVersion(c)
		if err != nil {
			return wrapSQL(s.path, "reading", err)
		}
		if v == 0 {
			return notFound("the database", s.path)
		}
		if v > schemaVersion {
			return checkWriter(c)
		}
		return nil
	})
}

// openWriting makes the directory and the database and starts the goroutines.
func (s *Store) openWriting(dir string) error {
	if err := safefile.MkdirAll(dir); err != nil {
		return fmt.Errorf("making the journal's directory: %w", err)
	}
	if err := checkFilesystem(dir); err != nil {
		return err
	}
	var err error
	if s.hold, err = openHold(filepath.Join(dir, holdName), false, s.opts.Patience); err != nil {
		return err
	}
	if s.ticket, err = openTicket(filepath.Join(dir, ticketName), s.opts.Patience, s.log); err != nil {
		return errors.Join(err, s.hold.close())
	}
	s.w = &writer{s: s}
	if err := s.start(s.w); err != nil {
		return errors.Join(err, s.closeUnfolded(s.w, nil), s.ticket.close(), s.hold.close())
	}
	s.ticket.meanwhile = s.w.yield
	s.work.Add(3)
	go func() {
		defer s.work.Done()
		defer close(s.done)
		s.w.loop()
	}()
	go s.checkpointer()
	go s.watch(s.nudge)
	return nil
}

// start opens the writer's connection under the ticket: nobody else may migrate meanwhile.
func (s *Store) start(w *writer) error {
	release, err := s.ticket.lock()
	if err != nil {
		return err
	}
	defer release()
	// Marks are compared through a reader, which leaves everything as it is: whoever closes a
	// writing connection folds the log back.
	if err := s.checkMarks(); err != nil {
		return err
	}
	if err := makePrivate(s.path); err != nil {
		return err
	}
	if s.hold.doubts() > 0 {
		if err := w.settle(); err != nil {
			return err
		}
	} else {
		c, err := s.openWriter()
		if err != nil {
			return err
		}
		w.use(c)
	}
	if err := s.begin(w); err != nil {
		return wrapSQL(s.path, "opening", err)
	}
	// One that was opened before there was a log would guard nothing.
	return errors.Join(closeConn(&s.guard), w.open())
}

// makePrivate makes an empty database that only its owner can read; SQLite gives the files beside
// it the same mode. One that is there is not touched: closing it would drop SQLite's locks.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the journal: %w", err)
	}
	return f.Close()
}

// begin migrates and reads what the writer starts from.
func (s *Store) begin(w *writer) (err error) {
	if err := migrate(w.c); err != nil {
		return err
	}
	if s.instance, err = instance(w.c); err != nil {
		return err
	}
	if w.last, err = lastEvent(w.c); err != nil {
		return err
	}
	s.advance(w.last, false) // who wrote it last may not have synced it
	return nil
}

// advance records how far the log is committed and synced.
func (s *Store) advance(last int64, synced bool) {
	s.committed.Store(last)
	if synced || s.opts.Durability == Process {
		s.synced.Store(last)
	}
	if m := s.mark.Load(); m != nil {
		m.SetHighWater(last, s.onDisk())
	}
}

// onDisk is how far the log is known to be on the disk.
func (s *Store) onDisk() int64 {
	if s.opts.Durability == Process {
		return 0
	}
	return s.synced.Load()
}

// HighWater implements [journal.Store]: the id of the last row of the log that an acknowledged
// append may rely on.
func (s *Store) HighWater() int64 { return s.synced.Load() }

// Sync implements [journal.Store]. With process durability there is nothing to wait for.
func (s *Store) Sync(ctx context.Context) error {
	if s.opts.ReadOnly {
		return journal.ErrReadOnly
	}
	if s.opts.Durability == Process {
		return s.alive(ctx)
	}
	if synced := s.synced.Load(); synced == s.committed.Load() && s.hold.doubts() == 0 {
		// Other processes may have committed what this one has told somebody of.
		var last int64
		err := s.read(ctx, func(c *conn) (err error) {
			last, err = lastEvent(c)
			return wrapSQL(s.path, "reading the log's end in", err)
		})
		if err != nil || last <= synced {
			return err
		}
	}
	_, err := s.submit(ctx, true, 0, func(t *txn) (journal.Head, error) {
		return journal.Head{}, t.note("synced", 0, nil)
	})
	return err
}

func (s *Store) alive(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return journal.ErrClosed
	}
	return ctx.Err()
}

// enter counts a reader in, so that Close waits for it.
func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return journal.ErrClosed
	}
	s.users.Add(1)
	return nil
}
