package mcpserver

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/algocline/algocline/service"
)

const runDescription = `Run a Lua script that may put questions to you.

The script computes until it returns or calls alc.llm / alc.llm_batch. The answer tells by "status":
- "needs_response": the script waits for you. Answer each "prompt" yourself (obey its "system" text; "grounded": check facts with your tools first; "underspecified": ask the user first) and send the answers with alc_continue, with this session_id and the query's id.
- "completed": the script's return value is in "result".
- "error": the script failed; "error" has the message with line numbers.

Give either code or code_file. A waiting session is stored on disk: it outlives this server, its worker process and a reboot, and can be answered days later. With a session_id of your own a call whose answer was lost can be sent again and starts nothing twice.`

const runSchema = `{
  "type": "object",
  "properties": {
    "code": {"type": "string", "description": "Lua 5.4 source. What it returns is the result. Ask with alc.llm(prompt, {system=..., max_tokens=...}); the global ctx holds the ctx parameter."},
    "code_file": {"type": "string", "description": "Path of a Lua file to run, instead of code."},
    "ctx": {"type": "object", "description": "Becomes the global ctx of the script. ctx.budget = {max_llm_calls, max_elapsed_ms, max_tokens} bounds what the script may ask."},
    "session_id": {"type": "string", "description": "Optional name for the session, 1 to 64 of A-Z a-z 0-9 . _ -. The same name with the same code is the same session, so a retry is safe."},
    "limits": {"type": "object", "description": "Optional lower limits for this session, numbers or texts such as \"64MiB\" and \"500ms\": memory, step_cpu, wall, llm_calls, batch, prompt_size, result_size, log_size."},
    "isolation": {"type": "string", "enum": ["shared", "process"], "description": "\"process\" gives the session a worker process of its own; \"shared\" is the default."},
    "project_root": {"type": "string", "description": "Directory of the project that the script is for."},
    "host_mode": {"type": "boolean", "description": "Accepted for older hosts. Every session lives in a worker process."}
  }
}`

func (s *Server) runTool() tool {
	return tool{mcp.Tool{
		Name:        "alc_run",
		Title:       "Run a Lua strategy",
		Description: runDescription,
		InputSchema: json.RawMessage(runSchema),
		Annotations: &mcp.ToolAnnotations{OpenWorldHint: ptr(false)},
	}, s.run}
}

func (s *Server) run(ctx context.Context, a arguments) (json.RawMessage, error) {
	in, err := runInput(a)
	if err != nil {
		return nil, err
	}
	f, err := s.svc.Run(ctx, in)
	if err != nil {
		return nil, runError(f.SessionID, err)
	}
	return service.Render(f)
}

func runInput(a arguments) (service.RunInput, error) {
	in := service.RunInput{Ctx: a["ctx"]}
	var err error
	if in.Code, err = a.text("code"); err != nil {
		return in, err
	}
	if in.CodeFile, err = a.text("code_file"); err != nil {
		return in, err
	}
	if in.Limits, err = a.object("limits"); err != nil {
		return in, err
	}
	sid, err := a.text("session_id")
	if err != nil {
		return in, err
	}
	if sid != nil {
		in.SessionID = *sid
	}
	if in.Isolation, err = a.isolation(); err != nil {
		return in, err
	}
	root, err := a.text("project_root")
	if err != nil {
		return in, err
	}
	if root != nil {
		in.ProjectRoot = *root
	}
	_, err = a.flag("host_mode") // every session lives in the pool: only its type matters
	return in, err
}

func ptr[T any](v T) *T { return &v }
