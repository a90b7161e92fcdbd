package service

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/algocline/algocline/journal/statefile"
	"github.com/algocline/algocline/pool"
)

// Workers alone write the journal, and every write of state is an event of a session. So a change
// from outside is a short session of its own: it happens once, and the journal tells that it did.

// StateError is a change of the state that was refused.
type StateError struct{ Why string }

func (e *StateError) Error() string { return e.Why }

// SetState gives a key of the state a value, as a script in the namespace would. The errors of all
// changes are [*StateError], [*InputError] and those of Run.
func (s *Service) SetState(ctx context.Context, ns, key string, value json.RawMessage) error {
	return s.changeState(ctx, "alc state set", `alc.state.set(ctx.key, ctx.value)`,
		map[string]any{"_ns": ns, "key": key, "value": value}, nil)
}

// DeleteState removes a key and tells whether it was there.
func (s *Service) DeleteState(ctx context.Context, ns, key string) (existed bool, err error) {
	err = s.changeState(ctx, "alc state delete", `return alc.state.delete(ctx.key)`, map[string]any{"_ns": ns, "key": key}, &existed)
	return existed, err
}

// StateReset is what became of [Service.ResetState].
type StateReset struct {
	OK            bool     `json:"ok"`
	BackupPath    string   `json:"backup_path"` // where an export writes the former value
	StepsRemoved  int      `json:"steps_removed"`
	StepsInput    []string `json:"steps_input"`
	FieldsRemoved int      `json:"fields_removed"`
	FieldsInput   []string `json:"fields_input"`
}

// ResetState removes steps from data.completed_steps and fields from data of the shared entry
// "prefix:id", so that the flow which keeps it does them again. The former value is kept beside it.
func (s *Service) ResetState(ctx context.Context, prefix, id string, steps, fields []string) (StateReset, error) {
	r := StateReset{StepsInput: append([]string{}, steps...), FieldsInput: append([]string{}, fields...)}
	err := s.changeState(ctx, "alc state reset", `return alc.state.reset(ctx.prefix, ctx.id, { steps = ctx.steps, fields = ctx.fields })`,
		map[string]any{"prefix": prefix, "id": id, "steps": r.StepsInput, "fields": r.FieldsInput}, &r)
	return r, err
}

// importBytes is how much of the values one session takes over.
const importBytes = 8 << 20

type importEntry struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

const importCode = `
local n = 0
for _, e in ipairs(ctx.entries) do
  if not ctx.keep then
    alc.state.set(e.key, e.value)
    n = n + 1
  elseif alc.state.set_nx(e.key, e.value) then
    n = n + 1
  end
end
return n`

// ImportState takes over the state in the original's files below dir, and returns how many keys it
// set. A key that has a value gets the file's, or keeps its own if keep is true. A file that cannot
// be read is an error before anything is set; what a later failure leaves done stays done, and the
// same import again completes it.
func (s *Service) ImportState(ctx context.Context, dir string, keep bool) (int, error) {
	names, err := statefile.Namespaces(dir)
	if err != nil {
		return 0, err
	}
	if len(names) == 0 {
		return 0, &InputError{What: "the directory " + dir, Why: "holds no state: there is no NAMESPACE.json and no PREFIX/ID.json in it"}
	}
	parts := map[string][]importEntry{}
	for _, ns := range names {
		values, err := statefile.Read(dir, ns)
		if err != nil {
			return 0, &InputError{What: "the state files", Why: "cannot be read: " + err.Error()}
		}
		parts[ns] = importEntries(ns, values)
	}
	total := 0
	for _, ns := range names {
		n, err := s.importNamespace(ctx, ns, parts[ns], keep)
		total += n
		if err != nil {
			return total, fmt.Errorf("importing the state of %s: %w", ns, err)
		}
	}
	return total, nil
}

func importEntries(ns string, values map[string][]byte) []importEntry {
	var list []importEntry
	for _, key := range sortedKeys(values) {
		e := importEntry{Key: key, Value: values[key]}
		if ns[0] == '/' {
			e.Key = ns[1:] + ":" + key
		}
		list = append(list, e)
	}
	return list
}

// importNamespace sets the keys of a namespace, in as many sessions as their size asks for.
func (s *Service) importNamespace(ctx context.Context, ns string, entries []importEntry, keep bool) (int, error) {
	if ns[0] == '/' {
		ns = DefaultNamespace // shared entries are every namespace's
	}
	total := 0
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (n == 0 || size+len(entries[n].Value) <= importBytes) {
			size += len(entries[n].Value)
			n++
		}
		set := 0
		err := s.changeState(ctx, "alc state import", importCode, map[string]any{"_ns": ns, "keep": keep, "entries": entries[:n]}, &set)
		total += set
		if err != nil {
			return total, err
		}
		entries = entries[n:]
	}
	return total, nil
}

// changeState runs a script that changes the state and decodes its result.
func (s *Service) changeState(ctx context.Context, name, code string, with map[string]any, result any) error {
	doc, err := json.Marshal(with)
	if err != nil {
		return &InputError{What: "the value", Why: "is not JSON: " + err.Error()}
	}
	f, err := s.Run(ctx, RunInput{Code: &code, Name: name, Strategy: name, Ctx: doc})
	switch {
	case err != nil:
		return err
	case f.Type != pool.FeedFinished || f.Status != "completed":
		why := "it did not come to its end"
		if f.Error != nil {
			why = f.Error.Message
		}
		return &StateError{why}
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(f.Output, result); err != nil {
		return fmt.Errorf("%s: session %s returned %s: %w", name, f.SessionID, f.Output, err)
	}
	return nil
}
