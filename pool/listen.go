package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// SameUser is an error unless the process at the other end of a Unix-domain connection runs as
// the same user as this one.
func SameUser(conn net.Conn) error {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return errors.New("not a Unix-domain connection: the caller's user is not known")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return fmt.Errorf("asking for the caller's user: %w", err)
	}
	var uid int
	var cerr error
	if err := raw.Control(func(fd uintptr) { uid, cerr = peerUID(fd) }); err != nil {
		return fmt.Errorf("asking for the caller's user: %w", err)
	}
	if cerr != nil {
		return fmt.Errorf("asking for the caller's user: %w", cerr)
	}
	if own := os.Geteuid(); uid != own {
		return fmt.Errorf("the caller is user %d, this worker serves user %d alone", uid, own)
	}
	return nil
}

// Listen opens the socket of a worker, for its owner only. A socket file that nobody listens on
// any more is replaced; one that is in use is an error, and so is a path that the system cannot
// bind ([*PathTooLongError]).
func Listen(ctx context.Context, path string) (net.Listener, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	ln, err := bind(ctx, path)
	if errors.Is(err, syscall.EADDRINUSE) && deserted(ctx, path) {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replacing an old socket: %w", err)
		}
		ln, err = bind(ctx, path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("closing the socket to others: %w", err), ln.Close())
	}
	return ln, nil
}

func bind(ctx context.Context, path string) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var cerr error
		if err := c.Control(func(fd uintptr) { cerr = ownerOnly(fd) }); err != nil {
			return err
		}
		return cerr
	}}
	return lc.Listen(ctx, "unix", path)
}

// deserted tells whether path is a socket on which nobody listens.
func deserted(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func checkPath(path string) error {
	if len(path) > maxSockPath {
		return &PathTooLongError{path, maxSockPath}
	}
	return nil
}

// isShortage tells an error of accept that passes from one that stays.
func isShortage(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.EINTR, syscall.EAGAIN} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
