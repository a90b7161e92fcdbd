// Package buildinfo knows which build of alc this is.
//
// The version is what front and worker compare in their handshake, so two builds that differ
// must never have the same one. A release sets it at link time:
//
//	go build -ldflags "-X github.com/algocline/algocline/internal/buildinfo.version=1.2.3"
//
// Any other build is 0.0.0-dev+REVISION.HASH, with ".dirty" before the hash when the work tree
// had changes, and without the revision when Go did not record one. HASH names the executable
// itself.
package buildinfo

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"runtime/debug"
	"strings"
	"sync"
)

// version is set by the linker for releases.
var version string

const (
	devVersion  = "0.0.0-dev"
	revisionLen = 12 // hexadecimal digits of the revision that are shown
	hashLen     = 12 // hexadecimal digits of the executable's hash that are shown
)

// Version returns the version of the running executable, for example "1.2.3" or
// "0.0.0-dev+0123456789ab.dirty.fedcba987654". It never fails and is safe for concurrent use; the
// first call of a development build reads a few kilobytes of the executable.
var Version = sync.OnceValue(func() string {
	if version != "" {
		return version
	}
	info, _ := debug.ReadBuildInfo()
	exe, err := os.Executable()
	if _, missing := os.Stat(mapped); missing == nil {
		exe, err = mapped, nil
	}
	if err != nil {
		return compose(info, "unknown")
	}
	return compose(info, fingerprint(exe))
})

// mapped is, on Linux, the program that runs, also when its file was replaced since.
const mapped = "/proc/self/exe"

// compose builds a development version from what Go recorded and the executable's fingerprint.
func compose(info *debug.BuildInfo, hash string) string {
	parts := make([]string, 0, 3)
	if info != nil {
		revision, dirty := vcs(info.Settings)
		if revision != "" {
			parts = append(parts, revision)
		}
		if dirty {
			parts = append(parts, "dirty")
		}
	}
	return devVersion + "+" + strings.Join(append(parts, hash), ".")
}

func vcs(settings []debug.BuildSetting) (revision string, dirty bool) {
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(len(s.Value), revisionLen)]
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	return revision, dirty
}

// fingerprint names an executable by the build id that Go's linker left in it, which covers
// every byte that was linked, or else by its whole content.
func fingerprint(path string) string {
	if id := goBuildID(path); id != "" {
		sum := sha256.Sum256([]byte(id))
		return hex.EncodeToString(sum[:])[:hashLen]
	}
	p, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	sum := sha256.Sum256(p)
	return hex.EncodeToString(sum[:])[:hashLen]
}
