//go:build !linux

package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// Memory returns how many bytes of memory the machine has.
func Memory() (int64, error) {
	if runtime.GOOS != "darwin" {
		return 0, fmt.Errorf("the machine's memory: %w", errors.ErrUnsupported)
	}
	text, err := syscall.Sysctl("hw.memsize")
	if err != nil {
		return 0, fmt.Errorf("reading hw.memsize: %w", err)
	}
	var b [8]byte
	copy(b[:], text) // Sysctl takes the last byte, a zero, for a string's end
	return int64(binary.LittleEndian.Uint64(b[:])), nil
}

// Resident returns errors.ErrUnsupported: a process cannot cheaply ask here.
func Resident() (int64, error) { return 0, errors.ErrUnsupported }
