package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/algocline/algocline/strategy/pkgtest"
)

// search is where the packages of a home and of a project are.
type search struct {
	root     string            // of the project, "" for none
	libs     []string          // directories of installed packages
	looked   []string          // the same, whether they exist or not
	local    map[string]string // packages of alc.local.toml
	named    []pkgtest.Package // found by exact name
	dirs     []string          // each once, in order
	extra    []string          // the caller's, after those
	modules  []string          // the working directory, last and for modules alone
	resolved []SearchPath
	warnings []string
}

const (
	projectFile    = "alc.toml"
	localFile      = "alc.local.toml"
	packageInit    = "init.lua"
	sourceHome     = "installed"
	projectRootEnv = "ALC_PROJECT_ROOT"
)

// searchFor looks for the packages that a test may require.
func (s *Service) searchFor(in PackageTest) (*search, error) {
	f := &search{
		root: projectRoot(in.ProjectRoot), resolved: []SearchPath{},
		looked: append(slices.Clone(s.libs), filepath.Join(s.home, "packages")),
	}
	f.looked = slices.Compact(f.looked)
	f.libs = existingDirs(f.looked)
	f.local = f.pathEntries(localFile)
	for _, dir := range in.SearchPaths {
		abs := existingDirs([]string{dir})
		if len(abs) == 0 {
			f.warn("the search path %s is not a directory", dir)
		}
		f.extra = append(f.extra, abs...)
	}
	if in.NoAuto {
		return f, nil
	}
	for _, lib := range f.libs {
		names, err := packagesIn(lib)
		if err != nil {
			f.warn("%v", err)
		}
		for _, name := range names {
			f.add(name, lib, sourceHome)
		}
	}
	if dir, err := os.Getwd(); err == nil {
		f.modules = []string{dir}
	} else {
		f.warn("packages in the working directory are not found: %v", err)
	}
	project := f.pathEntries(projectFile)
	for _, name := range sortedKeys(project) {
		f.add(name, filepath.Dir(project[name]), projectFile)
	}
	for _, name := range sortedKeys(f.local) {
		f.add(name, filepath.Dir(f.local[name]), localFile)
	}
	for _, entries := range []map[string]string{f.local, project} {
		for _, name := range sortedKeys(entries) {
			f.named = append(f.named, pkgtest.Package{Name: name, Dir: entries[name]})
		}
	}
	return f, nil
}

func (f *search) warn(format string, args ...any) {
	f.warnings = append(f.warnings, fmt.Sprintf(format, args...))
}

func (f *search) add(name, dir, source string) {
	f.resolved = append(f.resolved, SearchPath{name, dir, source})
	if !slices.Contains(f.dirs, dir) {
		f.dirs = append(f.dirs, dir)
	}
}

// lookUp returns the directory of a package: the project's own, one of alc.local.toml, or an
// installed one.
func (f *search) lookUp(name string) (string, error) {
	if name != "" && filepath.IsLocal(name) && !strings.ContainsAny(name, `/\`) {
		if f.root != "" && isPackage(filepath.Join(f.root, name)) {
			return filepath.Join(f.root, name), nil
		}
		if dir, ok := f.local[name]; ok {
			return dir, nil
		}
		for _, lib := range f.libs {
			if isPackage(filepath.Join(lib, name)) {
				return filepath.Join(lib, name), nil
			}
		}
	}
	return "", &InputError{What: fmt.Sprintf("package '%s'", name),
		Why: "not found in <project_root>/<name>/, alc.local.toml, or " + strings.Join(f.looked, ", ")}
}

// pathEntries returns the packages of a project file that are given by a path, absolute.
func (f *search) pathEntries(file string) map[string]string {
	if f.root == "" {
		return nil
	}
	path := filepath.Join(f.root, file)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var doc struct {
		Packages map[string]any `toml:"packages"`
	}
	if err == nil {
		err = toml.Unmarshal(text, &doc)
	}
	if err != nil {
		f.warn("%s cannot be read: %v", path, cause(err))
		return nil
	}
	entries := map[string]string{}
	for name, entry := range doc.Packages {
		table, _ := entry.(map[string]any)
		dir, ok := table["path"].(string)
		if !ok {
			continue
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(f.root, dir)
		}
		if !isPackage(dir) {
			f.warn("%s: package '%s': there is no %s in %s", path, name, packageInit, dir)
			continue
		}
		entries[name] = filepath.Clean(dir)
	}
	return entries
}

// projectRoot is the directory of the project that a call is for: the one it names, that of the
// environment, or the nearest above the working directory that has an alc.toml; "" for none.
func projectRoot(named string) string {
	for _, dir := range []string{named, os.Getenv(projectRootEnv)} {
		if found := existingDirs([]string{dir}); len(found) > 0 {
			return found[0]
		}
	}
	dir, err := os.Getwd()
	for err == nil {
		if _, serr := os.Stat(filepath.Join(dir, projectFile)); serr == nil {
			return dir
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		break
	}
	return ""
}

// isPackage tells whether a directory, or what a link leads to, holds a package.
func isPackage(dir string) bool {
	fi, err := os.Stat(filepath.Join(dir, packageInit))
	return err == nil && fi.Mode().IsRegular()
}

// packagesIn returns the names of the packages in a directory, sorted.
func packagesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing the packages in %s: %w", dir, cause(err))
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && isPackage(filepath.Join(dir, e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
