// Package lock is how a process shows that it lives: it holds an exclusive advisory lock on a
// file of its own. The kernel releases the lock when the process is gone, however it went, so
// nobody has to trust a pid or a clock.
//
// The lock is an open file description lock of fcntl(2): it belongs to the open file, not to the
// process. Within one process two [Acquire] of one path exclude each other like those of two
// processes, and opening and closing the file elsewhere in the process releases nothing. The
// descriptor is close-on-exec; a child that was forked without exec would share the lock and keep
// it alive. Asking for the holder takes no lock: [Alive] disturbs nobody.
//
// The file stays where it is when the lock is released. Whoever removes a lock file must hold
// its lock while doing so: [Lock.Remove] does.
package lock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// ErrHeld is what taking a lock fails with when another holds it.
var ErrHeld = errors.New("the lock is held by another")

// Lock is a held lock. Its methods are safe for concurrent use.
type Lock struct {
	f    *os.File
	path string
}

// Try takes the lock on path without waiting; the file is made with mode 0600 when it is
// missing. A lock that another holds is [ErrHeld].
func Try(path string) (*Lock, error) { return take(path, tryExclusive) }

// take opens path and locks it, until the file it has locked is the one at path: a file that was
// removed between the two counts no more.
func take(path string, how func(*os.File) error) (*Lock, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("opening lock file: %w", err)
		}
		if err := how(f); err != nil {
			return nil, fmt.Errorf("locking %s: %w", path, errors.Join(err, f.Close()))
		}
		current, err := isCurrent(f, path)
		if current && err == nil {
			return &Lock{f: f, path: path}, nil
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// Acquire takes the lock on path and waits as long as another holds it. When the context ends
// first its error is returned; the kernel's wait cannot be called off, so it goes on in the
// background until the holder is gone, and the lock is then given up at once.
func Acquire(ctx context.Context, path string) (*Lock, error) {
	type outcome struct {
		l   *Lock
		err error
	}
	if l, err := Try(path); !errors.Is(err, ErrHeld) {
		return l, err
	}
	got := make(chan outcome)
	go func() {
		l, err := take(path, waitExclusive)
		select {
		case got <- outcome{l, err}:
		case <-ctx.Done():
			if l != nil {
				_ = l.Release() // nobody is left to be told
			}
		}
	}()
	select {
	case o := <-got:
		return o.l, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Wait returns when nobody holds the lock on path, or the context has ended; its wait in the
// kernel ends as that of [Acquire]. A file that does not exist is not locked.
func Wait(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening lock file: %w", err)
	}
	got := make(chan error, 1)
	go func() {
		_, err := fcntl(f, ofdSetWait, unix.F_RDLCK)
		got <- errors.Join(err, f.Close())
	}()
	select {
	case err := <-got:
		if err != nil {
			return fmt.Errorf("waiting for the lock on %s: %w", path, err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Alive tells whether a process holds the lock on path, this one included. It does not block.
func Alive(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening lock file: %w", err)
	}
	held, err := heldExclusive(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return false, fmt.Errorf("asking for the lock on %s: %w", path, err)
	}
	return held, nil
}

// Path is the locked file.
func (l *Lock) Path() string { return l.path }

// File is the locked file; whoever holds the lock may write into it. It must not be closed.
func (l *Lock) File() *os.File { return l.f }

// Release gives the lock up and leaves the file. Releasing twice is an error.
func (l *Lock) Release() error {
	if err := l.f.Close(); err != nil {
		return fmt.Errorf("releasing the lock on %s: %w", l.path, err)
	}
	return nil
}

// Remove deletes the file and gives the lock up.
func (l *Lock) Remove() error {
	err := os.Remove(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.Release())
}

func waitExclusive(f *os.File) error {
	_, err := fcntl(f, ofdSetWait, unix.F_WRLCK)
	return err
}

// tryExclusive does not take somebody who only waits for the holder's end for a holder.
func tryExclusive(f *os.File) error {
	for {
		_, err := fcntl(f, ofdSet, unix.F_WRLCK)
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return err
		}
		if held, err := heldExclusive(f); err != nil {
			return err
		} else if held {
			return ErrHeld
		}
	}
}

func heldExclusive(f *os.File) (bool, error) {
	kind, err := fcntl(f, ofdGet, unix.F_RDLCK)
	return kind != unix.F_UNLCK, err
}

// fcntl does a lock operation on the whole file and returns the type of lock that it found.
func fcntl(f *os.File, cmd int, kind int16) (found int16, err error) {
	rc, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	lk := unix.Flock_t{Type: kind}
	var lerr error
	if err := rc.Control(func(fd uintptr) {
		for {
			if lerr = unix.FcntlFlock(fd, cmd, &lk); lerr != unix.EINTR {
				return
			}
		}
	}); err != nil {
		return 0, err
	}
	return lk.Type, lerr
}

// isCurrent tells whether f is still the file at path.
func isCurrent(f *os.File, path string) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("looking at lock file: %w", err)
	}
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at lock file: %w", err)
	}
	return os.SameFile(mine, there), nil
}
