package engine

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/algocline/algocline/value"
)

// Query is one question to whoever plays the LLM.
type Query struct {
	ID              string
	Prompt          string
	System          *string
	MaxTokens       int64
	Grounded        bool
	Underspecified  bool
	Role            *string
	CacheBreakpoint *string
}

// Answer is the response to one query, with what it cost as far as the host knows.
type Answer struct {
	QueryID          string // "" when exactly one query is open
	Response         string
	PromptTokens     *int64
	CompletionTokens *int64
}

// size is the length of the prompt with its system text, as the metrics count it.
func (q Query) size() int64 {
	n := int64(len(q.Prompt))
	if q.System != nil {
		n += int64(len(*q.System))
	}
	return n
}

// textSize is what the limit prompt_size bounds: all text of the query.
func (q Query) textSize() int64 {
	n := q.size()
	for _, s := range []*string{q.Role, q.CacheBreakpoint} {
		if s != nil {
			n += int64(len(*s))
		}
	}
	return n
}

// wireSize is about how long the query is as JSON.
func (q Query) wireSize() int64 {
	n := jsonSize(q.Prompt) + 256
	for _, s := range []*string{q.System, q.Role, q.CacheBreakpoint} {
		if s != nil {
			n += jsonSize(*s)
		}
	}
	return n
}

// jsonSize is how long a text is within JSON, at most: some characters are written as six.
func jsonSize(s string) int64 {
	n := int64(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x20 || c == '<' || c == '>' || c == '&':
			n += 5
		case c == '"' || c == '\\':
			n++
		case c == 0xe2: // U+2028 and U+2029 may be escaped
			n += 3
		}
	}
	return n
}

func (q Query) tokens() int64 {
	n := estimate(q.Prompt)
	if q.System != nil {
		n += estimate(*q.System)
	}
	return n
}

// estimate is the reference's guess at a text's tokens: a quarter for each ASCII character, two
// thirds for every other, each sum rounded up (lua-api.md section 5).
func estimate(s string) int64 {
	var ascii, other int64
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			ascii++
			i++
			continue
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		other++
		i += n
	}
	return (ascii+3)/4 + (2*other+2)/3
}

func (q Query) table() *value.Table {
	t := &value.Table{}
	add := func(k string, v any) { t.Keys, t.Vals = append(t.Keys, k), append(t.Vals, v) }
	if q.CacheBreakpoint != nil {
		add("cache_breakpoint", *q.CacheBreakpoint)
	}
	if q.Grounded {
		add("grounded", true)
	}
	add("id", q.ID)
	add("max_tokens", q.MaxTokens)
	add("prompt", q.Prompt)
	if q.Role != nil {
		add("role", *q.Role)
	}
	if q.System != nil {
		add("system", *q.System)
	}
	if q.Underspecified {
		add("underspecified", true)
	}
	return t
}

func queryOf(t *value.Table) Query {
	text := func(k string) *string {
		if s, ok := t.Get(k).(string); ok {
			return &s
		}
		return nil
	}
	q := Query{System: text("system"), Role: text("role"), CacheBreakpoint: text("cache_breakpoint")}
	if s := text("id"); s != nil {
		q.ID = *s
	}
	if s := text("prompt"); s != nil {
		q.Prompt = *s
	}
	q.MaxTokens, _ = t.Get("max_tokens").(int64)
	q.Grounded, _ = t.Get("grounded").(bool)
	q.Underspecified, _ = t.Get("underspecified").(bool)
	return q
}

// fieldsPerQuery is how many values the library passes for each query of an ask.
const fieldsPerQuery = 7

// readQueries decodes the arguments of an ask; id makes an id for each.
func readQueries(args value.List, id func() string) ([]Query, error) {
	vs, err := value.Decode(args)
	if err != nil {
		return nil, err
	}
	if len(vs) == 0 || len(vs)%fieldsPerQuery != 0 {
		return nil, fmt.Errorf("an ask of %d values", len(vs))
	}
	qs := make([]Query, len(vs)/fieldsPerQuery)
	for i := range qs {
		f := vs[i*fieldsPerQuery:]
		prompt, ok := f[0].(string)
		max, ok2 := f[2].(int64)
		if !ok || !ok2 || max < 0 || max > math.MaxUint32 {
			return nil, fmt.Errorf("query %d of an ask is malformed", i+1)
		}
		text := func(v any) *string {
			if s, ok := v.(string); ok {
				return &s
			}
			return nil
		}
		qs[i] = Query{
			ID: id(), Prompt: prompt, System: text(f[1]), MaxTokens: max,
			Grounded: f[3] == true, Underspecified: f[4] == true, Role: text(f[5]), CacheBreakpoint: text(f[6]),
		}
	}
	return qs, nil
}
