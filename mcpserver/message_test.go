package mcpserver

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// shown is a message as text, for comparing.
func shown(t *testing.T, m jsonrpc.Message) string {
	t.Helper()
	line, err := jsonrpc.EncodeMessage(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

var messages = []string{
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"a":[1, 2]}}`,
	`{"jsonrpc":"2.0","id":"x","method":"ping"}`,
	`{"jsonrpc":"2.0","id":null,"method":"notifications/x","params":null}`,
	`{"jsonrpc":"2.0","method":"notifications/x","Method":"y","extra":1}`,
	`{"jsonrpc":"2.0","id":7,"result":{}}`,
	`{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"no"}}`,
	`{"jsonrpc":"2.0","id":1,"method":""}`,
}

// TestDecodeMessage holds our decoder to the SDK's, where both take a message.
func TestDecodeMessage(t *testing.T) {
	for _, text := range messages {
		want, err := jsonrpc.DecodeMessage([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := decodeMessage([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(shown(t, want), shown(t, got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	}
}

func TestDecodeMessageRefuses(t *testing.T) {
	for text, code := range map[string]int64{
		`{"jsonrpc":"2.0"`:                         jsonrpc.CodeParseError,
		`{"jsonrpc":"2.0","id":1,"method":"a"} {}`: jsonrpc.CodeParseError,
		`[{"jsonrpc":"2.0","id":1,"method":"a"}]`:  jsonrpc.CodeInvalidRequest,
		`5`:                                       jsonrpc.CodeInvalidRequest,
		`{"id":1,"method":"a"}`:                   jsonrpc.CodeInvalidRequest,
		`{"jsonrpc":2,"id":1,"method":"a"}`:       jsonrpc.CodeInvalidRequest,
		`{"jsonrpc":"2.0","id":1,"method":5}`:     jsonrpc.CodeInvalidRequest,
		`{"jsonrpc":"2.0","id":[1],"method":"a"}`: jsonrpc.CodeInvalidRequest,
	} {
		_, err := decodeMessage([]byte(text))
		var bad *messageError
		if !errors.As(err, &bad) || bad.code != code || bad.Error() == "" {
			t.Errorf("%s: %v, want code %d", text, err, code)
		}
	}
	for _, text := range []string{`{}`, `{"jsonrpc":"2.0","result":1}`, `null`} {
		if m, err := decodeMessage([]byte(text)); err == nil {
			t.Errorf("%s was taken: %v", text, m)
		}
	}
}

func FuzzDecodeMessage(f *testing.F) {
	for _, text := range messages {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decodeMessage(text)
		if err != nil {
			return
		}
		if _, err := jsonrpc.EncodeMessage(m); err != nil {
			t.Errorf("%s was taken but cannot be encoded: %v", text, err)
		}
	})
}

func BenchmarkDecodeMessage(b *testing.B) {
	text := []byte(runCall(1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeMessage(text); err != nil {
			b.Fatal(err)
		}
	}
}
