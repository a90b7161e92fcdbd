package card

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/algocline/algocline/internal/safefile"
)

// sink is a directory that mirrors the store.
type sink struct{ uri, dir string }

// SplitSinks splits a list of sinks as the environment variable ALC_CARD_SINKS has it.
func SplitSinks(list string) []string {
	return slices.DeleteFunc(strings.Split(list, "|"), func(s string) bool { return strings.TrimSpace(s) == "" })
}

func parseSink(uri string) (sink, error) {
	uri = strings.TrimSpace(uri)
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" || !filepath.IsAbs(u.Path) {
		return sink{}, fmt.Errorf("card sink %q is not a URI like file:///absolute/directory", uri)
	}
	return sink{uri, filepath.Clean(u.Path)}, nil
}

// mirror writes to a sink what a change has made of the files.
func (s *Store) mirror(sk sink, c Change) error {
	file := aliasFile
	switch c.Kind {
	case created, appended:
		file = filepath.Join(c.Pkg, c.ID+cardSuffix)
	case sampled:
		file = filepath.Join(c.Pkg, c.ID+samplesSuffix)
	}
	return s.copyTo(sk, file)
}

// SinkDirs are the directories of the mirrors.
func (s *Store) SinkDirs() []string {
	dirs := make([]string, len(s.sinks))
	for i, sk := range s.sinks {
		dirs[i] = sk.dir
	}
	return dirs
}

func (s *Store) copyTo(sk sink, file string) error {
	data, err := os.ReadFile(filepath.Join(s.root, file))
	if err != nil {
		return err
	}
	to := filepath.Join(sk.dir, file)
	if err := safefile.MkdirAll(filepath.Dir(to)); err != nil {
		return err
	}
	return safefile.Write(to, data)
}

// Backfill is what [Store.Backfill] did, or would do.
type Backfill struct {
	Sink          string
	Pushed        []string // cards copied
	Skipped       int      // cards that the mirror had
	Failed        [][2]string
	PushedSamples int
}

// Backfill copies to a mirror the cards and samples that it lacks; with dry it only looks. A sink
// that the store does not have is a [Refusal].
func (s *Store) Backfill(uri string, dry bool) (Backfill, error) {
	i := slices.IndexFunc(s.sinks, func(sk sink) bool { return sk.uri == uri })
	if i < 0 {
		return Backfill{}, refuse("unknown sink: %s", uri)
	}
	sk, done := s.sinks[i], Backfill{Sink: uri}
	pkgs, err := s.packages()
	if err != nil {
		return done, err
	}
	for _, p := range pkgs {
		ids, err := s.ids(p)
		if err != nil {
			return done, err
		}
		for _, id := range ids {
			s.backfill(sk, p, id, dry, &done)
		}
	}
	return done, nil
}

func (s *Store) backfill(sk sink, pkg, id string, dry bool, done *Backfill) {
	pushed, err := s.lacking(sk, filepath.Join(pkg, id+cardSuffix), dry)
	switch {
	case err != nil:
		done.Failed = append(done.Failed, [2]string{id, err.Error()})
		return
	case pushed:
		done.Pushed = append(done.Pushed, id)
	default:
		done.Skipped++
	}
	pushed, err = s.lacking(sk, filepath.Join(pkg, id+samplesSuffix), dry)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		done.Failed = append(done.Failed, [2]string{id, err.Error()})
	} else if pushed {
		done.PushedSamples++
	}
}

// lacking copies a file that the mirror lacks and tells whether it did or would.
func (s *Store) lacking(sk sink, file string, dry bool) (bool, error) {
	if _, err := os.Stat(filepath.Join(s.root, file)); err != nil {
		return false, err
	}
	if ok, err := exists(filepath.Join(sk.dir, file)); ok || err != nil {
		return false, err
	}
	if dry {
		return true, nil
	}
	err := s.copyTo(sk, file)
	return err == nil, err
}
