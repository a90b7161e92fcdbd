package value

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
)

// Decode turns a list into Go values: nil, bool, int64, float64, string or *[Table]. An error
// matches [ErrMalformed] and names the offset. It accepts exactly what [Append] writes, so what
// decodes encodes again to the same bytes.
func Decode(l List) ([]any, error) {
	var vs []any
	r := NewReader(l)
	for !r.Done() {
		v, err := r.Any()
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// Reader walks a list value by value without building tables that nobody asks for. The zero
// value reads the empty list. A Reader is for one goroutine.
type Reader struct {
	b   List
	off int
}

// NewReader returns a reader at the start of l. It reads l in place.
func NewReader(l List) *Reader { return &Reader{b: l} }

// Done tells whether the list has been read to its end.
func (r *Reader) Done() bool { return r.off >= len(r.b) }

// Rest returns what has not been read yet.
func (r *Reader) Rest() List { return r.b[r.off:] }

func (r *Reader) fail(what string) error {
	return fmt.Errorf("%w: %s at offset %d", ErrMalformed, what, r.off)
}

func (r *Reader) take(n int) ([]byte, bool) {
	if n < 0 || len(r.b)-r.off < n {
		return nil, false
	}
	p := r.b[r.off : r.off+n]
	r.off += n
	return p, true
}

// Any reads the next value whole.
func (r *Reader) Any() (any, error) { return r.any(0) }

// Skip reads over the next value and returns its encoding.
func (r *Reader) Skip() (List, error) {
	start := r.off
	if _, err := r.any(0); err != nil {
		return nil, err
	}
	return r.b[start:r.off], nil
}

// String reads the next value, which must be a string.
func (r *Reader) String() (string, error) {
	v, err := r.Any()
	if err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", r.fail(fmt.Sprintf("%T where a string belongs", v))
	}
	return s, nil
}

// Int reads the next value, which must be an integer.
func (r *Reader) Int() (int64, error) {
	v, err := r.Any()
	if err != nil {
		return 0, err
	}
	n, ok := v.(int64)
	if !ok {
		return 0, r.fail(fmt.Sprintf("%T where an integer belongs", v))
	}
	return n, nil
}

// Bool reads the next value, which must be a boolean.
func (r *Reader) Bool() (bool, error) {
	v, err := r.Any()
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, r.fail(fmt.Sprintf("%T where a boolean belongs", v))
	}
	return b, nil
}

func (r *Reader) any(depth int) (any, error) {
	tag, ok := r.take(1)
	if !ok {
		return nil, r.fail("end of input")
	}
	switch tag[0] {
	case tagNil:
		return nil, nil
	case tagFalse:
		return false, nil
	case tagTrue:
		return true, nil
	case tagInt, tagFloat:
		p, ok := r.take(8)
		if !ok {
			return nil, r.fail("short number")
		}
		n := binary.LittleEndian.Uint64(p)
		if tag[0] == tagInt {
			return int64(n), nil
		}
		return math.Float64frombits(n), nil
	case tagString:
		p, ok := r.take(4)
		if !ok {
			return nil, r.fail("short string")
		}
		if p, ok = r.take(int(binary.LittleEndian.Uint32(p))); !ok {
			return nil, r.fail("short string")
		}
		return string(p), nil
	case tagTable:
		if depth >= MaxDepth {
			return nil, r.fail("too deeply nested")
		}
		return r.table(depth + 1)
	}
	r.off--
	return nil, r.fail(fmt.Sprintf("unknown tag %#x", tag[0]))
}

func (r *Reader) table(depth int) (*Table, error) {
	head, ok := r.take(9)
	if !ok {
		return nil, r.fail("short table")
	}
	n, m := binary.LittleEndian.Uint32(head[1:]), binary.LittleEndian.Uint32(head[5:])
	// Every element takes a byte at least and every pair two: a count beyond that is a lie.
	if head[0]&^flagArray != 0 || int64(n)+2*int64(m) > int64(len(r.b)-r.off) {
		return nil, r.fail("impossible table header")
	}
	t := &Table{Array: head[0]&flagArray != 0}
	if n > 0 {
		t.Seq = make([]any, n)
	}
	var err error
	for i := range t.Seq {
		if t.Seq[i], err = r.any(depth); err != nil {
			return nil, err
		}
		if t.Seq[i] == nil && !t.Array {
			return nil, r.fail("nil element in a plain table")
		}
	}
	if m == 0 {
		return t, nil
	}
	t.Keys, t.Vals = make([]any, m), make([]any, m)
	for i := range t.Keys {
		if t.Keys[i], err = r.any(depth); err != nil {
			return nil, err
		}
		if err := r.checkKey(t, i); err != nil {
			return nil, err
		}
		if t.Vals[i], err = r.any(depth); err != nil {
			return nil, err
		}
		if t.Vals[i] == nil {
			return nil, r.fail("nil value of a key")
		}
	}
	return t, nil
}

func (r *Reader) checkKey(t *Table, i int) error {
	k := t.Keys[i]
	switch k := k.(type) {
	case int64:
		if k >= 1 && k <= int64(len(t.Seq)) {
			return r.fail("key repeats an element")
		}
	case float64:
		if k != k || k == math.Trunc(k) && k >= -(1<<63) && k < 1<<63 {
			return r.fail("float key that Lua would not keep")
		}
	case bool, string:
	default:
		return r.fail(fmt.Sprintf("%T as a key", k))
	}
	if i > 0 && compareKeys(t.Keys[i-1], k) >= 0 {
		return r.fail("keys out of order")
	}
	return nil
}

func keyRank(k any) int {
	switch k := k.(type) {
	case int64:
		return 0
	case float64:
		return 1
	case string:
		return 2
	case bool:
		if !k {
			return 3
		}
		return 4
	}
	return 5
}

// compareKeys orders table keys canonically.
func compareKeys(a, b any) int {
	if d := cmp.Compare(keyRank(a), keyRank(b)); d != 0 {
		return d
	}
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return bytes.Compare([]byte(a), []byte(b.(string)))
	}
	return 0
}
