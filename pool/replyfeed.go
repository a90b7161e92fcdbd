package pool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// decodeFeed reads the data of a feed reply. This is the hot path of every front, so it reads
// the members itself instead of having encoding/json look them up by reflection.
func decodeFeed(data json.RawMessage) (Feed, error) {
	var (
		sid    string
		result WireFeed
		has    bool
		d      = decoder{where: "feed"}
		room   [usualFields]field
	)
	for _, f := range members(data, room[:0]) {
		if isNull(f.value) {
			continue
		}
		switch string(f.name) {
		case "kind":
			if kind := d.str(f); kind != "feed" {
				return Feed{}, parseError(data, fmt.Errorf("kind %q where a feed was expected", kind))
			}
		case "session_id":
			sid = d.str(f)
		case "feed_result":
			has = true
			result = d.wireFeed(f)
		}
	}
	if d.err != nil {
		return Feed{}, parseError(data, d.err)
	}
	if !has {
		return Feed{}, parseError(data, errors.New("no feed_result"))
	}
	f, err := result.Feed(sid)
	if err != nil {
		return Feed{}, parseError(data, err)
	}
	return f, nil
}

func (d *decoder) wireFeed(f field) (w WireFeed) {
	if f.value[0] != '{' {
		d.wrong(f.name, "an object", f.value)
		return w
	}
	d.where = "feed_result"
	var room [usualFields]field
	all := members(f.value, room[:0])
	for _, m := range all {
		if string(m.name) == "output" { // null is a result
			w.Output = bytes.Clone(m.value)
		} else if !isNull(m.value) {
			d.wireMember(&w, m)
		}
	}
	if w.Type == FeedPaused && len(w.Queries) == 0 {
		d.oneQuery(&w, all)
	}
	return w
}

// oneQuery reads the one query that stands at the top; where queries has it too, once is enough.
func (d *decoder) oneQuery(w *WireFeed, all []field) {
	for _, m := range all {
		if isNull(m.value) {
			continue
		}
		switch string(m.name) {
		case "query_id":
			w.QueryID = d.ptr(m)
		case "prompt":
			w.Prompt = d.ptr(m)
		case "system":
			w.System = bytes.Clone(m.value)
		case "max_tokens":
			n := d.integer(m)
			w.MaxTokens = &n
		}
	}
}

func (d *decoder) wireMember(w *WireFeed, m field) {
	switch string(m.name) {
	case "type":
		w.Type = FeedType(d.str(m))
	case "session_id":
		w.SessionID = d.str(m)
	case "queries":
		w.Queries = d.queries(m)
	case "remaining":
		n := int(d.integer(m))
		w.Remaining = &n
	case "status":
		w.Status = d.str(m)
	case "metrics":
		w.Metrics = bytes.Clone(m.value)
	case "error":
		w.Error = new(Failure)
		if err := json.Unmarshal(m.value, w.Error); err != nil {
			d.wrong(m.name, "an error object", m.value)
		}
	case "log":
		if err := json.Unmarshal(m.value, &w.Log); err != nil {
			d.wrong(m.name, "an array of log entries", m.value)
		}
	}
}

func (d *decoder) integer(f field) int64 {
	n, ok := integerValue(f.value)
	if !ok {
		d.wrong(f.name, "an integer", f.value)
	}
	return n
}

func (d *decoder) queries(f field) []Query {
	if f.value[0] != '[' {
		d.wrong(f.name, "an array", f.value)
		return nil
	}
	var out []Query
	for _, v := range elements(f.value) {
		if v[0] != '{' {
			d.wrong(f.name, "an array of objects", v)
			return nil
		}
		out = append(out, d.query(v))
	}
	return out
}

func (d *decoder) query(v []byte) (q Query) {
	var room [usualFields]field
	for _, m := range members(v, room[:0]) {
		if isNull(m.value) {
			continue
		}
		switch string(m.name) {
		case "id":
			q.ID = d.str(m)
		case "prompt":
			q.Prompt = d.str(m)
		case "system":
			q.System = d.ptr(m)
		case "max_tokens":
			q.MaxTokens = d.integer(m)
		case "grounded":
			q.Grounded = d.bool(m)
		case "underspecified":
			q.Underspecified = d.bool(m)
		case "role":
			q.Role = d.ptr(m)
		case "cache_breakpoint":
			q.CacheBreakpoint = d.ptr(m)
		}
	}
	return q
}
