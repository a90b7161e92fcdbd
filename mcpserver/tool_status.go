package mcpserver

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/algocline/algocline/service"
)

const statusDescription = `Show sessions: which wait for an answer, on which questions, and what they have used so far.

Without session_id: every session that waits or computes, also those whose worker has gone (they continue like the others). With session_id: that one, an ended one with its result or error. To find the questions of a waiting session again, for instance after a lost reply, ask with pending_filter "full". Changes nothing.`

const statusSchema = `{
  "type": "object",
  "properties": {
    "session_id": {"type": "string", "description": "Show this session alone."},
    "pending_filter": {"description": "What to show of open questions: \"meta\" (ids), \"preview\" (the beginning of each prompt), \"full\", or an object such as {\"query_id\": true, \"prompt\": {\"mode\": \"preview\", \"chars\": 50}}. Without it only their number."},
    "include_history": {"type": "boolean", "description": "Add the last questions and answers (up to ten)."}
  }
}`

// maxListed is how many sessions a list shows, those that changed last: a model has to read it.
// The others are counted.
const maxListed = 200

func (s *Server) statusTool() tool {
	return tool{mcp.Tool{
		Name:        "alc_status",
		Title:       "Show sessions",
		Description: statusDescription,
		InputSchema: json.RawMessage(statusSchema),
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: ptr(false)},
	}, s.status}
}

func (s *Server) status(ctx context.Context, a arguments) (json.RawMessage, error) {
	sid, err := a.text("session_id")
	if err != nil {
		return nil, err
	}
	history, err := a.flag("include_history")
	if err != nil {
		return nil, err
	}
	filter, err := service.ParsePendingFilter(a["pending_filter"], s.preview)
	if err != nil {
		return nil, err
	}
	view := service.StatusView{Pending: filter, History: history}
	if sid != nil {
		return s.statusOf(ctx, *sid, view)
	}
	o := service.ListOptions{Detail: true, History: history, Limit: maxListed}
	if filter != nil || history {
		o.Revive = maxListed // questions are known of sessions in memory only
	}
	l, err := s.svc.List(ctx, o)
	if err != nil {
		return nil, failure("Status failed: %s", explain(err))
	}
	return service.RenderList(l, view)
}

func (s *Server) statusOf(ctx context.Context, sid string, view service.StatusView) (json.RawMessage, error) {
	st, err := s.svc.Session(ctx, sid, view.History)
	if len(st.Sessions) == 0 {
		return nil, statusError(sid, err)
	}
	if err != nil {
		view.Warning = err.Error()
	}
	return service.RenderSession(service.SessionEntry{SessionInfo: st.Sessions[0], Worker: st.Worker, History: st.History}, view)
}
