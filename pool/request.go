package pool

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// request is one line of a caller, taken apart. Its fields lie in the line's buffer until the
// decoder of its op has copied them.
type request struct {
	op     Op
	id     []byte // as it was sent, nil when there is none
	fields []field
}

// parseRequest takes a line apart as far as every op needs. When the error is set, id is still
// good if it could be read, so that the refusal finds its caller.
func parseRequest(line []byte, into []field) (request, *RemoteError) {
	fields, why, ok := parseObject(line, into)
	if !ok {
		return request{}, malformed("%s; send one request a line as {\"op\":…}", why)
	}
	r := request{fields: fields}
	opField := -1
	for i, f := range fields {
		switch string(f.name) {
		case "op":
			opField = i
		case "id":
			if isNull(f.value) {
				r.id = nil
				continue
			}
			if _, isInt := integerValue(f.value); f.value[0] != '"' && !isInt {
				return request{}, malformed(`field "id" must be a string or an integer, not %s`, describe(f.value))
			}
			r.id = f.value
		}
	}
	if opField < 0 || isNull(fields[opField].value) {
		return r, malformed(`field "op" is missing`)
	}
	op, ok := stringValue(fields[opField].value)
	if !ok {
		return r, malformed(`field "op" must be a string, not %s`, describe(fields[opField].value))
	}
	r.op = Op(op)
	return r, nil
}

// describe is kindOf, with short numbers shown.
func describe(v []byte) string {
	if k := kindOf(v); k != "a number" || len(v) > 20 {
		return k
	}
	return "the number " + string(v)
}

func malformed(format string, args ...any) *RemoteError {
	return &RemoteError{Code: CodeMalformedRequest, Message: fmt.Sprintf(format, args...)}
}

// decoder reads the fields of one request and keeps the first thing that is wrong.
type decoder struct {
	where string // "run", "continue.responses[2]"
	err   *RemoteError
}

func (d *decoder) wrong(name []byte, want string, v []byte) {
	if d.err == nil {
		d.err = malformed("%s: field %q must be %s, not %s", d.where, name, want, describe(v))
	}
}

func (d *decoder) missing(name string) {
	if d.err == nil {
		d.err = malformed("%s: field %q is missing", d.where, name)
	}
}

func (d *decoder) str(f field) string {
	s, ok := stringValue(f.value)
	if !ok {
		d.wrong(f.name, "a string", f.value)
	}
	return s
}

func (d *decoder) ptr(f field) *string {
	s := d.str(f)
	return &s
}

func (d *decoder) bool(f field) bool {
	if c := f.value[0]; c != 't' && c != 'f' {
		d.wrong(f.name, "a boolean", f.value)
	}
	return f.value[0] == 't'
}

func (d *decoder) strs(f field) []string {
	if f.value[0] != '[' {
		d.wrong(f.name, "an array of strings", f.value)
		return nil
	}
	var out []string
	for i, v := range elements(f.value) {
		out = append(out, d.str(field{fmt.Appendf(nil, "%s[%d]", f.name, i), v}))
	}
	return out
}

func (d *decoder) object(f field) map[string]any {
	if f.value[0] != '{' {
		d.wrong(f.name, "an object", f.value)
		return nil
	}
	var out map[string]any
	if err := json.Unmarshal(f.value, &out); err != nil && d.err == nil {
		d.err = malformed("%s: field %q: %v", d.where, f.name, err)
	}
	return out
}

func (d *decoder) env(f field) map[string]string {
	if f.value[0] != '{' {
		d.wrong(f.name, "an object of strings", f.value)
		return nil
	}
	out := map[string]string{}
	for _, m := range members(f.value, nil) {
		out[string(m.name)] = d.str(field{fmt.Appendf(nil, "%s.%s", f.name, m.name), m.value})
	}
	return out
}

func (d *decoder) tokens(name string, v []byte) *int64 {
	n, ok := integerValue(v)
	if !ok || n < 0 {
		d.wrong([]byte(name), "an integer of at least 0", v)
	}
	return &n
}

func (d *decoder) usage(f field) *Usage {
	if f.value[0] != '{' {
		d.wrong(f.name, "an object", f.value)
		return nil
	}
	u := &Usage{}
	for _, m := range members(f.value, nil) {
		if isNull(m.value) {
			continue
		}
		switch string(m.name) {
		case "prompt_tokens":
			u.PromptTokens = d.tokens("usage.prompt_tokens", m.value)
		case "completion_tokens":
			u.CompletionTokens = d.tokens("usage.completion_tokens", m.value)
		}
	}
	return u
}

