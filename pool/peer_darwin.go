package pool

import "golang.org/x/sys/unix"

func peerUID(fd uintptr) (int, error) {
	cred, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}

// maxSockPath is how many bytes the path of a socket may have.
const maxSockPath = 103

// ownerOnly does nothing here: the directory is the owner's alone, and the mode is set after
// the socket was bound.
func ownerOnly(uintptr) error { return nil }
