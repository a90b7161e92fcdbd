package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	enoughSpace = 1 << 30   // bytes free below which there is a warning
	leastSpace  = 100 << 20 // bytes free below which commits are in danger
)

// home checks that the home is there or could be made, and that it can be written to.
func (x *examination) home(context.Context) finding {
	const elsewhere = "choose another directory with ALC_HOME"
	info, err := os.Stat(x.Home)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		x.noHome = true
		return fail(elsewhere, "%v", err)
	case !missing && !info.IsDir():
		x.noHome = true
		return fail(elsewhere, "%s is not a directory", x.Home)
	}
	dir := existing(x.Home)
	err = unix.Access(dir, unix.W_OK)
	switch {
	case errors.Is(err, unix.EROFS):
		return fail("mount it for writing, or "+elsewhere, "%s is on a file system that is mounted read-only", dir)
	case err != nil && missing:
		return fail(elsewhere, "%s cannot be made: you may not write to %s", x.Home, dir)
	case err != nil:
		return fail("make it writable for you, or "+elsewhere, "you may not write to %s", dir)
	case missing:
		return ok("%s (not there yet, the first session makes it)", x.Home)
	}
	return ok("%s", x.Home)
}

// configuration tells whether config.toml and the environment make sense.
func (x *examination) configuration(context.Context) finding {
	if x.Config.Configuration != nil {
		return fail("alc help configuration says what it may hold", "%v", x.Config.Configuration)
	}
	return ok("makes sense")
}

// permissions checks that the directories with sockets and sessions are ours alone.
func (x *examination) permissions(context.Context) finding {
	for _, dir := range []string{x.Home, filepath.Join(x.Home, "state", "pool"), filepath.Join(x.Home, "journal")} {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fail("make it readable for you", "%v", err)
		}
		if f := ownerOnly(dir, info, dir != x.Home); f.level != OK {
			return f
		}
	}
	return ok("only you can write to the home")
}

// ownerOnly checks one directory; private ones must not even be readable for others.
func ownerOnly(dir string, info fs.FileInfo, private bool) finding {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return fail("make it readable for you", "%s: %v", dir, err)
	}
	mode := info.Mode().Perm()
	switch {
	case int(st.Uid) != os.Getuid():
		return fail("use a home of your own (ALC_HOME), or: chown -R", "%s belongs to uid %d, you are %d", dir, st.Uid, os.Getuid())
	case mode&0o700 != 0o700:
		return fail("chmod u+rwx "+dir, "%s has mode %04o", dir, mode)
	case mode&0o022 != 0:
		return fail("chmod go-w "+dir, "others can write to %s (mode %04o)", dir, mode)
	case private && mode&0o077 != 0:
		return warn("chmod 700 "+dir, "others can look into %s (mode %04o)", dir, mode)
	}
	return ok("")
}

// fileSystem names the file system and warns of those on which locks cannot be trusted.
func (x *examination) fileSystem(context.Context) finding {
	name, network, err := fileSystemOf(existing(x.Home))
	switch {
	case err != nil:
		return warn("", "cannot tell: %v", err)
	case network:
		return fail("set ALC_HOME to a directory on a local disk", "%s is a network file system; a journal there can be corrupted", name)
	}
	return ok("%s", name)
}

func (x *examination) diskSpace(context.Context) finding {
	var st unix.Statfs_t
	if err := unix.Statfs(existing(x.Home), &st); err != nil {
		return warn("", "cannot tell: %v", err)
	}
	free := uint64(st.Bavail) * uint64(st.Bsize)
	switch {
	case free < leastSpace:
		return fail("free some space: steps that cannot be committed are not shown as done", "%d MiB are free", free>>20)
	case free < enoughSpace:
		return warn("free some space before the disk is full", "%d MiB are free", free>>20)
	}
	return ok("%.1f GiB free", float64(free)/(1<<30))
}

// socketPath checks that the socket of a worker with a long pid fits what the system can bind.
func (x *examination) socketPath(context.Context) finding {
	path := filepath.Join(x.Home, "state", "pool", "w-4194304-"+strings.Repeat("x", socketRandom)+".sock")
	if len(path) > maxSocketPath {
		return fail("set ALC_HOME to a directory with a shorter path", "a worker's socket would have a path of %d bytes, the system takes %d", len(path), maxSocketPath)
	}
	return ok("%d of %d bytes", len(path), maxSocketPath)
}

// existing returns the nearest directory that exists, from path upwards.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}