// answer reads the fields that a continue and an entry of its responses have in common.
func (d *decoder) answer(a *Answer, f field) {
	switch string(f.name) {
	case "query_id":
		a.QueryID = d.ptr(f)
	case "response":
		a.Response = d.ptr(f)
	case "usage":
		a.Usage = d.usage(f)
	}
}

func decodeRun(fields []field) (RunRequest, *RemoteError) {
	d := decoder{where: string(OpRun)}
	var r RunRequest
	for _, f := range fields {
		if isNull(f.value) {
			continue
		}
		switch string(f.name) {
		case "sid":
			if r.SID = d.str(f); d.err == nil && !ValidSID(r.SID) {
				d.err = malformed(`run: field "sid" must be 1 to 64 of A-Z a-z 0-9 . _ -`)
			}
		case "code":
			r.Code = d.ptr(f)
		case "ctx":
			r.Ctx = bytes.Clone(f.value)
		case "lib_paths":
			r.LibPaths = d.strs(f)
		case "name":
			r.Name = d.str(f)
		case "strategy":
			r.Strategy = d.str(f)
		case "limits":
			r.Limits = d.object(f)
		case "grants":
			r.Grants = d.object(f)
		case "env":
			r.Env = d.env(f)
		case "run_cards":
			r.RunCards = d.bool(f)
		case "isolation":
			var err error
			if r.Isolation, err = ParseIsolation(d.str(f)); err != nil && d.err == nil {
				d.err = malformed("run: %v", err)
			}
		}
	}
	if r.Code == nil {
		d.missing("code")
	}
	return r, d.err
}

func decodeContinue(fields []field) (ContinueRequest, *RemoteError) {
	d := decoder{where: string(OpContinue)}
	var r ContinueRequest
	hasSID := false
	for _, f := range fields {
		switch {
		case isNull(f.value):
		case string(f.name) == "sid":
			r.SID, hasSID = d.str(f), true
		case string(f.name) == "responses":
			r.Responses = d.responses(f)
		default:
			d.answer(&r.Answer, f)
		}
	}
	switch {
	case !hasSID:
		d.missing("sid")
	case r.Response == nil && len(r.Responses) == 0:
		d.missing("response")
	case r.Response != nil && len(r.Responses) > 0 && d.err == nil:
		d.err = malformed(`continue: send "response" or "responses", not both`)
	}
	return r, d.err
}

func (d *decoder) responses(f field) []Answer {
	if f.value[0] != '[' {
		d.wrong(f.name, "an array", f.value)
		return nil
	}
	var out []Answer
	for i, v := range elements(f.value) {
		e := decoder{where: fmt.Sprintf("continue.responses[%d]", i)}
		var a Answer
		if v[0] != '{' {
			d.wrong(fmt.Appendf(nil, "responses[%d]", i), "an object", v)
			return nil
		}
		for _, m := range members(v, nil) {
			if !isNull(m.value) {
				e.answer(&a, m)
			}
		}
		if a.Response == nil {
			e.missing("response")
		}
		if d.err == nil {
			d.err = e.err
		}
		out = append(out, a)
	}
	return out
}

func decodeStatus(fields []field) (StatusRequest, *RemoteError) {
	d := decoder{where: string(OpStatus)}
	var r StatusRequest
	for _, f := range fields {
		switch {
		case isNull(f.value):
		case string(f.name) == "sid":
			r.SID = d.str(f)
		case string(f.name) == "include_history":
			r.IncludeHistory = d.bool(f)
		}
	}
	return r, d.err
}

func decodeCancel(fields []field) (CancelRequest, *RemoteError) {
	d := decoder{where: string(OpCancel)}
	var r CancelRequest
	hasSID := false
	for _, f := range fields {
		switch {
		case isNull(f.value):
		case string(f.name) == "sid":
			r.SID, hasSID = d.str(f), true
		case string(f.name) == "reason":
			r.Reason = d.str(f)
		}
	}
	if !hasSID {
		d.missing("sid")
	}
	return r, d.err
}

func decodeHandshake(fields []field) (version string, err *RemoteError) {
	d := decoder{where: string(OpHandshake)}
	found := false
	for _, f := range fields {
		if string(f.name) == "version" && !isNull(f.value) {
			version, found = d.str(f), true
		}
	}
	if !found {
		d.missing("version")
	}
	return version, d.err
}

// ValidSID tells whether s may name a session: 1 to 64 of A-Z a-z 0-9 . _ -
func ValidSID(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
