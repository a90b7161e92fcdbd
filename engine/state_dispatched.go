package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// The second half of lua-api.md section 9.6: entries of the layout "prefix:id" by their two names.

var dispatchedOps = map[string]op{
	"state.list":              {read: listDispatched},
	"state.show":              {read: showDispatched},
	"state.set_dispatched":    {prepare: adoptNames, effect: setDispatched, stored: []int{0, 1, 2}},
	"state.delete_dispatched": {prepare: adoptNames, effect: deleteDispatched},
	"state.reset":             {prepare: adoptNames, effect: resetDispatched},
}

// backupNS is where the former value of an entry is kept when it is replaced or reset.
func backupNS(prefix string) string { return "//backup/" + prefix }

// checkNames refuses names that could not be those of a directory and a file in it.
func checkNames(a arguments, key bool) error {
	if ns := a.text(0); !safePart(ns) {
		return raise(fmt.Sprintf("state: unsafe namespace segment '%s'", ns))
	}
	if k := a.text(1); key && !safePart(k) {
		return raise(fmt.Sprintf("state: unsafe key segment '%s'", k))
	}
	return nil
}

// adoptNames is adoptKey for requests that name the prefix alone.
func adoptNames(ctx context.Context, s *Session, a arguments) error {
	if !safePart(a.text(0)) {
		return nil // the request itself will refuse it
	}
	return s.adopt(ctx, "/"+a.text(0))
}

func listDispatched(ctx context.Context, s *Session, a arguments) (out value.List, err error) {
	if err := checkNames(a, false); err != nil {
		return nil, err
	}
	if err := adoptNames(ctx, s, a); err != nil {
		return nil, err
	}
	err = s.host.View(ctx, func(tx journal.Tx) error {
		out, err = keysOf(tx, "/"+a.text(0))
		return err
	})
	return out, err
}

func showDispatched(ctx context.Context, s *Session, a arguments) (out value.List, err error) {
	if err := checkNames(a, true); err != nil {
		return nil, err
	}
	if err := adoptNames(ctx, s, a); err != nil {
		return nil, err
	}
	err = s.host.View(ctx, func(tx journal.Tx) error {
		val, err := present(tx, a)
		out = value.Of(val)
		return err
	})
	return out, err
}

// present returns an entry that must be there.
func present(tx journal.Tx, a arguments) ([]byte, error) {
	val, ok, err := tx.StateGet("/"+a.text(0), a.text(1))
	if err == nil && !ok {
		return nil, raise(fmt.Sprintf("state: key '%s' not found in namespace '%s'", a.text(1), a.text(0)))
	}
	return val, err
}

func setDispatched(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	if err := checkNames(a, true); err != nil {
		return nil, err
	}
	ns, key := "/"+a.text(0), a.text(1)
	old, ok, err := tx.StateGet(ns, key)
	if err == nil && ok {
		err = tx.StateSet(backupNS(a.text(0)), key, old)
	}
	if err == nil {
		err = s.claim(tx, ns)
	}
	if err != nil {
		return nil, err
	}
	return nil, tx.StateSet(ns, key, []byte(a.text(2)))
}

func deleteDispatched(_ *Session, tx journal.Tx, a arguments) (value.List, error) {
	if err := checkNames(a, true); err != nil {
		return nil, err
	}
	if _, err := tx.StateDelete(backupNS(a.text(0)), a.text(1)); err != nil {
		return nil, err
	}
	existed, err := tx.StateDelete("/"+a.text(0), a.text(1))
	return value.Of(existed), err
}

// resetDispatched takes steps and fields out of an entry. It answers the name that the backup has
// in the original's layout, and how much was taken out.
func resetDispatched(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	if err := checkNames(a, true); err != nil {
		return nil, err
	}
	old, err := present(tx, a)
	if err != nil {
		return nil, err
	}
	val, steps, fields, err := reset(old, a.list(2), a.list(3))
	if err != nil {
		return nil, err
	}
	if err := tx.StateSet(backupNS(a.text(0)), a.text(1), old); err != nil {
		return nil, err
	}
	backup := filepath.Join(s.start.Dirs.State, a.text(0), a.text(1)+".json.bak")
	return value.Of(backup, steps, fields), tx.StateSet("/"+a.text(0), a.text(1), val)
}

func badShape(why string) error { return raise("state: shape invalid: " + why) }

// reset removes from the JSON text of an entry the steps that data.completed_steps lists, and the
// fields of data.
func reset(text []byte, steps, fields []string) (val []byte, stepsRemoved, fieldsRemoved int64, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var entry any
	if err := dec.Decode(&entry); err != nil {
		return nil, 0, 0, badShape(err.Error())
	}
	top, _ := entry.(map[string]any)
	data, ok := top["data"]
	if !ok {
		return nil, 0, 0, badShape("missing 'data' top-level field")
	}
	object, ok := data.(map[string]any)
	if !ok {
		return nil, 0, 0, badShape("'data' top-level field must be an object")
	}
	if len(steps) > 0 {
		if stepsRemoved, err = removeSteps(object, steps); err != nil {
			return nil, 0, 0, err
		}
	}
	before := len(object)
	for _, f := range fields {
		delete(object, f)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(entry); err != nil {
		return nil, 0, 0, fmt.Errorf("encoding a state entry that was reset: %w", err)
	}
	return bytes.TrimRight(out.Bytes(), "\n"), stepsRemoved, int64(before - len(object)), nil
}

func removeSteps(data map[string]any, steps []string) (int64, error) {
	const field = "completed_steps"
	done, ok := data[field].([]any)
	if !ok {
		return 0, badShape("data." + field + " must be an array")
	}
	kept := []any{}
	for _, step := range done {
		if name, ok := step.(string); !ok || !slices.Contains(steps, name) {
			kept = append(kept, step)
		}
	}
	data[field] = kept
	return int64(len(done) - len(kept)), nil
}
