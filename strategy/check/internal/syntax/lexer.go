package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind of a token.
type kind uint8

const (
	eof kind = iota
	name
	keyword
	number
	str
	sign
)

type token struct {
	Pos
	kind kind
	text string // a string's value
}

var keywords = setOf("and break do else elseif end false for function goto if in local nil not or repeat return then true until while")

// signs are the operators and marks of more than one byte, the longest first.
var signs = []string{"...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", ".."}

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// lexer cuts a source into tokens.
type lexer struct {
	src      string
	at       int
	line     int
	begin    int // of the line
	comments map[int]string
}

// Error is a source that cannot be read.
type Error struct {
	Pos
	Msg string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg) }

func newLexer(src string) *lexer {
	l := &lexer{src: src, line: 1, comments: map[int]string{}}
	if strings.HasPrefix(src, "#") { // as the first line of a script may
		l.skipLine()
	}
	return l
}

func (l *lexer) pos() Pos { return Pos{l.line, l.at - l.begin + 1} }

func (l *lexer) fail(p Pos, format string, args ...any) error {
	return &Error{p, fmt.Sprintf(format, args...)}
}

func (l *lexer) skipLine() {
	end := strings.IndexByte(l.src[l.at:], '\n')
	if end < 0 {
		l.at = len(l.src)
		return
	}
	l.at += end
}

// newlines counts the lines of a text that was passed over; it ends at l.at.
func (l *lexer) newlines(text string) {
	if n := strings.Count(text, "\n"); n > 0 {
		l.line += n
		l.begin = l.at - (len(text) - strings.LastIndexByte(text, '\n') - 1)
	}
}

// space passes over white space and comments.
func (l *lexer) space() error {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == '\n':
			l.at++
			l.newlines("\n")
		case c == ' ' || c >= '\t' && c <= '\r':
			l.at++
		case strings.HasPrefix(l.src[l.at:], "--"):
			if err := l.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) comment() error {
	p := l.pos()
	l.at += 2
	if _, ok := l.opening(); ok {
		text, err := l.long(p)
		l.comments[p.Line] += text
		return err
	}
	from := l.at
	l.skipLine()
	l.comments[p.Line] += l.src[from:l.at]
	return nil
}

// opening tells whether a long bracket begins here, and its level.
func (l *lexer) opening() (level int, ok bool) {
	rest := l.src[l.at:]
	if !strings.HasPrefix(rest, "[") {
		return 0, false
	}
	level = len(rest[1:]) - len(strings.TrimLeft(rest[1:], "="))
	return level, strings.HasPrefix(rest[1+level:], "[")
}

// long reads a long bracket.
func (l *lexer) long(p Pos) (string, error) {
	level, _ := l.opening()
	from := l.at + level + 2
	end := strings.Index(l.src[from:], "]"+strings.Repeat("=", level)+"]")
	if end < 0 {
		return "", l.fail(p, "a long bracket is not closed")
	}
	text := l.src[from : from+end]
	whole := l.src[l.at : from+end+level+2]
	l.at += len(whole)
	l.newlines(whole)
	text = strings.TrimPrefix(strings.TrimPrefix(text, "\r"), "\n")
	return text, nil
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// next returns the next token.
func (l *lexer) next() (token, error) {
	if err := l.space(); err != nil {
		return token{}, err
	}
	p := l.pos()
	if l.at == len(l.src) {
		return token{Pos: p, kind: eof}, nil
	}
	c := l.src[l.at]
	switch {
	case isLetter(c):
		return l.word(p), nil
	case isDigit(c), c == '.' && l.at+1 < len(l.src) && isDigit(l.src[l.at+1]):
		return l.number(p), nil
	case c == '"' || c == '\'':
		return l.quoted(p, c)
	case c == '[':
		if _, ok := l.opening(); ok {
			text, err := l.long(p)
			return token{p, str, text}, err
		}
	}
	for _, s := range signs {
		if strings.HasPrefix(l.src[l.at:], s) {
			l.at += len(s)
			return token{p, sign, s}, nil
		}
	}
	if !strings.ContainsRune("+-*/%^#&~|<>=(){}[];:,.", rune(c)) {
		return token{}, l.fail(p, "unexpected %q", c)
	}
	l.at++
	return token{p, sign, string(c)}, nil
}

func (l *lexer) word(p Pos) token {
	from := l.at
	for l.at < len(l.src) && (isLetter(l.src[l.at]) || isDigit(l.src[l.at])) {
		l.at++
	}
	text := l.src[from:l.at]
	if keywords[text] {
		return token{p, keyword, text}
	}
	return token{p, name, text}
}

// number passes over a numeral; Lua has checked it.
func (l *lexer) number(p Pos) token {
	from := l.at
	exponents := "eE"
	if strings.HasPrefix(l.src[from:], "0x") || strings.HasPrefix(l.src[from:], "0X") {
		exponents = "pP"
	}
	for l.at < len(l.src) {
		c := l.src[l.at]
		signed := (c == '+' || c == '-') && strings.IndexByte(exponents, l.src[l.at-1]) >= 0 && l.at > from
		if !isLetter(c) && !isDigit(c) && c != '.' && !signed {
			break
		}
		l.at++
	}
	return token{p, number, l.src[from:l.at]}
}

// quoted reads a string in quotes.
func (l *lexer) quoted(p Pos, quote byte) (token, error) {
	var b strings.Builder
	l.at++
	for l.at < len(l.src) {
		c := l.src[l.at]
		l.at++
		switch c {
		case quote:
			return token{p, str, b.String()}, nil
		case '\n':
			return token{}, l.fail(p, "a string is not closed")
		case '\\':
			l.escape(&b)
		default:
			b.WriteByte(c)
		}
	}
	return token{}, l.fail(p, "a string is not closed")
}

var escapes = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// escape reads what follows a backslash. What Lua would refuse stays as it is.
func (l *lexer) escape(b *strings.Builder) {
	if l.at == len(l.src) {
		return
	}
	c := l.src[l.at]
	l.at++
	switch {
	case escapes[c] != 0:
		b.WriteByte(escapes[c])
	case c == '\n':
		b.WriteByte(c)
		l.newlines("\n")
	case c == 'z':
		from := l.at
		l.at += len(l.src[l.at:]) - len(strings.TrimLeft(l.src[l.at:], " \t\n\v\f\r"))
		l.newlines(l.src[from:l.at])
	case c == 'x':
		l.code(b, 2, 16)
	case isDigit(c):
		l.at--
		l.code(b, 3, 10)
	case c == 'u':
		l.unicode(b)
	default:
		b.WriteByte(c)
	}
}

// code reads up to n digits of a byte's value.
func (l *lexer) code(b *strings.Builder, n, base int) {
	from := l.at
	for l.at < len(l.src) && l.at < from+n {
		if _, err := strconv.ParseUint(l.src[l.at:l.at+1], base, 8); err != nil {
			break
		}
		l.at++
	}
	v, err := strconv.ParseUint(l.src[from:l.at], base, 8)
	if err == nil {
		b.WriteByte(byte(v))
	}
}

// unicode reads {digits}.
func (l *lexer) unicode(b *strings.Builder) {
	end := strings.IndexByte(l.src[l.at:], '}')
	if end < 1 || l.src[l.at] != '{' {
		return
	}
	v, err := strconv.ParseUint(l.src[l.at+1:l.at+end], 16, 31)
	if err != nil {
		return
	}
	l.at += end + 1
	if v <= utf8.MaxRune {
		b.WriteRune(rune(v))
	}
}
