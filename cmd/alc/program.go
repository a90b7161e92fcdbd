package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/algocline/algocline/strategies"
)

// errNotADirectory is a path that goes on below a file.
var errNotADirectory = syscall.ENOTDIR

// program is what alc run was told to run.
type program struct {
	Code     string
	Name     string // the chunk's name in error messages
	Strategy string // shown by alc status
	LibPaths []string
}

const (
	packageFile = "init.lua"
	maxCode     = 16 << 20
)

// packageCode runs a package: a module with a function run(ctx).
const packageCode = `local package = require(%q)
if type(package) ~= "table" or type(package.run) ~= "function" then
  error("package %s has no function run(ctx)", 0)
end
return package.run(ctx)
`

// loadProgram finds what is to be run: code given on the command line, or a name, which is "-"
// for standard input, a Lua file, a package (its directory or the init.lua in it), or a bundled
// strategy. home is where bundled strategies are put for require to find.
func loadProgram(home, name string, code *string, in io.Reader) (program, error) {
	switch {
	case code != nil && name != "":
		return program{}, errors.New("give a FILE or -e CODE, not both")
	case code != nil:
		if err := isText(*code); err != nil {
			return program{}, fmt.Errorf("reading the code after -e: %w", err)
		}
		return program{Code: *code, Name: "(command line)"}, nil
	case name == "":
		return program{}, errors.New("there is nothing to run: give a FILE or -e CODE")
	case name == "-":
		text, err := readAll(in, maxCode)
		if err != nil {
			return program{}, fmt.Errorf("reading the script from standard input: %w", err)
		}
		return program{Code: text, Name: "(standard input)"}, nil
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return packageProgram(name)
	case err == nil && filepath.Base(name) == packageFile:
		return packageProgram(filepath.Dir(name))
	case err == nil:
		return fileProgram(name)
	case !errors.Is(err, fs.ErrNotExist):
		return program{}, fmt.Errorf("reading the script: %w", err)
	case slices.Contains(strategies.Names(), name):
		return bundledProgram(home, name)
	}
	return program{}, &hinted{fmt.Errorf("there is no file and no bundled strategy %q", name),
		[]string{"bundled are " + strings.Join(strategies.Names(), ", ")}}
}

func fileProgram(path string) (program, error) {
	f, err := os.Open(path)
	if err != nil {
		return program{}, fmt.Errorf("reading the script: %w", err)
	}
	defer f.Close()
	text, err := readAll(f, maxCode)
	if err != nil {
		return program{}, fmt.Errorf("reading the script %s: %w", path, err)
	}
	return program{Code: text, Name: filepath.Base(path)}, nil
}

// packageProgram runs the package in a directory, found by require as any other.
func packageProgram(dir string) (program, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return program{}, fmt.Errorf("finding the package %s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(abs, packageFile)); err != nil {
		return program{}, fmt.Errorf("the directory %s is no package: %w", dir, err)
	}
	name := filepath.Base(abs)
	if strings.ContainsAny(name, ".?") {
		return program{}, fmt.Errorf("a package cannot be called %q: require takes dots for directories", name)
	}
	return requireProgram(name, filepath.Dir(abs)), nil
}

func bundledProgram(home, name string) (program, error) {
	dir := filepath.Join(home, "bundled")
	if err := strategies.Install(dir); err != nil {
		return program{}, err
	}
	return requireProgram(name, dir), nil
}

func requireProgram(name, dir string) program {
	return program{
		Code:     fmt.Sprintf(packageCode, name, name),
		Name:     "run " + name,
		Strategy: name,
		LibPaths: []string{dir},
	}
}

// readAll reads at most limit bytes of text.
func readAll(r io.Reader, limit int64) (string, error) {
	p, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(p)) > limit {
		return "", fmt.Errorf("it is longer than %d MiB", limit>>20)
	}
	return string(p), isText(string(p))
}

// isText refuses other bytes than UTF-8: the wire would carry U+FFFD in their place.
func isText(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("it is not UTF-8 text")
	}
	return nil
}

// textArgument reads an argument that is a text, @FILE, or - for standard input; a last newline
// of the two is dropped. A text that begins with @ is written @@….
func textArgument(arg string, in io.Reader) (string, error) {
	file, isFile := strings.CutPrefix(arg, "@")
	switch {
	case strings.HasPrefix(file, "@"):
		return file, isText(file)
	case arg != "-" && !isFile:
		return arg, isText(arg)
	case isFile:
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := readAll(in, maxCode)
	return strings.TrimSuffix(text, "\n"), err
}
