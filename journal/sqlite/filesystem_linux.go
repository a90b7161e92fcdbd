package sqlite

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// networked names the file systems whose locks and shared memory do not hold between machines.
var networked = map[int64]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x01021997: "9P",
	0x5346414f: "AFS",
	0x6b414653: "AFS",
	0x00c36400: "Ceph",
	0x73757245: "Coda",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
}

// checkFilesystem refuses a directory on a network file system.
func checkFilesystem(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("asking for the file system of %s: %w", dir, err)
	}
	return refuseNetwork(dir, int64(uint32(st.Type)))
}

func refuseNetwork(dir string, kind int64) error {
	if name, ok := networked[kind]; ok {
		return fmt.Errorf("%s is on a network file system (%s), where a journal can be corrupted; set ALC_HOME to a local directory", dir, name)
	}
	return nil
}
