package pool

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// field is one member of a JSON object: its name and the text of its value, both within the
// line they were read from.
type field struct {
	name  []byte
	value []byte
}

// A request has few members; more than this many only cost an allocation.
const usualFields = 12

// parseObject splits one JSON object into its members. It is stricter than encoding/json where
// the protocol is: names match in exact case, and bytes that are not UTF-8 are refused. why says
// what is wrong when ok is false.
func parseObject(line []byte, into []field) (fields []field, why string, ok bool) {
	switch {
	case len(line) == 0:
		return nil, "the line is empty", false
	case line[0] != '{':
		return nil, "the line is not a JSON object", false
	case !utf8.Valid(line):
		return nil, "the line is not UTF-8", false
	case !json.Valid(line):
		return nil, "the line is not one JSON object: " + syntaxOf(line), false
	}
	return members(line, into), "", true
}

func syntaxOf(line []byte) string {
	var v json.RawMessage
	if err := json.Unmarshal(line, &v); err != nil {
		return err.Error()
	}
	return "not valid"
}

// members walks an object that is known to be valid JSON.
func members(b []byte, into []field) []field {
	i := skipSpace(b, 1)
	for b[i] != '}' {
		end := skipString(b, i)
		name := b[i+1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			text, _ := stringValue(b[i:end])
			name = []byte(text)
		}
		i = skipSpace(b, skipSpace(b, end)+1) // the colon
		end = skipValue(b, i)
		into = append(into, field{name, b[i:end]})
		if i = skipSpace(b, end); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return into
}

// elements walks an array that is known to be valid JSON.
func elements(b []byte) [][]byte {
	var out [][]byte
	i := skipSpace(b, 1)
	for b[i] != ']' {
		end := skipValue(b, i)
		out = append(out, b[i:end])
		if i = skipSpace(b, end); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return out
}

func skipSpace(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n' {
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; ; {
		i += bytes.IndexByte(b[i:], '"')
		back := i
		for b[back-1] == '\\' {
			back--
		}
		i++
		if (i-1-back)%2 == 0 {
			return i
		}
	}
}

func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return i
		}
		i++
	}
	return i
}

func skipNested(b []byte, i int) int {
	depth := 0
	for {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
}

func isNull(v []byte) bool { return len(v) == 4 && v[0] == 'n' }

// stringValue returns the text of a JSON string; ok is false for any other value.
func stringValue(v []byte) (s string, ok bool) {
	if len(v) < 2 || v[0] != '"' {
		return "", false
	}
	v = v[1 : len(v)-1]
	i := bytes.IndexByte(v, '\\')
	if i < 0 {
		return string(v), true
	}
	return unescape(v, i), true
}

// unescape returns the text of a string that is known to be valid and has its first backslash
// at i. A surrogate without its other half becomes U+FFFD.
func unescape(v []byte, i int) string {
	var b strings.Builder
	b.Grow(len(v))
	for i >= 0 {
		b.Write(v[:i])
		v = v[i+1:]
		if v[0] == 'u' {
			r, n := escapedRune(v)
			b.WriteRune(r)
			v = v[n:]
		} else {
			b.WriteByte(escapes[v[0]])
			v = v[1:]
		}
		i = bytes.IndexByte(v, '\\')
	}
	b.Write(v)
	return b.String()
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escapedRune reads uXXXX, and the \uXXXX behind it if the two are a pair; n is what was read.
func escapedRune(v []byte) (r rune, n int) {
	r = hex4(v[1:])
	if !utf16.IsSurrogate(r) {
		return r, 5
	}
	if len(v) >= 11 && v[5] == '\\' && v[6] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(v[7:])); pair != utf8.RuneError {
			return pair, 11
		}
	}
	return utf8.RuneError, 5
}

func hex4(v []byte) (r rune) {
	for _, c := range v[:4] {
		switch {
		case c <= '9':
			c -= '0'
		case c <= 'F':
			c -= 'A' - 10
		default:
			c -= 'a' - 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// integerValue returns a number that is written without fraction and exponent.
func integerValue(v []byte) (n int64, ok bool) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}

// kindOf names the JSON type of a value, for messages.
func kindOf(v []byte) string {
	switch v[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
