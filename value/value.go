// Package value is the tagged encoding that crosses the VM's border and lies in the journal.
//
// A [List] is a sequence of encoded values: the arguments of a request, the results of a
// resume, the body of an event. The encoding is flat, keeps integers apart from floats, keeps
// every bit of a float (NaN and -0.0 too) and every byte of a string, and writes table keys in
// one canonical order, so that equal values have equal bytes and digests can be taken over them.
//
// Layout, all numbers little-endian:
//
//	'N'                                  nil
//	'F' 'T'                              false, true
//	'i' int64                            integer
//	'd' float64 bits                     float
//	's' uint32 length, bytes             string
//	't' flags uint8, uint32 n, uint32 m, n values, m key-value pairs
//	                                     table: elements 1..n, then the other keys
//
// Bit 0 of a table's flags says that the table is marked as a JSON array. The n elements are
// t[1] to t[n], n being a border of the table; elements may be nil only in a marked array. The
// other keys come in canonical order: integers ascending, floats ascending, strings bytewise,
// false, true. Nesting ends at [MaxDepth] tables.
//
// The package is a leaf: it imports nothing of this project. Everything in it is safe for
// concurrent use as long as nobody writes to the same slice.
package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// MaxDepth is how many tables may be nested in one value.
const MaxDepth = 200

// ErrMalformed is matched by every error about bytes that are not a well-formed list.
var ErrMalformed = errors.New("malformed value encoding")

// List is a sequence of encoded values. The zero value is the empty sequence.
type List []byte

const (
	tagNil    = 'N'
	tagFalse  = 'F'
	tagTrue   = 'T'
	tagInt    = 'i'
	tagFloat  = 'd'
	tagString = 's'
	tagTable  = 't'

	flagArray = 1
)

// Table is the Go form of a Lua table.
type Table struct {
	Array bool  // marked as a JSON array: an empty one is [], nil elements are kept
	Seq   []any // elements 1..len(Seq)
	Keys  []any // other keys, in canonical order
	Vals  []any // Vals[i] belongs to Keys[i]
}

// Get returns the value of a string key, or nil.
func (t *Table) Get(key string) any {
	for i, k := range t.Keys {
		if k == key {
			return t.Vals[i]
		}
	}
	return nil
}

// AppendNil appends nil to dst.
func AppendNil(dst List) List { return append(dst, tagNil) }

// AppendBool appends a boolean to dst.
func AppendBool(dst List, b bool) List {
	if b {
		return append(dst, tagTrue)
	}
	return append(dst, tagFalse)
}

// AppendInt appends an integer to dst.
func AppendInt(dst List, n int64) List {
	return binary.LittleEndian.AppendUint64(append(dst, tagInt), uint64(n))
}

// AppendFloat appends a float to dst, bit for bit.
func AppendFloat(dst List, f float64) List {
	return binary.LittleEndian.AppendUint64(append(dst, tagFloat), math.Float64bits(f))
}

// AppendString appends a string to dst. Any bytes are allowed, up to 4 GiB - 1 of them.
func AppendString[T ~string | ~[]byte](dst List, s T) List {
	dst = binary.LittleEndian.AppendUint32(append(dst, tagString), uint32(len(s)))
	return append(dst, s...)
}

// Append appends a Go value to dst: nil, bool, int, int64, float64, string, []byte or *[Table].
// Keys of a table must be in canonical order; [Table] values that come from [Decode] are. It
// returns an error for any other type.
func Append(dst List, v any) (List, error) {
	switch v := v.(type) {
	case nil:
		return AppendNil(dst), nil
	case bool:
		return AppendBool(dst, v), nil
	case int:
		return AppendInt(dst, int64(v)), nil
	case int64:
		return AppendInt(dst, v), nil
	case float64:
		return AppendFloat(dst, v), nil
	case string:
		return AppendString(dst, v), nil
	case []byte:
		return AppendString(dst, v), nil
	case *Table:
		return appendTable(dst, v)
	}
	return dst, fmt.Errorf("encoding a value: type %T cannot cross the border", v)
}

// Of encodes its arguments as [Append] does. It panics on a type that cannot be encoded: it is
// for arguments whose types the caller has written down.
func Of(vs ...any) List {
	var l List
	for _, v := range vs {
		var err error
		if l, err = Append(l, v); err != nil {
			panic(err)
		}
	}
	return l
}

func appendTable(dst List, t *Table) (List, error) {
	var flags byte
	if t.Array {
		flags = flagArray
	}
	dst = append(dst, tagTable, flags)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(t.Seq)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(t.Keys)))
	var err error
	for _, v := range t.Seq {
		if dst, err = Append(dst, v); err != nil {
			return dst, err
		}
	}
	for i, k := range t.Keys {
		if dst, err = Append(dst, k); err != nil {
			return dst, err
		}
		if dst, err = Append(dst, t.Vals[i]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}
