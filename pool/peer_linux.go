package pool

import "golang.org/x/sys/unix"

func peerUID(fd uintptr) (int, error) {
	cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}

// maxSockPath is how many bytes the path of a socket may have.
const maxSockPath = 107

// ownerOnly makes a socket that is about to be bound appear with mode 0600.
func ownerOnly(fd uintptr) error { return unix.Fchmod(int(fd), 0o600) }
