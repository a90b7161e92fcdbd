// Package check is the lint of strategies: it reads Lua source and tells, before anything runs,
// what a session would refuse and what a replay cannot hold steady.
//
// [Source] checks one text. It runs nothing. What it knows of the API comes from package luadoc, so
// it knows every member, its class and the grant that it needs. It looks at what is written: a
// member that is reached through a variable of unknown content is not seen.
//
// A finding is left out where a comment on its line, or alone on the line before, says
// "alc check: ignore".
package check

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/luadoc"
	"github.com/algocline/algocline/strategy/check/internal/syntax"
)

// Level tells how much a finding matters.
type Level string

// The levels.
const (
	Error   Level = "error"   // it will fail
	Warning Level = "warning" // it may fail, or not be what it looks like
	Note    Level = "note"    // it needs something from whoever runs it
)

// Rule names what a finding is about. The names do not change.
type Rule string

// The rules.
const (
	Syntax        Rule = "syntax"         // Lua does not read it
	UnknownMember Rule = "unknown-member" // the API has no such name
	Refused       Rule = "refused"        // a session never allows it
	Grant         Rule = "grant"          // a session allows it where it was granted
	CannotPause   Rule = "cannot-pause"   // the model is asked where a script cannot wait
	WeakTable     Rule = "weak-table"     // what it holds depends on the collector
	Finalizer     Rule = "finalizer"      // it never runs
	Address       Rule = "address"        // a text made of which table it is, not of what it holds
	MemoryCount   Rule = "memory-count"   // a number that other versions count otherwise
	BinaryChunk   Rule = "binary-chunk"   // load takes source only
	Unread        Rule = "unread"         // the lint itself could not read it
)

// Finding is something that a strategy's author should know.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column,omitempty"` // in bytes, from 1; 0 when it is not known
	Level   Level  `json:"level"`
	Rule    Rule   `json:"rule"`
	Message string `json:"message"`
}

// String writes the finding as compilers do.
func (f Finding) String() string {
	place := f.File + ":" + strconv.Itoa(f.Line)
	if f.Column > 0 {
		place += ":" + strconv.Itoa(f.Column)
	}
	return fmt.Sprintf("%s: %s: %s [%s]", place, f.Level, f.Message, f.Rule)
}

// Source checks a source under the name that findings are to show, and returns them in the order
// of its lines. An error says that the check itself could not be made, not that the source is bad.
func Source(name string, source []byte) ([]Finding, error) {
	api, err := luadoc.Load()
	if err != nil {
		return nil, err
	}
	if bad, err := parses(name, source); bad != nil || err != nil {
		return bad, err
	}
	file, err := syntax.Parse(string(source))
	if err != nil {
		return []Finding{unread(name, err)}, nil
	}
	c := &checker{
		file: name, api: api, names: namesOf(api),
		guarded: map[string]bool{}, dressed: map[*syntax.Local]bool{}, writes: map[syntax.Pos]bool{},
	}
	c.collect(file.Block)
	c.check(file.Block)
	return tidy(c.found, file.Comments), nil
}

// parses asks Lua itself whether it reads a source.
func parses(name string, source []byte) ([]Finding, error) {
	// Lua passes over a first line that begins with #, but only in files.
	if strings.HasPrefix(string(source), "#") {
		source = append([]byte("--"), source...)
	}
	_, err := lua.Compile(name, source)
	var bad *lua.SyntaxError
	var limit *lua.LimitError
	switch {
	case errors.As(err, &bad):
		line, message := place(bad.Message)
		return []Finding{{File: name, Line: line, Level: Error, Rule: Syntax, Message: message}}, nil
	case errors.As(err, &limit):
		return []Finding{{File: name, Line: 1, Level: Error, Rule: Syntax, Message: "the source is too large to be read: " + limit.Error()}}, nil
	}
	return nil, err
}

var placed = regexp.MustCompile(`(?s)^.*?:(\d+): (.*)$`)

// place takes the line out of a message of Lua's.
func place(message string) (line int, rest string) {
	m := placed.FindStringSubmatch(message)
	if m == nil {
		return 1, message
	}
	line, err := strconv.Atoi(m[1])
	if err != nil {
		return 1, message
	}
	return line, m[2]
}

func unread(name string, err error) Finding {
	f := Finding{File: name, Line: 1, Level: Note, Rule: Unread, Message: "Lua reads this, the lint does not: " + err.Error()}
	var e *syntax.Error
	if errors.As(err, &e) {
		f.Line, f.Column = e.Line, e.Col
	}
	return f
}

const ignore = "alc check: ignore"

// tidy sorts findings, and leaves out those that are there twice or ignored.
func tidy(found []Finding, comments map[int]string) []Finding {
	found = slices.DeleteFunc(found, func(f Finding) bool {
		return strings.Contains(comments[f.Line], ignore) || strings.TrimSpace(comments[f.Line-1]) == ignore
	})
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(found)
}
