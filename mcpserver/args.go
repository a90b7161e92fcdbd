package mcpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/algocline/algocline/pool"
)

// arguments are the parameters of a call by their exact names. A parameter that is null is the
// same as one that is missing, and one that nobody asks for is ignored.
type arguments map[string]json.RawMessage

var errNotObject = errors.New("tools/call wants an object or null as its arguments")

func parseArguments(raw json.RawMessage) (arguments, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] == 'n' {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, errNotObject
	}
	var a arguments
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotObject, err)
	}
	return a, nil
}

func missing(name string) error { return failure("missing field `%s`", name) }

func wrongType(name, want string, got json.RawMessage) error {
	return failure("invalid type for `%s`: expected %s, got %s", name, want, describe(got))
}

// describe names the type of a JSON value with its article.
func describe(raw json.RawMessage) string {
	switch raw[0] {
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
	return "the number " + string(raw[:min(len(raw), 24)])
}

// get returns a parameter that is there and not null.
func (a arguments) get(name string) (json.RawMessage, bool) {
	raw, ok := a[name]
	if !ok || len(raw) == 0 || raw[0] == 'n' {
		return nil, false
	}
	return raw, true
}

func (a arguments) text(name string) (*string, error) {
	raw, ok := a.get(name)
	if !ok {
		return nil, nil
	}
	if raw[0] != '"' {
		return nil, wrongType(name, "a string", raw)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, failure("invalid `%s`: %v", name, err)
	}
	return &s, nil
}

func (a arguments) requiredText(name string) (string, error) {
	s, err := a.text(name)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", missing(name)
	}
	return *s, nil
}

func (a arguments) flag(name string) (bool, error) {
	raw, ok := a.get(name)
	if !ok {
		return false, nil
	}
	switch raw[0] {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	}
	return false, wrongType(name, "a boolean", raw)
}

// isolation is what the session shares its process with; "" is what the settings say.
func (a arguments) isolation() (pool.Isolation, error) {
	said, err := a.text("isolation")
	if err != nil || said == nil {
		return "", err
	}
	i, err := pool.ParseIsolation(*said)
	if err != nil {
		return "", failure("invalid `isolation`: %v", err)
	}
	return i, nil
}

// count returns a whole number that is not negative.
func (a arguments) count(name string) (*int64, error) {
	raw, ok := a.get(name)
	if !ok {
		return nil, nil
	}
	var n int64
	if err := json.Unmarshal(raw, &n); err != nil || n < 0 {
		return nil, wrongType(name, "a whole number that is not negative", raw)
	}
	return &n, nil
}

// object returns a parameter that is an object, with its numbers as they were written.
func (a arguments) object(name string) (map[string]any, error) {
	raw, ok := a.get(name)
	if !ok {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, wrongType(name, "an object", raw)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, failure("invalid `%s`: %v", name, err)
	}
	return m, nil
}

func (a arguments) nested(name string) (arguments, error) {
	raw, ok := a.get(name)
	if !ok {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, wrongType(name, "an object", raw)
	}
	var m arguments
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, failure("invalid `%s`: %v", name, err)
	}
	return m, nil
}

// answer reads the fields of one answer.
func (a arguments) answer() (pool.Answer, error) {
	var ans pool.Answer
	var err error
	if ans.Response, err = a.text("response"); err != nil {
		return ans, err
	}
	if ans.QueryID, err = a.text("query_id"); err != nil {
		return ans, err
	}
	usage, err := a.nested("usage")
	if err != nil || usage == nil {
		return ans, err
	}
	ans.Usage = &pool.Usage{}
	if ans.Usage.PromptTokens, err = usage.count("prompt_tokens"); err != nil {
		return ans, err
	}
	ans.Usage.CompletionTokens, err = usage.count("completion_tokens")
	return ans, err
}
