package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// State has two layouts, chosen by the key (lua-api.md section 9.6): "prefix:id" with both parts
// safe is an entry of its own that every namespace sees, kept here in the namespace "/prefix"
// (no namespace of a session may contain a slash); any other key is an entry of the session's
// namespace. Values are JSON texts.

var stateOps = map[string]op{
	"state.get":    {read: viewing(stateGet)},
	"state.has":    {read: viewing(stateHas)},
	"state.keys":   {read: viewing(stateKeys)},
	"state.set":    {prepare: adoptKey, effect: stateSet, stored: []int{0, 1, 2}},
	"state.set_nx": {prepare: adoptKey, effect: stateSetNX, stored: []int{0, 1, 2}},
	"state.delete": {prepare: adoptKey, effect: stateDelete},
	"state.incr":   {prepare: adoptKey, effect: stateIncr, stored: []int{0, 1}},
	"state.swap":   {prepare: adoptKey, effect: stateSwap, stored: []int{0, 1, 3}},
}

// dispatched splits a key of the first layout.
func dispatched(key string) (ns, id string, ok bool) {
	prefix, id, found := strings.Cut(key, ":")
	if !found || !safePart(prefix) || !safePart(id) {
		return "", "", false
	}
	return "/" + prefix, id, true
}

func safePart(s string) bool {
	if s == "" || s == "." || strings.Contains(s, "..") {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

func checkNamespace(ns string) error {
	if ns == "" || strings.ContainsAny(ns, "/\\\x00") || strings.Contains(ns, "..") {
		return raise(fmt.Sprintf("Invalid namespace: %q", ns))
	}
	return nil
}

// find looks a key up in both layouts and returns the namespace and key where it is.
func find(tx journal.Tx, ns, key string) (atNS, atKey string, val []byte, ok bool, err error) {
	if err := checkNamespace(ns); err != nil {
		return "", "", nil, false, err
	}
	if dns, id, is := dispatched(key); is {
		if val, ok, err = tx.StateGet(dns, id); ok || err != nil {
			return dns, id, val, ok, err
		}
	}
	val, ok, err = tx.StateGet(ns, key)
	return ns, key, val, ok, err
}

func (s *Session) put(tx journal.Tx, ns, key string, val []byte) error {
	if err := checkNamespace(ns); err != nil {
		return err
	}
	if dns, id, is := dispatched(key); is {
		ns, key = dns, id
	}
	if err := s.claim(tx, ns); err != nil {
		return err
	}
	return tx.StateSet(ns, key, val)
}

// viewing makes a read of committed state: of a namespace, or of the key in it.
func viewing(fn func(tx journal.Tx, a arguments) (value.List, error)) func(context.Context, *Session, arguments) (value.List, error) {
	return func(ctx context.Context, s *Session, a arguments) (out value.List, err error) {
		if err := adoptKey(ctx, s, a); err != nil {
			return nil, err
		}
		err = s.host.View(ctx, func(tx journal.Tx) error {
			out, err = fn(tx, a)
			return err
		})
		return out, err
	}
}

func stateGet(tx journal.Tx, a arguments) (value.List, error) {
	_, _, val, ok, err := find(tx, a.text(0), a.text(1))
	return value.Of(ok, val), err
}

func stateHas(tx journal.Tx, a arguments) (value.List, error) {
	_, _, _, ok, err := find(tx, a.text(0), a.text(1))
	return value.Of(ok), err
}

func stateKeys(tx journal.Tx, a arguments) (value.List, error) {
	if err := checkNamespace(a.text(0)); err != nil {
		return nil, err
	}
	return keysOf(tx, a.text(0))
}

func keysOf(tx journal.Tx, ns string) (value.List, error) {
	keys, err := tx.StateKeys(ns)
	t := &value.Table{Array: true}
	for _, k := range keys {
		t.Seq = append(t.Seq, k)
	}
	return value.Of(t), err
}

func stateSet(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	return nil, s.put(tx, a.text(0), a.text(1), []byte(a.text(2)))
}

func stateSetNX(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	_, _, _, ok, err := find(tx, a.text(0), a.text(1))
	if err != nil || ok {
		return value.Of(false), err
	}
	return value.Of(true), s.put(tx, a.text(0), a.text(1), []byte(a.text(2)))
}

func stateDelete(_ *Session, tx journal.Tx, a arguments) (value.List, error) {
	ns, key, _, ok, err := find(tx, a.text(0), a.text(1))
	if err != nil || !ok {
		return value.Of(false), err
	}
	existed, err := tx.StateDelete(ns, key)
	return value.Of(existed), err
}

func stateIncr(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	_, _, val, ok, err := find(tx, a.text(0), a.text(1))
	if err != nil {
		return nil, err
	}
	now := a.float(3)
	if ok {
		var n *float64
		if json.Unmarshal(val, &n) != nil || n == nil {
			return nil, raise(fmt.Sprintf("incr: value at '%s' is not a number", a.text(1)))
		}
		now = *n
	}
	now += a.float(2)
	return value.Of(now), s.put(tx, a.text(0), a.text(1), jsonFloat(now))
}

// stateSwap sets a key that still has the value that was read; a nil one is a key that was absent.
// The answer tells whether it did, and if not what is there: whether anything, and its text.
func stateSwap(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	_, _, val, ok, err := find(tx, a.text(0), a.text(1))
	if err != nil {
		return nil, err
	}
	old, had := a.at(2).(string)
	if ok != had || string(val) != old {
		return value.Of(false, ok, val), nil
	}
	return value.Of(true), s.put(tx, a.text(0), a.text(1), []byte(a.text(3)))
}

// jsonFloat renders a float as the encoder of the VM does for what state needs: it stays a float
// when it is read back, and what JSON cannot hold is null.
func jsonFloat(f float64) []byte {
	b, err := json.Marshal(f)
	if err != nil {
		return []byte("null")
	}
	if !strings.ContainsAny(string(b), ".eE") {
		b = append(b, ".0"...)
	}
	return b
}
