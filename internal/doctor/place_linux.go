package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// maxSocketPath is how long the path of a Unix-domain socket may be.
const maxSocketPath = 107

// fileSystems names the usual ones by their magic numbers (statfs(2)).
var fileSystems = map[uint32]struct {
	name    string
	network bool
}{
	unix.EXT4_SUPER_MAGIC:      {"ext2/3/4", false},
	unix.XFS_SUPER_MAGIC:       {"xfs", false},
	unix.BTRFS_SUPER_MAGIC:     {"btrfs", false},
	unix.TMPFS_MAGIC:           {"tmpfs (lost at a reboot)", false},
	unix.OVERLAYFS_SUPER_MAGIC: {"overlayfs", false},
	unix.F2FS_SUPER_MAGIC:      {"f2fs", false},
	0x2fc12fc1:                 {"zfs", false},
	0x65735546:                 {"fuse", false},
	unix.NFS_SUPER_MAGIC:       {"nfs", true},
	unix.SMB_SUPER_MAGIC:       {"smb", true},
	unix.SMB2_SUPER_MAGIC:      {"smb2", true},
	0xff534d42:                 {"cifs", true},
	unix.V9FS_MAGIC:            {"9p", true},
	unix.CEPH_SUPER_MAGIC:      {"ceph", true},
	unix.AFS_SUPER_MAGIC:       {"afs", true},
}

func fileSystemOf(dir string) (name string, network bool, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", false, err
	}
	if fs, known := fileSystems[uint32(st.Type)]; known {
		return fs.name, fs.network, nil
	}
	return fmt.Sprintf("type %#x", uint32(st.Type)), false, nil
}
