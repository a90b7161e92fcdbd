// Package statefile reads and writes state in the original's files, below one directory:
//
//	NAMESPACE.json    an object with the keys of a namespace and their values
//	PREFIX/ID.json    the value of the key "PREFIX:ID", which every namespace sees
//	PREFIX/ID.json.bak  its former value
//
// State lives in the journal. [Read] is how what an original left in a home comes into it, once;
// [Export] is how a user gets it out again. Both are safe for concurrent use, but an export is not
// one moment's picture for who reads its files while it runs.
package statefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"
)

// maxFile bounds a file that is imported.
const maxFile = 256 << 20

// reserved is the directory below the state directory that holds the sockets of workers, and never
// held state.
const reserved = "pool"

const suffix = ".json"

// MalformedError is a file that is there and readable, but is no state.
type MalformedError struct {
	File string
	Why  string // with what to do
}

func (e *MalformedError) Error() string { return e.File + " is not " + e.Why }

// Read returns the values of a namespace as JSON texts by key, nil when it has no files. The
// namespace "/PREFIX" is the directory PREFIX. For a file that is no JSON, or no object where one
// belongs, it returns a [MalformedError] and nothing of the namespace; other errors are about reading.
func Read(root, ns string) (map[string][]byte, error) {
	if prefix, ok := strings.CutPrefix(ns, "/"); ok {
		if prefix == reserved {
			return nil, nil
		}
		return readDir(filepath.Join(root, prefix))
	}
	file := filepath.Join(root, ns+suffix)
	text, err := read(file)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil || entries == nil {
		return nil, &MalformedError{file, "a JSON object of keys and values; mend it or move it away"}
	}
	values := make(map[string][]byte, len(entries))
	for key, val := range entries {
		values[key] = compact(val)
	}
	return values, nil
}

// absent tells whether no such file can be there: scripts choose the names.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG)
}

func readDir(dir string) (map[string][]byte, error) {
	info, err := os.Stat(dir)
	if absent(err) || err == nil && !info.IsDir() {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var values map[string][]byte
	for _, e := range entries {
		key, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok || key == "" || strings.HasPrefix(key, ".") || !e.Type().IsRegular() {
			continue // a backup, a temporary file
		}
		text, err := read(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if values == nil {
			values = map[string][]byte{}
		}
		values[key] = compact(text)
	}
	return values, nil
}

// read returns the JSON text of a file.
func read(file string) ([]byte, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return nil, &MalformedError{file, fmt.Sprintf("a file of at most %d bytes; move it away", maxFile)}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !json.Valid(text) || !utf8.Valid(text) {
		return nil, &MalformedError{file, "JSON in UTF-8; mend it or move it away"}
	}
	return text, nil
}

// compact takes the spaces out of a valid JSON text.
func compact(text []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}
