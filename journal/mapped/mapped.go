// Package mapped maps small files whose bytes are on the disk before anybody touches them: the first
// store into a hole of a mapping kills the process with SIGBUS when the disk is full.
package mapped

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/algocline/algocline/journal"
	"golang.org/x/sys/unix"
)

// Map maps the first size bytes of f, shared and for writing, after it has appended the zeros that
// the file is short of. f is open for reading and appending, or nobody else's yet: what another
// process has written meanwhile is kept.
//
// Errors: [journal.DiskFullError].
func Map(f *os.File, size int) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if short := int64(size) - info.Size(); short > 0 {
		if _, err := f.Write(make([]byte, short)); err != nil {
			if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
				err = &journal.DiskFullError{Dir: filepath.Dir(f.Name()), Cause: err}
			}
			return nil, err
		}
	}
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}
