// Package luadoc is the one source of what the documentation says about the Lua API, and what is
// made from it: docs/reference/lua.md, the LuaCATS definitions that editors read, and the list of
// names that the lint knows.
//
// The source is the files in api/, one a theme, in TOML: a title, a text, and entries for types
// and members. [Load] reads them; [API.Markdown] and [API.Definitions] write what is made of them.
// Tests hold the source against a live VM in both directions, and run every example.
//
// A member's parameter is written as "name: type -- text", with "name?" when it may be left out;
// a result as "type -- text". The text may be missing. Types are those of LuaCATS. In an example,
// a comment that begins with "-->" tells what the line prints or returns.
package luadoc

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

//go:embed api/*.toml
var files embed.FS

// order is that of the themes in the reference.
var order = []string{
	"script", "model", "parallel", "json", "text", "parsing", "format", "collections", "pipeline", "cache",
	"state", "cards", "log", "budget", "environment",
	"random", "statistics", "functions", "distributions", "tests", "ranking", "information", "resampling", "effects", "calibration",
	"eval", "evalframe", "std", "globals", "os", "io", "package", "spec",
}

// API is the documentation of everything that a script finds in its VM beyond plain Lua.
type API struct {
	Themes []Theme
}

// Theme is a group of members that belong together: a section of the reference.
type Theme struct {
	Title    string            `toml:"title"`
	Text     string            `toml:"text"`
	Spec     bool              `toml:"spec"`     // only spec files have these members
	Packages map[string]string `toml:"packages"` // sources of packages that the examples use, by name
	Types    []Type            `toml:"type"`
	Members  []Member          `toml:"member"`
}

// Type is a table of known fields that members take or return.
type Type struct {
	Name   string  `toml:"name"`
	Text   string  `toml:"text"`
	Call   string  `toml:"call"` // the function that it is when it is called; empty for most
	Fields []Param `toml:"fields"`
}

// Class tells what a member needs of the world, and so what the journal holds of a call.
type Class string

// The classes.
const (
	Pure      Class = "pure"      // computed from the arguments; nothing is recorded
	Read      Class = "read"      // read from the world; the value is recorded
	Effect    Class = "effect"    // a change of the world, made once, with its record
	Ask       Class = "ask"       // questions to the model: the script pauses
	Composite Class = "composite" // runs other members or the caller's functions
	Refused   Class = "refused"   // never allowed in a session
)

// Member is a function or a value that scripts can name.
type Member struct {
	Name    string   `toml:"name" json:"name"` // the whole path: alc.state.get; a method has a colon
	Class   Class    `toml:"class" json:"class"`
	Type    string   `toml:"type" json:"type,omitempty"` // of a value; empty for a function
	Text    string   `toml:"text" json:"text"`
	Params  []Param  `toml:"params" json:"params,omitempty"`
	Returns []Result `toml:"returns" json:"returns,omitempty"`
	// Overloads are other ways to call it, as types.
	Overloads []string `toml:"overloads" json:"overloads,omitempty"`
	Errors    []string `toml:"errors" json:"errors,omitempty"`
	Callable  bool     `toml:"callable" json:"callable,omitempty"` // a table that can be called, with members of its own
	Spec      bool     `toml:"-" json:"spec,omitempty"`            // only spec files have it
	Standard  bool     `toml:"standard" json:"standard,omitempty"` // Lua's own, documented for what is different here
	Grant     string   `toml:"grant" json:"grant,omitempty"`       // the flag without which it does nothing
	Example   string   `toml:"example" json:"example,omitempty"`
	Ctx       string   `toml:"ctx" json:"ctx,omitempty"`         // the example's ctx, as JSON
	Answers   []string `toml:"answers" json:"answers,omitempty"` // the model's, to the example's questions
}

// Function tells whether the member is called and not read.
func (m *Member) Function() bool { return m.Type == "" }

// Param is a parameter of a function or a field of a type.
type Param struct {
	Name     string `json:"name"` // "..." for the rest
	Type     string `json:"type"`
	Optional bool   `json:"optional,omitempty"`
	Text     string `json:"text,omitempty"`
}

