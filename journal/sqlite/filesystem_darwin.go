package sqlite

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// checkFilesystem refuses a directory on a network file system.
func checkFilesystem(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("asking for the file system of %s: %w", dir, err)
	}
	if st.Flags&unix.MNT_LOCAL == 0 {
		return fmt.Errorf("%s is on a network file system (%s), where a journal can be corrupted; set ALC_HOME to a local directory",
			dir, unix.ByteSliceToString(st.Fstypename[:]))
	}
	return nil
}
