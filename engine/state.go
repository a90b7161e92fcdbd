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
	"state.get":    {read: stateGet},
	"state.has":    {read: stateHas},
	"state.keys":   {read: stateKeys},
	"state.set":    {effect: stateSet},
	"state.set_nx": {effect: stateSetNX},
	"state.delete": {effect: stateDelete},
	"state.incr":   {effect: stateIncr},
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

func put(tx journal.Tx, ns, key string, val []byte) error {
	if err := checkNamespace(ns); err != nil {
		return err
	}
	if dns, id, is := dispatched(key); is {
		return tx.StateSet(dns, id, val)
	}
	return tx.StateSet(ns, key, val)
}

func stateGet(ctx context.Context, s *Session, a arguments) (value.List, error) {
	var out value.List
	err := s.host.View(ctx, func(tx journal.Tx) error {
		_, _, val, ok, err := find(tx, a.text(0), a.text(1))
		out = value.Of(ok, val)
		return err
	})
	return out, err
}

func stateHas(ctx context.Context, s *Session, a arguments) (value.List, error) {
	var out value.List
	err := s.host.View(ctx, func(tx journal.Tx) error {
		_, _, _, ok, err := find(tx, a.text(0), a.text(1))
		out = value.Of(ok)
		return err
	})
	return out, err
}

func stateKeys(ctx context.Context, s *Session, a arguments) (value.List, error) {
	var out value.List
	err := s.host.View(ctx, func(tx journal.Tx) error {
		if err := checkNamespace(a.text(0)); err != nil {
			return err
		}
		keys, err := tx.StateKeys(a.text(0))
		t := &value.Table{Array: true}
		for _, k := range keys {
			t.Seq = append(t.Seq, k)
		}
		out = value.Of(t)
		return err
	})
	return out, err
}

func (s *Session) checkSize(val string) error {
	if max := s.start.Limits.ResultSize; int64(len(val)) > max {
		return raise(fmt.Sprintf("state: a value of %d bytes is above the limit result_size (%d bytes)", len(val), max))
	}
	return nil
}

func stateSet(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	if err := s.checkSize(a.text(2)); err != nil {
		return nil, err
	}
	return nil, put(tx, a.text(0), a.text(1), []byte(a.text(2)))
}

func stateSetNX(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	if err := s.checkSize(a.text(2)); err != nil {
		return nil, err
	}
	_, _, _, ok, err := find(tx, a.text(0), a.text(1))
	if err != nil || ok {
		return value.Of(false), err
	}
	return value.Of(true), put(tx, a.text(0), a.text(1), []byte(a.text(2)))
}

func stateDelete(_ *Session, tx journal.Tx, a arguments) (value.List, error) {
	ns, key, _, ok, err := find(tx, a.text(0), a.text(1))
	if err != nil || !ok {
		return value.Of(false), err
	}
	existed, err := tx.StateDelete(ns, key)
	return value.Of(existed), err
}

func stateIncr(_ *Session, tx journal.Tx, a arguments) (value.List, error) {
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
	return value.Of(now), put(tx, a.text(0), a.text(1), jsonFloat(now))
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
