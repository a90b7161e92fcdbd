package pool

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/algocline/algocline/internal/confine"
	"github.com/algocline/algocline/internal/safefile"
	"github.com/algocline/algocline/journal/lock"
	"github.com/algocline/algocline/journal/procid"
)

// Dir is the pool directory of a home: a lock, a socket and a mark file for each worker, the
// workers' log, and the lock of whoever is starting one.
func Dir(home string) string { return filepath.Join(home, "state", "pool") }

// The files of the pool directory.
const (
	workerPrefix = "w-"
	lockSuffix   = ".lock"
	sockSuffix   = ".sock"
	markSuffix   = ".mark"
	startLock    = "start" + lockSuffix
	logName      = "worker.log"
)

// makeDir makes the pool directory, for its owner only, and checks that sockets fit in it.
func makeDir(home string) (string, error) {
	dir := Dir(home)
	if err := checkPath(filepath.Join(dir, longestName)); err != nil {
		return "", err
	}
	if err := safefile.MkdirAll(dir); err != nil {
		return "", fmt.Errorf("making the pool directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("looking at the pool directory: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return "", fmt.Errorf("closing the pool directory to others: %w", err)
		}
	}
	return dir, nil
}

// longestName is as long as the longest name of a socket.
const longestName = workerPrefix + "4194304-00000000" + sockSuffix

// Place is where a worker keeps what others find it by.
type Place struct {
	Dir  string
	Lock string // held as long as the worker lives
	Sock string
	Mark string // for the worker's mapped file
	// DeadMarks are the marks that dead workers left; they are removed once the worker has
	// been opened.
	DeadMarks []string
	// Lone says that the worker serves one session alone; that session may have grants for
	// directories that are not in Write.
	Lone  bool
	Write []string // below which the worker may change files; nil is anywhere
}

func newPlace(dir string) Place {
	var r [4]byte
	rand.Read(r[:])
	base := filepath.Join(dir, fmt.Sprintf("%s%d-%s", workerPrefix, os.Getpid(), hex.EncodeToString(r[:])))
	return Place{Dir: dir, Lock: base + lockSuffix, Sock: base + sockSuffix, Mark: base + markSuffix}
}

// identity is what a worker that is ready writes into its lock file: how to reach it, and what
// its process is, so that no other is ever ended in its place.
type identity struct {
	PID        int    `json:"pid"`
	Start      uint64 `json:"start"` // of the process, see package procid
	Version    string `json:"version"`
	Durability string `json:"durability"`
	Sock       string `json:"sock"`
	StartedAt  string `json:"started_at"` // RFC 3339
	Single     bool   `json:"single,omitempty"`
	Lone       bool   `json:"lone,omitempty"`

	Confinement *confine.Report `json:"confinement,omitempty"`

	lock string
}

func (id identity) info() WorkerInfo {
	info := WorkerInfo{
		PID: id.PID, Version: id.Version, StartedAt: id.StartedAt, Sock: id.Sock, Durability: id.Durability, Confinement: id.Confinement,
	}
	if id.Lone {
		info.Isolation = IsolationProcess
	}
	return info
}

func newIdentity(p Process, place Place) (identity, error) {
	self, err := procid.Self()
	if err != nil {
		return identity{}, err
	}
	return identity{
		PID: self.PID, Start: self.Start, Version: p.Version, Durability: p.Durability, Sock: place.Sock,
		StartedAt: time.Now().UTC().Format(time.RFC3339Nano), Single: p.Sock != "", lock: place.Lock,
	}, nil
}

func (id identity) write(l *lock.Lock) error {
	text, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("writing %s: %w", l.Path(), err)
	}
	if _, err := l.File().WriteAt(append(text, '\n'), 0); err != nil {
		return fmt.Errorf("writing %s: %w", l.Path(), err)
	}
	return nil
}

// scan returns the live workers of a pool directory, the oldest first. One that is not ready
// yet, or is none of ours, is left out.
func scan(dir string) ([]identity, error) {
	names, err := workerFiles(dir, lockSuffix)
	if err != nil {
		return nil, err
	}
	var live []identity
	for _, path := range names {
		alive, err := lock.Alive(path)
		if err != nil {
			return nil, err
		}
		if !alive {
			continue
		}
		if id, ok := readIdentity(path); ok {
			live = append(live, id)
		}
	}
	sort.SliceStable(live, func(i, j int) bool { return live[i].StartedAt < live[j].StartedAt })
	return live, nil
}

func readIdentity(path string) (id identity, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &id) != nil {
		return identity{}, false // not written yet, or gone again
	}
	id.lock = path
	return id, id.Sock != "" && id.PID > 0
}

// workerFiles lists the files of workers with a suffix.
func workerFiles(dir, suffix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the pool directory: %w", err)
	}
	var out []string
	for _, e := range entries {
		if n := e.Name(); strings.HasPrefix(n, workerPrefix) && strings.HasSuffix(n, suffix) {
			out = append(out, filepath.Join(dir, n))
		}
	}
	return out, nil
}

// sweep removes the sockets and locks of workers whose lock proves that they are dead, and
// returns the marks that dead workers left.
func sweep(dir string) (deadMarks []string, err error) {
	locks, err := workerFiles(dir, lockSuffix)
	if err != nil {
		return nil, err
	}
	for _, path := range locks {
		if err := bury(path); err != nil {
			return nil, err
		}
	}
	if err := removeHalfMade(dir); err != nil {
		return nil, err
	}
	return dead(dir, markSuffix)
}

// removeHalfMade removes marks that were being made when their worker died.
func removeHalfMade(dir string) error {
	paths, err := workerFiles(dir, "")
	if err != nil {
		return err
	}
	for _, path := range paths {
		base, _, halfMade := strings.Cut(filepath.Base(path), markSuffix+".")
		if !halfMade {
			continue
		}
		alive, err := lock.Alive(filepath.Join(dir, base+lockSuffix))
		if err != nil {
			return err
		}
		if alive {
			continue
		}
		if err := remove([]string{path}); err != nil {
			return err
		}
	}
	return nil
}

// dead lists the files with a suffix whose worker is dead.
func dead(dir, suffix string) ([]string, error) {
	paths, err := workerFiles(dir, suffix)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, path := range paths {
		alive, err := lock.Alive(strings.TrimSuffix(path, suffix) + lockSuffix)
		if err != nil {
			return nil, err
		}
		if !alive {
			out = append(out, path)
		}
	}
	return out, nil
}

// bury removes the lock file and the socket of a dead worker.
func bury(path string) error {
	l, err := lock.Try(path)
	if errors.Is(err, lock.ErrHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	sock := strings.TrimSuffix(path, lockSuffix) + sockSuffix
	if err := os.Remove(sock); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("removing a dead worker's socket: %w", err), l.Release())
	}
	return l.Remove()
}
