package pool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// reply is one line of a worker, taken apart. It has memory of its own.
type reply struct {
	id   uint64 // 0: none
	data json.RawMessage
	err  *RemoteError // ok:false
}

// parseReply takes a reply apart. Null and absent are the same; unknown members are ignored.
func parseReply(line []byte) (reply, error) {
	var room [usualFields]field
	fields, why, ok := parseObject(line, room[:0])
	if !ok {
		return reply{}, errors.New(why)
	}
	var (
		r                 reply
		okText            byte
		code, text, extra []byte
	)
	for _, f := range fields {
		if isNull(f.value) {
			continue
		}
		switch string(f.name) {
		case "ok":
			okText = f.value[0]
		case "data":
			r.data = f.value
		case "error":
			text = f.value
		case "code":
			code = f.value
		case "details":
			extra = f.value
		case "id":
			id, err := strconv.ParseUint(string(f.value), 10, 64)
			if err != nil {
				return reply{}, fmt.Errorf("id %s was never sent", f.value)
			}
			r.id = id
		}
	}
	switch okText {
	case 't':
		if len(r.data) == 0 || r.data[0] != '{' {
			return reply{}, errors.New(`"data" is not an object`)
		}
		r.data = bytes.Clone(r.data)
		return r, nil
	case 'f':
		r.data, r.err = nil, parseRefusal(text, code, extra)
		return r, nil
	}
	return reply{}, errors.New(`"ok" is not a boolean`)
}

func parseRefusal(text, code, extra []byte) *RemoteError {
	e := &RemoteError{Code: CodeInternal}
	if s, ok := stringValue(text); ok {
		e.Message = s
	}
	if s, ok := stringValue(code); ok {
		e.Code = Code(s)
	}
	if e.Message == "" {
		e.Message = "the worker refused the request (" + string(e.Code) + ")"
	}
	if len(extra) > 0 && extra[0] == '{' {
		if err := json.Unmarshal(extra, &e.Details); err != nil {
			e.Details = nil
		}
	}
	return e
}

// decodeStatusReply reads the data of a status reply.
func decodeStatusReply(data json.RawMessage) (Status, error) {
	var d struct {
		Kind string `json:"kind"`
		Status
	}
	err := json.Unmarshal(data, &d)
	if err == nil && d.Kind != "status" {
		err = fmt.Errorf("kind %q where a status was expected", d.Kind)
	}
	if err != nil {
		return Status{}, parseError(data, err)
	}
	return d.Status, nil
}
