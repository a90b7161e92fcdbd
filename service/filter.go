package service

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/algocline/algocline/pool"
)

// DefaultPreview is how many characters of a prompt the preview shows.
const DefaultPreview = 200

// promptMode says how much of a prompt a pending entry shows.
type promptMode string

const (
	promptOff     promptMode = "off"
	promptPreview promptMode = "preview"
	promptFull    promptMode = "full"
)

// PendingFilter chooses the fields of the open queries that status shows. Nil shows none of them.
type PendingFilter struct {
	queryID, maxTokens, system, grounded, underspecified, role, cacheBreakpoint bool

	prompt promptMode
	chars  int
}

// FilterError is a pending_filter that cannot be used.
type FilterError struct {
	Why string
}

func (e *FilterError) Error() string { return e.Why }

// ParsePendingFilter reads a filter as hosts send it: the presets "meta", "preview" and "full",
// an object of the fields wanted, or null or nothing for no filter. preview is the number of
// characters of a preview that names none; 0 is [DefaultPreview]. The error is [*FilterError].
func ParsePendingFilter(raw json.RawMessage, preview int) (*PendingFilter, error) {
	if preview <= 0 {
		preview = DefaultPreview
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil, nil
	}
	switch kind := jsonKind(raw); kind {
	case "null":
		return nil, nil
	case "string":
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, &FilterError{"invalid pending_filter: " + err.Error()}
		}
		return presetFilter(name, preview)
	case "object":
		return objectFilter(raw, preview)
	default:
		return nil, &FilterError{"pending_filter must be a preset name (string) or filter object, got " + kind}
	}
}

func presetFilter(name string, preview int) (*PendingFilter, error) {
	f := &PendingFilter{queryID: true, maxTokens: true, prompt: promptOff}
	switch name {
	case "meta":
	case "preview":
		f.prompt, f.chars, f.role = promptPreview, preview, true
	case "full":
		f.prompt = promptFull
		f.system, f.grounded, f.underspecified, f.role, f.cacheBreakpoint = true, true, true, true, true
	default:
		return nil, &FilterError{fmt.Sprintf("unknown pending_filter preset '%s' (valid: \"meta\" | \"preview\" | \"full\")", name)}
	}
	return f, nil
}

func objectFilter(raw json.RawMessage, preview int) (*PendingFilter, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, &FilterError{"invalid pending_filter object: " + err.Error()}
	}
	f := &PendingFilter{prompt: promptOff}
	flags := map[string]*bool{
		"query_id": &f.queryID, "max_tokens": &f.maxTokens, "system": &f.system, "grounded": &f.grounded,
		"underspecified": &f.underspecified, "role": &f.role, "cache_breakpoint": &f.cacheBreakpoint,
	}
	for key, v := range fields {
		flag, ok := flags[key]
		if !ok || jsonKind(v) == "null" {
			continue
		}
		if kind := jsonKind(v); kind != "bool" {
			return nil, &FilterError{fmt.Sprintf("invalid pending_filter object: %s must be a bool, got %s", key, kind)}
		}
		*flag = v[0] == 't'
	}
	if p, ok := fields["prompt"]; ok && jsonKind(p) != "null" {
		if err := f.setPrompt(p, preview); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *PendingFilter) setPrompt(raw json.RawMessage, preview int) error {
	var p struct {
		Mode  *string `json:"mode"`
		Chars *uint32 `json:"chars"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return &FilterError{`invalid pending_filter object: prompt must be like {"mode":"preview","chars":50}: ` + err.Error()}
	}
	if p.Mode == nil {
		return &FilterError{"invalid pending_filter object: prompt lacks its mode (\"off\" | \"preview\" | \"full\")"}
	}
	switch m := promptMode(*p.Mode); m {
	case promptOff, promptPreview, promptFull:
		f.prompt = m
	default:
		return &FilterError{fmt.Sprintf("invalid pending_filter object: unknown prompt mode '%s' (valid: \"off\" | \"preview\" | \"full\")", *p.Mode)}
	}
	f.chars = preview
	if p.Chars != nil {
		f.chars = int(*p.Chars)
	}
	return nil
}

// apply returns what is shown of the open queries. Fields asked for are always there.
func (f *PendingFilter) apply(queries []pool.Query) []map[string]any {
	out := make([]map[string]any, 0, len(queries))
	for i := range queries {
		out = append(out, f.applyOne(&queries[i]))
	}
	return out
}

func (f *PendingFilter) applyOne(q *pool.Query) map[string]any {
	m := make(map[string]any)
	put := func(want bool, key string, v any) {
		if want {
			m[key] = v
		}
	}
	put(f.queryID, "query_id", q.ID)
	put(f.maxTokens, "max_tokens", q.MaxTokens)
	put(f.system, "system", q.System)
	put(f.grounded, "grounded", q.Grounded)
	put(f.underspecified, "underspecified", q.Underspecified)
	put(f.role, "role", q.Role)
	put(f.cacheBreakpoint, "cache_breakpoint", q.CacheBreakpoint)
	switch f.prompt {
	case promptPreview:
		m["prompt_preview"] = firstChars(q.Prompt, f.chars)
	case promptFull:
		m["prompt"] = q.Prompt
	}
	return m
}

// firstChars returns the first n characters of s, never a part of one.
func firstChars(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// jsonKind names the type of a JSON text by its first byte.
func jsonKind(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case 'n':
		return "null"
	case 't', 'f':
		return "bool"
	case '"':
		return "string"
	case '[':
		return "array"
	case '{':
		return "object"
	}
	return "number"
}
