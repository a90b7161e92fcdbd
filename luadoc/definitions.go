package luadoc

import (
	"fmt"
	"slices"
	"strings"
)

// Definitions are files for editors, by name: LuaCATS annotations that the Lua language server
// reads. Lua's own functions are left to the editor, which knows them.
func (a *API) Definitions() map[string]string {
	module := func(t *Theme) bool { return root(t.Members[0].Name) == "evalframe" }
	return map[string]string{
		"alc.d.lua":       a.definitions("_", func(t *Theme) bool { return !t.Spec && !module(t) }),
		"evalframe.d.lua": "-- see alc.d.lua for the types\n" + a.definitions("evalframe", module),
		"spec.d.lua":      "-- what only spec files have; see alc.d.lua for the rest\n" + a.definitions("_", func(t *Theme) bool { return t.Spec }),
	}
}

// definitions writes the themes that are wanted. A module's file returns its table.
func (a *API) definitions(module string, want func(*Theme) bool) string {
	w := &definer{made: map[string]bool{}}
	fmt.Fprintf(&w.b, "---@meta %s\n", module)
	if module != "_" {
		fmt.Fprintf(&w.b, "\n---@class %s\nlocal %s = {}\n", module, module)
		w.made[module] = true
	}
	for i := range a.Themes {
		t := &a.Themes[i]
		if !want(t) || !slices.ContainsFunc(t.Members, func(m Member) bool { return !m.Standard }) {
			continue
		}
		w.made["alc"] = w.made["alc"] || t.Spec // alc.d.lua makes it
		for _, typ := range t.Types {
			w.class(typ)
		}
		for j := range t.Members {
			if m := &t.Members[j]; !m.Standard {
				w.member(m)
			}
		}
	}
	if module != "_" {
		fmt.Fprintf(&w.b, "\nreturn %s\n", module)
	}
	return w.b.String()
}

func root(name string) string {
	first, _, _ := strings.Cut(name, ".")
	return first
}

// definer writes a definitions file and knows which tables it has made.
type definer struct {
	b    strings.Builder
	made map[string]bool
}

// comment writes a text as lines of documentation.
func (w *definer) comment(text string) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		fmt.Fprintf(&w.b, "---%s\n", strings.TrimRight(line, "\n"))
	}
}

func (w *definer) class(t Type) {
	w.b.WriteString("\n")
	w.comment(t.Text)
	fmt.Fprintf(&w.b, "---@class %s\n", t.Name)
	if t.Call != "" {
		fmt.Fprintf(&w.b, "---@overload %s\n", t.Call)
	}
	for _, f := range t.Fields {
		fmt.Fprintf(&w.b, "---@field %s %s%s\n", f.declared(), f.Type, tail(f.Text))
	}
}

func tail(text string) string {
	if text == "" {
		return ""
	}
	return " " + text
}

func (w *definer) member(m *Member) {
	w.parents(m.Name)
	w.b.WriteString("\n")
	w.comment(m.Text)
	w.comment("\n---\n" + "Class: " + string(m.Class) + grantNote(m.Grant) + ".")
	for _, e := range m.Errors {
		w.comment("Raises: " + e + ".")
	}
	if m.Example != "" {
		w.comment("```lua\n" + m.example() + "\n```")
	}
	switch {
	case !m.Function():
		w.value(m)
	case m.Callable:
		w.callable(m)
	default:
		w.function(m)
	}
}

// parents makes the tables that a name stands in.
func (w *definer) parents(name string) {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == ':' })
	for i := 1; i < len(parts); i++ {
		table := strings.Join(parts[:i], ".")
		if w.made[table] {
			continue
		}
		w.made[table] = true
		fmt.Fprintf(&w.b, "\n---@class %slib\n%s = {}\n", table, table)
	}
}

func (w *definer) value(m *Member) {
	if m.Type == "alc.Env" {
		fmt.Fprintf(&w.b, "---@class alc.Env\n---@field [string] string\n")
	} else {
		fmt.Fprintf(&w.b, "---@type %s\n", m.Type)
	}
	w.made[m.Name] = true
	fmt.Fprintf(&w.b, "%s = {}\n", m.Name)
}

// callable writes a table that is called: a class with the call as an overload.
func (w *definer) callable(m *Member) {
	var params []string
	for _, p := range m.Params {
		params = append(params, p.declared()+": "+p.Type)
	}
	var results []string
	for _, r := range m.Returns {
		results = append(results, r.Type)
	}
	fmt.Fprintf(&w.b, "---@class %slib\n", m.Name)
	for _, call := range append([]string{fmt.Sprintf("fun(%s): %s", strings.Join(params, ", "), strings.Join(results, ", "))}, m.Overloads...) {
		fmt.Fprintf(&w.b, "---@overload %s\n", call)
	}
	fmt.Fprintf(&w.b, "%s = {}\n", m.Name)
	w.made[m.Name] = true
}

func (w *definer) function(m *Member) {
	for _, p := range m.Params {
		fmt.Fprintf(&w.b, "---@param %s %s%s\n", p.declared(), p.Type, tail(p.Text))
	}
	for _, r := range m.Returns {
		text := ""
		if r.Text != "" {
			text = " # " + r.Text
		}
		fmt.Fprintf(&w.b, "---@return %s%s\n", r.Type, text)
	}
	for _, call := range m.Overloads {
		fmt.Fprintf(&w.b, "---@overload %s\n", call)
	}
	fmt.Fprintf(&w.b, "function %s(%s) end\n", m.Name, m.paramList(false))
}
