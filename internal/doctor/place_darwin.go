package doctor

import "golang.org/x/sys/unix"

// maxSocketPath is how long the path of a Unix-domain socket may be.
const maxSocketPath = 103

func fileSystemOf(dir string) (name string, network bool, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", false, err
	}
	return unix.ByteSliceToString(st.Fstypename[:]), st.Flags&unix.MNT_LOCAL == 0, nil
}
