package check

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/algocline/algocline/luadoc"
	"github.com/algocline/algocline/strategy/check/internal/syntax"
)

// checker goes through one source.
type checker struct {
	file    string
	api     *luadoc.API
	names   map[string]*luadoc.Member
	guarded map[string]bool        // names that the source sets itself, or asks for before it uses them
	dressed map[*syntax.Local]bool // variables whose value gets a metatable
	writes  map[syntax.Pos]bool    // calls of io.open that write
	found   []Finding
}

func (c *checker) report(at syntax.Pos, level Level, rule Rule, format string, args ...any) {
	c.found = append(c.found, Finding{c.file, at.Line, at.Col, level, rule, fmt.Sprintf(format, args...)})
}

// collect finds the names that a source sets, and those whose presence it looks at before use.
func (c *checker) collect(b *syntax.Block) {
	var guard func(e syntax.Expr)
	guard = func(e syntax.Expr) {
		switch e := e.(type) {
		case *syntax.Binary:
			guard(e.L)
			guard(e.R)
		case *syntax.Unary:
			guard(e.X)
		case *syntax.Call:
			for _, a := range e.Args { // type(alc.hash)
				guard(a)
			}
		default:
			if p := path(e); p != "" {
				c.guarded[p] = true
			}
		}
	}
	eachStat(b, func(s *syntax.Stat) {
		if s.Kind == syntax.Assign {
			for _, t := range s.Targets {
				guard(t)
			}
		}
		if s.Cond != nil {
			guard(s.Cond)
		}
	})
	syntax.Walk(b, func(e syntax.Expr, _ *syntax.Stat) bool {
		switch e := e.(type) {
		case *syntax.Binary:
			switch e.Op {
			case "and", "or":
				guard(e.L)
			case "==", "~=":
				guard(e)
			}
		case *syntax.Call:
			c.dress(e)
		}
		return true
	})
}

// dress notes a variable that is given a metatable.
func (c *checker) dress(call *syntax.Call) {
	if path(call.Fn) != "setmetatable" || len(call.Args) == 0 {
		return
	}
	if n, ok := call.Args[0].(*syntax.Name); ok && n.Local != nil {
		c.dressed[n.Local] = true
	}
}

// eachStat visits the statements of a block and of all blocks and functions in it.
func eachStat(b *syntax.Block, visit func(s *syntax.Stat)) {
	var last *syntax.Stat
	seen := func(_ syntax.Expr, s *syntax.Stat) bool {
		if s != last {
			visit(s)
			last = s
		}
		return true
	}
	syntax.Walk(b, seen)
}

func (c *checker) check(b *syntax.Block) {
	eachStat(b, c.assignment)
	syntax.Walk(b, func(e syntax.Expr, in *syntax.Stat) bool {
		switch e := e.(type) {
		case *syntax.Name:
			c.member(e, e.Name, e.Local != nil)
		case *syntax.Index:
			return !c.member(e, path(e), false)
		case *syntax.Call:
			c.call(e, in.Kind == syntax.Run && len(in.Values) == 1 && in.Values[0] == syntax.Expr(e))
		case *syntax.Table:
			for _, item := range e.Items {
				if key, ok := item.Key.(*syntax.Str); ok {
					c.metamethod(key.At(), key.Value, item.Value)
				}
			}
		}
		return true
	})
}

// assignment looks at what is assigned to fields: meta.__mode = "k".
func (c *checker) assignment(s *syntax.Stat) {
	for i, t := range s.Targets {
		index, ok := t.(*syntax.Index)
		if !ok || i >= len(s.Values) {
			continue
		}
		if key, ok := index.Key.(*syntax.Str); ok {
			c.metamethod(key.At(), key.Value, s.Values[i])
		}
	}
}

func (c *checker) metamethod(at syntax.Pos, name string, value syntax.Expr) {
	switch name {
	case "__mode":
		c.report(at, Warning, WeakTable, "a weak table loses entries when memory is collected, at another moment in another version of alc: a replay after an upgrade may take another way; keep the entries, or remove them yourself")
	case "__gc":
		c.report(at, Warning, Finalizer, "__gc never runs in a session: do the work where the value is no longer needed, or in __close")
	case "__tostring":
		c.cannotPause(value, "__tostring")
	}
}

// cannotPause reports calls of the model in a function that runs where a script cannot wait.
func (c *checker) cannotPause(value syntax.Expr, where string) {
	f := function(value)
	if f == nil {
		if m := c.names[path(value)]; m != nil && m.Class == luadoc.Ask {
			c.report(value.At(), Error, CannotPause, "%s cannot wait for the model: %s would raise an error here", where, m.Name)
		}
		return
	}
	syntax.Walk(f.Body, func(e syntax.Expr, _ *syntax.Stat) bool {
		if call, ok := e.(*syntax.Call); ok {
			if m := c.names[called(call)]; m != nil && m.Class == luadoc.Ask {
				c.report(call.At(), Error, CannotPause, "%s cannot wait for the model: %s would raise an error here; ask before, and keep the answer", where, m.Name)
			}
		}
		return true
	})
}

