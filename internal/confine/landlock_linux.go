package confine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changes are the accesses to files that need a rule. Reading needs none: which packages and granted
// directories will be read is not known when a process starts, so the VM's own door decides it.
const changes = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
	unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
	unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM

// devices are accesses that no rule gives back.
const devices = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

// ruleset is everything of ours that an interface of this version can forbid. Signals are not scoped:
// a worker ends another one that is stuck in a commit. Execution is left to [Report.Seal]: a rule for
// the program's own loader would let it load any other, and files in memory need no rule.
func ruleset(abi int) unix.LandlockRulesetAttr {
	r := unix.LandlockRulesetAttr{Handled_access_fs: changes}
	if abi >= 2 {
		r.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		r.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		r.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 5 {
		r.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		r.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	}
	return r
}

// ABI is the version of the kernel's Landlock interface; an error says why there is none.
func ABI() (int, error) {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch errno {
	case 0:
		return int(v), nil
	case unix.ENOSYS:
		return 0, fmt.Errorf("the kernel has no Landlock (Linux 5.13 is the first): %w", errno)
	case unix.EOPNOTSUPP:
		return 0, fmt.Errorf("landlock is switched off when the kernel boots (see its parameter lsm): %w", errno)
	}
	return 0, fmt.Errorf("asking for Landlock: %w", errno)
}

// restrict confines the calling thread, for ever, and returns the interface's version; without
// Landlock it is 0 and the error says why.
func restrict(r Rules) (abi int, unavailable, err error) {
	if abi, unavailable = ABI(); unavailable != nil {
		return 0, unavailable, nil
	}
	attr := ruleset(abi)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return 0, nil, fmt.Errorf("making Landlock rules: %w", errno)
	}
	defer unix.Close(int(fd))
	for _, dir := range r.Write {
		if err := allow(int(fd), dir, attr.Handled_access_fs&^devices); err != nil {
			return 0, nil, fmt.Errorf("making the Landlock rule for %s: %w", dir, err)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return 0, nil, fmt.Errorf("enforcing the Landlock rules: %w", errno)
	}
	return abi, nil, nil
}

func allow(rules int, dir string, access uint64) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // it stays closed, and whoever needs it finds the same error
	}
	defer unix.Close(fd)
	attr := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
