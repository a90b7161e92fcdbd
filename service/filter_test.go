package service

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/pool"
)

func TestPendingFilter(t *testing.T) {
	q := pool.Query{ID: "q-0", Prompt: "héllo world", MaxTokens: 9, Grounded: true, System: ptr("sys")}
	cases := []struct{ name, filter, want string }{
		{"none", ``, `null`},
		{"null", `null`, `null`},
		{"meta", `"meta"`, `[{"max_tokens":9,"query_id":"q-0"}]`},
		{"preview", `"preview"`, `[{"max_tokens":9,"prompt_preview":"héllo","query_id":"q-0","role":null}]`},
		{"full", `"full"`, `[{"cache_breakpoint":null,"grounded":true,"max_tokens":9,"prompt":"héllo world","query_id":"q-0","role":null,"system":"sys","underspecified":false}]`},
		{"empty object", `{}`, `[{}]`},
		{"unknown keys", `{"colour":5,"query_id":true}`, `[{"query_id":"q-0"}]`},
		{"false and null", `{"query_id":false,"system":null,"prompt":null}`, `[{}]`},
		{"chars", `{"prompt":{"mode":"preview","chars":2}}`, `[{"prompt_preview":"hé"}]`},
		{"chars by default", `{"prompt":{"mode":"preview"}}`, `[{"prompt_preview":"héllo"}]`},
		{"no chars", `{"prompt":{"mode":"preview","chars":0}}`, `[{"prompt_preview":""}]`},
		{"whole prompt", `{"prompt":{"mode":"full"},"role":true,"cache_breakpoint":true}`, `[{"cache_breakpoint":null,"prompt":"héllo world","role":null}]`},
		{"off", `{"prompt":{"mode":"off"}}`, `[{}]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := ParsePendingFilter(json.RawMessage(c.filter), 5)
			if err != nil {
				t.Fatal(err)
			}
			got := json.RawMessage("null")
			if f != nil {
				if got, err = compact(f.apply([]pool.Query{q})); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(c.want, string(got)); d != "" {
				t.Errorf("pending (-want +got):\n%s", d)
			}
		})
	}
}

func TestPendingFilterErrors(t *testing.T) {
	cases := []struct{ filter, want string }{
		{`"everything"`, `unknown pending_filter preset 'everything' (valid: "meta" | "preview" | "full")`},
		{`true`, `pending_filter must be a preset name (string) or filter object, got bool`},
		{`5`, `pending_filter must be a preset name (string) or filter object, got number`},
		{`[]`, `pending_filter must be a preset name (string) or filter object, got array`},
		{`{"query_id":1}`, `invalid pending_filter object: query_id must be a bool, got number`},
		{`{"prompt":"full"}`, `invalid pending_filter object: prompt must be like`},
		{`{"prompt":{}}`, `invalid pending_filter object: prompt lacks its mode`},
		{`{"prompt":{"mode":"some"}}`, `invalid pending_filter object: unknown prompt mode 'some'`},
		{`{"prompt":{"mode":"preview","chars":-1}}`, `invalid pending_filter object: prompt must be like`},
	}
	for _, c := range cases {
		_, err := ParsePendingFilter(json.RawMessage(c.filter), 0)
		var fe *FilterError
		if !errors.As(err, &fe) || !strings.HasPrefix(fe.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.filter, err, c.want)
		}
	}
}

func FuzzPendingFilter(f *testing.F) {
	for _, s := range []string{``, `null`, `"meta"`, `{"prompt":{"mode":"preview","chars":3}}`, `{"role":true}`, `tru`, `{`, "\"\xff"} {
		f.Add([]byte(s), "a prompt of häuser")
	}
	f.Fuzz(func(t *testing.T, raw []byte, prompt string) {
		p, err := ParsePendingFilter(raw, 4)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a text")
			}
			return
		}
		if p == nil {
			return
		}
		out := p.apply([]pool.Query{{ID: "q", Prompt: prompt}})
		if s, ok := out[0]["prompt_preview"].(string); ok && (!strings.HasPrefix(prompt, s) || utf8.ValidString(prompt) && !utf8.ValidString(s)) {
			t.Errorf("preview %q of %q", s, prompt)
		}
	})
}