// absent are standard names that a session does not have.
var absent = map[string]string{
	"debug":           "a session has no debug library",
	"string.dump":     "a session has no string.dump: functions cannot be turned into bytes",
	"package.loadlib": "a session loads no C modules",
}

// member looks at a name that is used, and tells whether it has said something about it.
func (c *checker) member(e syntax.Expr, name string, local bool) bool {
	if local || name == "" || c.guarded[name] {
		return false
	}
	if why, ok := absent[name]; ok {
		c.report(e.At(), Error, Refused, "%s", why)
		return true
	}
	m, known := c.names[name]
	switch {
	case m != nil && m.Class == luadoc.Refused:
		c.report(e.At(), Error, Refused, "%s is never allowed: %s", m.Name, firstSentence(m.Text))
	case m != nil && m.Grant != "" && !c.writes[e.At()]:
		c.report(e.At(), Note, Grant, "%s needs the grant %s of whoever runs this", m.Name, m.Grant)
	case !known:
		return c.unknown(e, name)
	}
	return known && m != nil
}

// closed are the tables whose members are all known.
var closed = map[string]bool{"alc": true, "std": true, "os": true, "io": true, "evalframe": true}

func (c *checker) unknown(e syntax.Expr, name string) bool {
	first, _, dotted := strings.Cut(name, ".")
	if !dotted || !closed[first] {
		return false
	}
	parent := name[:strings.LastIndex(name, ".")]
	m, known := c.names[parent]
	if !known || m != nil && !m.Function() || c.guarded[parent] {
		return false // below a value, or of a table that is unknown itself
	}
	message := "there is no " + name
	if m != nil && !m.Callable {
		message += ": " + m.Name + " is a function"
	} else if near := c.api.Nearest(name); near != "" {
		message += "; did you mean " + near + "?"
	}
	c.report(e.At(), Error, UnknownMember, "%s", message)
	return true
}

func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	text = strings.TrimPrefix(text, "Raises: ")
	if end := strings.Index(text, ". "); end >= 0 {
		text = text[:end]
	}
	return strings.TrimSuffix(text, ".")
}

// call looks at calls whose arguments matter. Alone tells that the call is a statement.
func (c *checker) call(call *syntax.Call, alone bool) {
	arg := func(i int) syntax.Expr {
		if i < len(call.Args) {
			return call.Args[i]
		}
		return nil
	}
	switch name := called(call); name {
	case "tostring", "alc.fingerprint":
		if c.identity(arg(0)) {
			c.report(call.At(), Warning, Address, "%s of a table or function tells which one it is, not what it holds: write its content, with alc.json_encode", name)
		}
	case "string.format", "alc.fmt":
		c.format(call.At(), arg(0))
	case "collectgarbage":
		if s, ok := arg(0).(*syntax.Str); ok && s.Value == "count" && !alone {
			c.report(call.At(), Warning, MemoryCount, "memory is counted otherwise in other versions of alc: a replay after an upgrade may take another way; do not decide by it")
		}
	case "xpcall":
		if handler := arg(1); handler != nil {
			c.cannotPause(handler, "a message handler of xpcall")
		}
	case "load":
		c.binary(call.At(), arg(0), arg(2))
	case "io.open":
		if mode, ok := arg(1).(*syntax.Str); ok && strings.ContainsAny(mode.Value, "wa") {
			c.writes[call.At()] = true
			c.report(call.At(), Note, Grant, "io.open with mode %q needs the grant --allow-write=DIR of whoever runs this", mode.Value)
		}
	default:
		if call.Method == "format" {
			c.format(call.At(), call.Fn)
		}
	}
}

var pointer = regexp.MustCompile(`%(?:%|[-+ #0]*\d*p)`)

func (c *checker) format(at syntax.Pos, format syntax.Expr) {
	s, ok := format.(*syntax.Str)
	if !ok {
		return
	}
	for _, spec := range pointer.FindAllString(s.Value, -1) {
		if spec != "%%" {
			c.report(at, Warning, Address, "%s writes which value it is, not what it holds", spec)
		}
	}
}

func (c *checker) binary(at syntax.Pos, chunk, mode syntax.Expr) {
	text, _ := chunk.(*syntax.Str)
	only, _ := mode.(*syntax.Str)
	if text != nil && strings.HasPrefix(text.Value, "\x1b") || only != nil && only.Value == "b" {
		c.report(at, Error, BinaryChunk, "load takes source and refuses binary chunks")
	}
}

// identity tells whether an expression is certainly a table or function, whose text is made of
// which one it is. A table from setmetatable may have a text of its own.
func (c *checker) identity(e syntax.Expr) bool {
	if n, ok := e.(*syntax.Name); ok {
		return n.Local != nil && !n.Local.Set && !c.dressed[n.Local] && literal(n.Local.Value)
	}
	return literal(e)
}

func literal(e syntax.Expr) bool {
	switch e.(type) {
	case *syntax.Table, *syntax.Func:
		return true
	}
	return false
}
