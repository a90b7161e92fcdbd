package mcpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// messageError is a line that is no message, with the code that says why.
type messageError struct {
	code int64
	text string
}

func (e *messageError) Error() string { return e.text }

// decodeMessage reads one JSON-RPC message. It does for requests what [jsonrpc.DecodeMessage]
// does, but that overlooks what follows a message on its line and allocates 64 KiB for each,
// which makes up most of a small call's cost.
func decodeMessage(text []byte) (jsonrpc.Message, error) {
	if !utf8.Valid(text) {
		return nil, &messageError{jsonrpc.CodeParseError, "a line was not UTF-8 and was skipped"}
	}
	var m map[string]json.RawMessage // exact names, unlike a struct's
	if err := json.Unmarshal(text, &m); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, &messageError{jsonrpc.CodeParseError, "a line was not one JSON text and was skipped"}
		}
		return nil, &messageError{jsonrpc.CodeInvalidRequest, "a line was not one message: send one object a line, without batches"}
	}
	if m["method"] == nil {
		return jsonrpc.DecodeMessage(text)
	}
	var head struct {
		version, method string
		id              any
	}
	for _, f := range []struct {
		name string
		into any
	}{{"jsonrpc", &head.version}, {"method", &head.method}, {"id", &head.id}} {
		if raw := m[f.name]; raw != nil && json.Unmarshal(raw, f.into) != nil {
			return nil, &messageError{jsonrpc.CodeInvalidRequest, fmt.Sprintf("%q is of a wrong type", f.name)}
		}
	}
	if head.version != "2.0" {
		return nil, &messageError{jsonrpc.CodeInvalidRequest, `"jsonrpc" is not "2.0"`}
	}
	id, err := jsonrpc.MakeID(head.id)
	if err != nil || !exact(head.id) {
		return nil, &messageError{jsonrpc.CodeInvalidRequest, `"id" is neither a whole number below 2^53 nor a string`}
	}
	return &jsonrpc.Request{ID: id, Method: head.method, Params: m["params"]}, nil
}

// exact tells whether a reply can carry the id as it came: numbers are rounded to what a float64 holds,
// and then to whole ones.
func exact(id any) bool {
	n, ok := id.(float64)
	return !ok || n == math.Trunc(n) && math.Abs(n) < 1<<53
}
