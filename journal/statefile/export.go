package statefile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/algocline/algocline/internal/safefile"
	"github.com/algocline/algocline/journal"
)

// Export writes all state below root, each file whole or not at all, and returns the files that it
// wrote. Files of keys that are no more stay where they are: export to an empty directory to have
// a copy and nothing else. A namespace or a key that cannot be the name of a file is an error.
func Export(tx journal.Tx, root string) ([]string, error) {
	names, err := tx.StateNamespaces()
	if err != nil {
		return nil, err
	}
	var files []string
	for _, ns := range names {
		some, err := export(tx, root, ns)
		files = append(files, some...)
		if err != nil {
			return files, fmt.Errorf("exporting state %s: %w", ns, err)
		}
	}
	return files, nil
}

func export(tx journal.Tx, root, ns string) ([]string, error) {
	if prefix, ok := strings.CutPrefix(ns, backups); ok {
		return exportDir(tx, ns, filepath.Join(root, prefix), suffix+".bak")
	}
	if strings.HasPrefix(ns, "//") {
		return nil, nil // the engine's own
	}
	if prefix, ok := strings.CutPrefix(ns, "/"); ok {
		return exportDir(tx, ns, filepath.Join(root, prefix), suffix)
	}
	object, err := exportObject(tx, ns)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(root, ns+suffix)
	return []string{file}, write(file, object)
}

// backups is where the engine keeps former values: the namespace of a prefix follows it.
const backups = "//backup/"

func exportDir(tx journal.Tx, ns, dir, suffix string) ([]string, error) {
	keys, err := tx.StateKeys(ns)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, k := range keys {
		val, ok, err := tx.StateGet(ns, k)
		if err != nil || !ok {
			return files, err
		}
		file := filepath.Join(dir, k+suffix)
		if err := write(file, val); err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, nil
}

func exportObject(tx journal.Tx, ns string) ([]byte, error) {
	keys, err := tx.StateKeys(ns)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, k := range keys {
		val, _, err := tx.StateGet(ns, k)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", name, val)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// write writes a JSON text, indented as the original does.
func write(file string, text []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := safefile.MkdirAll(filepath.Dir(file)); err != nil {
		return err
	}
	return safefile.Write(file, b.Bytes())
}