// UnmarshalText reads "name?: type -- text".
func (p *Param) UnmarshalText(b []byte) error {
	decl, text, _ := strings.Cut(string(b), " -- ")
	name, typ, ok := strings.Cut(decl, ":")
	if !ok || strings.TrimSpace(name) == "" || strings.TrimSpace(typ) == "" {
		return fmt.Errorf("%q is not of the form \"name: type -- text\"", b)
	}
	name, optional := strings.CutSuffix(strings.TrimSpace(name), "?")
	*p = Param{Name: name, Type: strings.TrimSpace(typ), Optional: optional, Text: strings.TrimSpace(text)}
	return nil
}

// Result is what a function returns.
type Result struct {
	Type string `json:"type"`
	Text string `json:"text,omitempty"`
}

// UnmarshalText reads "type -- text".
func (r *Result) UnmarshalText(b []byte) error {
	typ, text, _ := strings.Cut(string(b), " -- ")
	if strings.TrimSpace(typ) == "" {
		return fmt.Errorf("%q is not of the form \"type -- text\"", b)
	}
	*r = Result{strings.TrimSpace(typ), strings.TrimSpace(text)}
	return nil
}

// Load returns the documentation that this build carries. It is read once and must not be
// changed. It is safe for concurrent use. An error means that the build itself is broken.
var Load = sync.OnceValues(load)

func load() (*API, error) {
	api := &API{}
	for _, name := range order {
		src, err := files.ReadFile("api/" + name + ".toml")
		if err != nil {
			return nil, err
		}
		t, err := parse(src)
		if err != nil {
			return nil, fmt.Errorf("reading api/%s.toml: %w", name, err)
		}
		api.Themes = append(api.Themes, t)
	}
	return api, nil
}

// parse reads a theme and refuses what is missing or unknown.
func parse(src []byte) (Theme, error) {
	var t Theme
	dec := toml.NewDecoder(bytes.NewReader(src))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return t, err
	}
	if t.Title == "" || len(t.Members) == 0 {
		return t, fmt.Errorf("a theme needs a title and members")
	}
	for i := range t.Members {
		if err := t.Members[i].validate(); err != nil {
			return t, err
		}
		t.Members[i].Spec = t.Spec
	}
	for _, typ := range t.Types {
		if typ.Name == "" || typ.Text == "" {
			return t, fmt.Errorf("type %q: a type needs a name and a text", typ.Name)
		}
	}
	return t, nil
}

func (m *Member) validate() error {
	switch m.Class {
	case Pure, Read, Effect, Ask, Composite, Refused:
	default:
		return fmt.Errorf("member %q: unknown class %q", m.Name, m.Class)
	}
	if m.Name == "" || strings.TrimSpace(m.Text) == "" {
		return fmt.Errorf("member %q: a member needs a name and a text", m.Name)
	}
	if m.Type != "" && (m.Params != nil || m.Returns != nil || m.Callable) {
		return fmt.Errorf("member %q: a value takes and returns nothing", m.Name)
	}
	return nil
}

// Members returns the members of all themes, those of spec files too, in the order of the reference.
func (a *API) Members() []*Member {
	var all []*Member
	for i := range a.Themes {
		for j := range a.Themes[i].Members {
			all = append(all, &a.Themes[i].Members[j])
		}
	}
	return all
}

// Member returns the member of a name, with dots or colons, or nil.
func (a *API) Member(name string) *Member {
	name = strings.ReplaceAll(name, ":", ".")
	for _, m := range a.Members() {
		if strings.ReplaceAll(m.Name, ":", ".") == name {
			return m
		}
	}
	return nil
}

// Signature writes how a member is called, or its name and type.
func (m *Member) Signature() string {
	if !m.Function() {
		return m.Name + ": " + m.Type
	}
	sig := m.Name + "(" + m.paramList(true) + ")"
	var types []string
	for _, r := range m.Returns {
		types = append(types, r.Type)
	}
	if len(types) > 0 {
		sig += " → " + strings.Join(types, ", ")
	}
	return sig
}

// paramList joins the names of the parameters; marked shows which may be left out.
func (m *Member) paramList(marked bool) string {
	var names []string
	for _, p := range m.Params {
		name := p.Name
		if marked && p.Optional {
			name += "?"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
