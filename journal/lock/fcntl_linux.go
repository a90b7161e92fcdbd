package lock

import "golang.org/x/sys/unix"

// Commands for open file description locks.
const (
	ofdSet     = unix.F_OFD_SETLK
	ofdSetWait = unix.F_OFD_SETLKW
	ofdGet     = unix.F_OFD_GETLK
)
