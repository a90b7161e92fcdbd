package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	goclient "github.com/mark3labs/mcp-go/client"
	gomcp "github.com/mark3labs/mcp-go/mcp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// host is an MCP client of some maker, connected to an alc process.
type host interface {
	tools(ctx context.Context) ([]string, error)
	call(ctx context.Context, tool string, args map[string]any) (text string, isErr bool, err error)
	close() error
}

// hosts are the makers.
var hosts = map[string]func(ctx context.Context, env []string) (host, error){
	"go-sdk": connectSDK,
	"mcp-go": connectGo,
}

// sdkHost is the client of the SDK that the server is made with.
type sdkHost struct{ s *mcp.ClientSession }

func connectSDK(ctx context.Context, env []string) (host, error) {
	cmd := exec.Command(alc)
	cmd.Env = env
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	s, err := c.Connect(ctx, &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		return nil, err
	}
	return sdkHost{s}, nil
}

func (h sdkHost) tools(ctx context.Context) ([]string, error) {
	var names []string
	for t, err := range h.s.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		names = append(names, t.Name)
	}
	return names, nil
}

func (h sdkHost) call(ctx context.Context, tool string, args map[string]any) (string, bool, error) {
	r, err := h.s.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return "", false, err
	}
	if len(r.Content) != 1 {
		return "", false, fmt.Errorf("%d content items", len(r.Content))
	}
	text, ok := r.Content[0].(*mcp.TextContent)
	if !ok {
		return "", false, fmt.Errorf("content %T", r.Content[0])
	}
	return text.Text, r.IsError, nil
}

func (h sdkHost) close() error { return h.s.Close() }

// goHost is a client that has nothing in common with the server.
type goHost struct{ c *goclient.Client }

func connectGo(ctx context.Context, env []string) (host, error) {
	c, err := goclient.NewStdioMCPClient(alc, env)
	if err != nil {
		return nil, err
	}
	init := gomcp.InitializeRequest{}
	init.Params.ProtocolVersion = "2025-06-18"
	init.Params.ClientInfo = gomcp.Implementation{Name: "test", Version: "1"}
	if _, err := c.Initialize(ctx, init); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return goHost{c}, nil
}

func (h goHost) tools(ctx context.Context) ([]string, error) {
	r, err := h.c.ListTools(ctx, gomcp.ListToolsRequest{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range r.Tools {
		names = append(names, t.Name)
	}
	return names, nil
}

func (h goHost) call(ctx context.Context, tool string, args map[string]any) (string, bool, error) {
	req := gomcp.CallToolRequest{}
	req.Params.Name, req.Params.Arguments = tool, args
	r, err := h.c.CallTool(ctx, req)
	if err != nil {
		return "", false, err
	}
	if len(r.Content) != 1 {
		return "", false, fmt.Errorf("%d content items", len(r.Content))
	}
	text, ok := r.Content[0].(gomcp.TextContent)
	if !ok {
		return "", false, fmt.Errorf("content %T", r.Content[0])
	}
	return text.Text, r.IsError, nil
}

func (h goHost) close() error { return h.c.Close() }

// talk is one test's use of a host.
type talk struct {
	t *testing.T
	host
}

func (h *home) connect(maker string) talk {
	h.t.Helper()
	c, err := hosts[maker](h.t.Context(), h.environ())
	if err != nil {
		h.t.Fatal(err)
	}
	return talk{h.t, c}
}

// ask calls a tool whose result must be JSON.
func (k talk) ask(tool string, args map[string]any) map[string]any {
	k.t.Helper()
	text, isErr, err := k.call(k.t.Context(), tool, args)
	if err != nil || isErr {
		k.t.Fatalf("%s: %s %v", tool, text, err)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		k.t.Fatalf("%s: %q: %v", tool, text, err)
	}
	return v
}

const twoQuestions = `
local name = alc.llm("What is your name?")
local colour = alc.llm("And your colour, " .. name .. "?", { system = "One word." })
return { name = name, colour = colour, from = ctx.from }`

func TestHosts(t *testing.T) {
	for maker := range hosts {
		t.Run(maker, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, nil)
			k := h.connect(maker)
			names, err := k.tools(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(names)
			want := []string{"alc_continue", "alc_pkg_test", "alc_pool_ensure", "alc_pool_status", "alc_pool_stop", "alc_run", "alc_status"}
			if d := cmp.Diff(want, names); d != "" {
				t.Errorf("tools (-want +got):\n%s", d)
			}

			file := filepath.Join(h.dir, "two.lua")
			if err := os.WriteFile(file, []byte(twoQuestions), 0o600); err != nil {
				t.Fatal(err)
			}
			first := k.ask("alc_run", map[string]any{"code_file": file, "ctx": map[string]any{"from": "here"}})
			if first["status"] != "needs_response" || first["prompt"] != "What is your name?" {
				t.Fatalf("first pause: %v", first)
			}
			sid := first["session_id"]

			// The host goes, and its server with it; then the worker is killed.
			if err := k.close(); err != nil {
				t.Errorf("closing: %v", err)
			}
			if h.endWorkers(syscall.SIGKILL) != 1 {
				t.Error("not one worker held the session")
			}
			k = h.connect(maker)
			answer := map[string]any{"session_id": sid, "query_id": first["query_id"], "response": "Ada"}
			second := k.ask("alc_continue", answer)
			if second["prompt"] != "And your colour, Ada?" || second["system"] != "One word." || second["session_id"] != sid {
				t.Fatalf("second pause: %v", second)
			}
			if again := k.ask("alc_continue", answer); cmp.Diff(second, again) != "" {
				t.Errorf("the same answer again: %v, want %v", again, second)
			}
			answer["response"] = "Bob"
			if text, isErr, err := k.call(t.Context(), "alc_continue", answer); err != nil || !isErr || !strings.Contains(text, "answer_differs") || !strings.Contains(text, "Ada") {
				t.Errorf("another answer: %s (error %v), %v", text, isErr, err)
			}
			end := k.ask("alc_continue", map[string]any{"session_id": sid, "query_id": second["query_id"], "response": "green"})
			result := map[string]any{"name": "Ada", "colour": "green", "from": "here"}
			if end["status"] != "completed" || cmp.Diff(result, end["result"]) != "" {
				t.Errorf("the end: %v", end)
			}
			if err := k.close(); err != nil {
				t.Errorf("closing: %v", err)
			}
		})
	}
}
