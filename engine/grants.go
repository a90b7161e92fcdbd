package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
)

// ErrBadGrant: a grant that is unknown or malformed.
var ErrBadGrant = errors.New("bad grant")

// Grants are what a session may do beyond computing and asking: files below directories, and
// variables of the environment. They are recorded when it starts and never change. The zero value
// grants nothing.
type Grants struct {
	Read  []string // absolute directories whose files may be read
	Write []string // absolute directories whose files may be written, removed and renamed
	Env   []string // names of variables
}

// ParseGrants reads grants as a request carries them: lists of texts under "read", "write" and
// "env". Errors match [ErrBadGrant].
func ParseGrants(m map[string]any) (Grants, error) {
	var g Grants
	for name, v := range m {
		list, ok := v.([]any)
		if !ok {
			return Grants{}, fmt.Errorf("%w: %s must be a list of texts", ErrBadGrant, name)
		}
		for _, x := range list {
			s, ok := x.(string)
			if !ok {
				return Grants{}, fmt.Errorf("%w: %s holds a %T where a text belongs", ErrBadGrant, name, x)
			}
			if err := g.add(name, s); err != nil {
				return Grants{}, err
			}
		}
	}
	return g, nil
}

func (g *Grants) add(name, s string) error {
	if s == "" || strings.ContainsRune(s, 0) {
		return fmt.Errorf("%w: an empty %s", ErrBadGrant, name)
	}
	switch name {
	case "read", "write":
		if !filepath.IsAbs(s) {
			return fmt.Errorf("%w: %s=%s is not an absolute directory", ErrBadGrant, name, s)
		}
		s = filepath.Clean(s)
		if name == "read" {
			g.Read = append(g.Read, s)
		} else {
			g.Write = append(g.Write, s)
		}
	case "env":
		if strings.ContainsRune(s, '=') {
			return fmt.Errorf("%w: env=%s: name the variable, not its value", ErrBadGrant, s)
		}
		g.Env = append(g.Env, s)
	default:
		return fmt.Errorf("%w: unknown name %q; there are read, write and env", ErrBadGrant, name)
	}
	return nil
}

// List returns the grants as texts such as "read=/data", sorted.
func (g Grants) List() []string {
	list := []string{}
	for name, values := range map[string][]string{"read": g.Read, "write": g.Write, "env": g.Env} {
		for _, v := range values {
			list = append(list, name+"="+v)
		}
	}
	sort.Strings(list)
	return list
}

// Map returns the grants as a request carries them; nil when there are none.
func (g Grants) Map() map[string]any {
	var m map[string]any
	for name, values := range map[string][]string{"read": g.Read, "write": g.Write, "env": g.Env} {
		for _, v := range values {
			if m == nil {
				m = map[string]any{}
			}
			list, _ := m[name].([]any)
			m[name] = append(list, v)
		}
	}
	return m
}

// grantsOf reads what List wrote.
func grantsOf(list []string) (Grants, error) {
	var g Grants
	for _, s := range list {
		name, v, _ := strings.Cut(s, "=")
		if err := g.add(name, v); err != nil {
			return Grants{}, err
		}
	}
	return g, nil
}

// NotGrantedError is a request that a grant would have allowed.
type NotGrantedError struct {
	What  string // what was asked for, such as "reading /data/x"
	Grant string // the option that grants it, such as "--allow-read=DIR"
}

func (e *NotGrantedError) Error() string {
	return fmt.Sprintf("%s is not granted to this session; start it with %s", e.What, e.Grant)
}
