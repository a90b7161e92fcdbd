package mcp

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// The keys whose numbers are times and durations, and whose texts are prose.
var (
	timeKeys  = []string{"elapsed_ms", "started_at", "last_activity_at", "started_waiting_at", "completed_at", "ts", "timestamp", "paused_at", "finished_at", "occurred_at", "observed_at", "requested_at", "duration_ms", "avg_elapsed_ms", "at"}
	proseKeys = []string{"error", "history_warning", "transcript_warning"}
)

// names are the ids of one replay: sessions in order of appearance, and the query ids that the
// program gave where the recording has others.
type names struct {
	home string
	sids []string
	ids  map[string]string
}

func tag(i int) string {
	if i == 0 {
		return "<sid>"
	}
	return fmt.Sprintf("<sid%d>", i+1)
}

// learn remembers the session ids of a result.
func (n *names) learn(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range []string{"session_id", "sid"} {
			if s, ok := v[k].(string); ok && len(s) > 3 && !strings.HasPrefix(s, "<") && !slices.Contains(n.sids, s) {
				n.sids = append(n.sids, s)
			}
		}
		for _, k := range sortedKeys(v) {
			n.learn(v[k])
		}
	case []any:
		for _, x := range v {
			n.learn(x)
		}
	}
}

// pair remembers which query id the program gave for a recorded one.
func (n *names) pair(want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return
		}
		for _, k := range []string{"query_id", "id"} {
			if a, ok := w[k].(string); ok {
				if b, ok := g[k].(string); ok {
					n.ids[a] = b
				}
			}
		}
		for k := range w {
			n.pair(w[k], g[k])
		}
	case []any:
		g, _ := got.([]any)
		for i := 0; i < len(w) && i < len(g); i++ {
			n.pair(w[i], g[i])
		}
	}
}

// fill puts this replay's ids into recorded arguments.
func (n *names) fill(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if s, ok := x.(string); ok && k == "query_id" {
				if own, ok := n.ids[s]; ok {
					s = own
				}
				out[k] = s
				continue
			}
			out[k] = n.fill(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = n.fill(x)
		}
		return out
	case string:
		v = strings.ReplaceAll(v, "<home>", n.home)
		for i, s := range n.sids {
			v = strings.ReplaceAll(v, tag(i), s)
		}
		return v
	}
	return v
}

// out puts placeholders where a text has this replay's ids.
func (n *names) out(s string) string {
	for i, x := range n.sids {
		s = strings.ReplaceAll(s, x, tag(i))
	}
	return strings.ReplaceAll(s, n.home, "<home>")
}

// norm puts placeholders where a result has what varies.
func (n *names) norm(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if k == "message" && v["state"] == "failed" {
				out[k] = "<text>"
				continue
			}
			out[k] = n.norm(x, k)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = n.norm(x, key)
		}
		return out
	}
	switch key {
	case "pid":
		return "<pid>"
	case "sock":
		return "<sock>"
	case "version", "pool_version":
		return "<version>"
	case "created_at":
		return "<time>"
	}
	if _, ok := v.(json.Number); ok && slices.Contains(timeKeys, key) {
		return "<ms>"
	}
	if s, ok := v.(string); ok {
		if s != "" && slices.Contains(proseKeys, key) {
			return "<text>"
		}
		return n.out(s)
	}
	return v
}

// opaque makes query ids comparable as text only.
func opaque(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if _, ok := x.(string); ok && (k == "query_id" || k == "id") {
				out[k] = "<text>"
				continue
			}
			out[k] = opaque(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = opaque(x)
		}
		return out
	}
	return v
}

// loosen drops a count that the recorded program raises for rejected answers too.
func loosen(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if k == "total_response_chars" {
				out[k] = "<ms>"
				continue
			}
			out[k] = loosen(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = loosen(x)
		}
		return out
	}
	return v
}

// fits lists where got is not what was recorded. Keys that were not recorded are allowed.
func fits(want, got any, path string) []string {
	if w, ok := want.(string); ok {
		switch w {
		case "<any>":
			return nil
		case "<ms>", "<pid>":
			if _, ok := got.(json.Number); ok || got == want {
				return nil
			}
			return []string{path + ": want a number, got " + short(got)}
		case "<text>", "<time>", "<sock>", "<version>":
			if s, ok := got.(string); ok && s != "" {
				return nil
			}
			if _, ok := got.(map[string]any); ok && w == "<text>" {
				return nil
			}
			return []string{path + ": want text, got " + short(got)}
		}
	}
	switch w := want.(type) {
	case map[string]any:
		return fitsObject(w, got, path)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []string{fmt.Sprintf("%s: want a list of %d, got %s", path, len(w), short(got))}
		}
		var diffs []string
		for i := range w {
			diffs = append(diffs, fits(w[i], g[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return diffs
	case json.Number:
		if g, ok := got.(json.Number); ok && sameNumber(w, g) {
			return nil
		}
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: want %s, got %s", path, short(want), short(got))}
}

func fitsObject(want map[string]any, got any, path string) []string {
	g, ok := got.(map[string]any)
	if !ok {
		return []string{path + ": want an object, got " + short(got)}
	}
	var diffs []string
	for _, k := range sortedKeys(want) {
		x, ok := g[k]
		switch {
		case ok:
			diffs = append(diffs, fits(want[k], x, path+"."+k)...)
		case want[k] != nil:
			diffs = append(diffs, path+"."+k+": missing")
		}
	}
	return diffs
}

func sameNumber(a, b json.Number) bool {
	x, ok1 := new(big.Rat).SetString(string(a))
	y, ok2 := new(big.Rat).SetString(string(b))
	return ok1 && ok2 && x.Cmp(y) == 0
}

func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b[:min(len(b), 200)])
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// agree lists where an outcome is not what was recorded. want is a reply, a list of replies of
// which one must fit, or "any"; raw is the whole text of the answer, which must have the texts
// of has.
func agree(want any, got map[string]any, raw string, has []string) []string {
	switch w := want.(type) {
	case string:
		if w == "any" {
			return nil
		}
	case []any:
		var first []string
		for _, x := range w {
			diffs := agree(x, got, raw, has)
			if len(diffs) == 0 {
				return nil
			}
			first = append(first, diffs[0])
		}
		return []string{fmt.Sprintf("none of %d forms fits: %s", len(w), strings.Join(first, "; "))}
	case map[string]any:
		return agreeReply(w, got, raw, has)
	}
	return []string{"the recorded reply makes no sense: " + short(want)}
}

func agreeReply(want, got map[string]any, raw string, has []string) []string {
	var diffs []string
	for _, kind := range []string{"result", "result_text", "error", "rpc_error"} {
		w, ok := want[kind]
		if !ok {
			continue
		}
		g, ok := got[kind]
		if !ok {
			return []string{fmt.Sprintf("want %s %s, got %s %q", kind, short(w), short(got), raw[:min(len(raw), 300)])}
		}
		if kind == "result" || kind == "rpc_error" {
			diffs = append(diffs, fits(opaque(w), g, "$")...)
		}
	}
	list, _ := want["has"].([]any)
	for _, x := range list {
		if s, ok := x.(string); ok {
			has = append(slices.Clone(has), s)
		}
	}
	for _, s := range has {
		if !strings.Contains(raw, s) {
			diffs = append(diffs, fmt.Sprintf("the text lacks %q: %.300q", s, raw))
		}
	}
	return diffs
}
