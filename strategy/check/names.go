package check

import (
	"strings"

	"github.com/algocline/algocline/luadoc"
	"github.com/algocline/algocline/strategy/check/internal/syntax"
)

// namesOf lists the members of the API by name, with dots, and the tables that they stand in, which
// have no entry of their own.
func namesOf(api *luadoc.API) map[string]*luadoc.Member {
	names := map[string]*luadoc.Member{}
	for _, m := range api.Members() {
		name := strings.ReplaceAll(m.Name, ":", ".")
		names[name] = m
		for i := range name {
			if name[i] == '.' && names[name[:i]] == nil {
				names[name[:i]] = nil
			}
		}
	}
	return names
}

// path writes the name under which an expression reaches a global, such as alc.state.get, or "" when
// it does not. A local that was declared with such an expression, and never set again, stands for it.
func path(e syntax.Expr) string { return pathWithin(e, 20) }

func pathWithin(e syntax.Expr, depth int) string {
	if depth == 0 { // a local declared by way of itself
		return ""
	}
	switch e := e.(type) {
	case *syntax.Name:
		if e.Local == nil {
			return e.Name
		}
		if e.Local.Set || e.Local.Value == nil {
			return ""
		}
		return pathWithin(e.Local.Value, depth-1)
	case *syntax.Index:
		table := pathWithin(e.Table, depth-1)
		key, ok := e.Key.(*syntax.Str)
		if !ok || table == "" {
			return ""
		}
		if table == "_G" || table == "_ENV" {
			return key.Value
		}
		return table + "." + key.Value
	case *syntax.Call:
		if pathWithin(e.Fn, depth-1) == "require" && e.Method == "" && len(e.Args) == 1 {
			if s, ok := e.Args[0].(*syntax.Str); ok && s.Value == "evalframe" {
				return "evalframe"
			}
		}
	}
	return ""
}

// called is the path of what a call calls; a method counts as a member.
func called(c *syntax.Call) string {
	p := path(c.Fn)
	if c.Method == "" || p == "" {
		return p
	}
	return p + "." + c.Method
}

// function finds the function that an expression is, or that the local holds which it names.
func function(e syntax.Expr) *syntax.Func {
	switch e := e.(type) {
	case *syntax.Func:
		return e
	case *syntax.Name:
		if e.Local != nil && !e.Local.Set {
			f, _ := e.Local.Value.(*syntax.Func)
			return f
		}
	}
	return nil
}
