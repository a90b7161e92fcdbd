package mcpserver

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/algocline/algocline/service"
)

const poolEnsureDescription = `Make sure that a worker process is up, so that the next alc_run starts at once, and list the sessions that workers hold. Never needed: alc_run starts a worker itself.`

const poolStatusDescription = `List the worker processes and the sessions that they hold. A session that is missing here is not lost: alc_status shows it and alc_continue brings it back.`

const poolStopDescription = `End worker processes: all of them, or with sid the one that holds that session (and maybe others). A running step is finished first. No session is ended by this: they are on disk, and alc_continue starts a worker again.`

const (
	noParameters = `{"type": "object", "properties": {}}`
	sidParameter = `{"type": "object", "properties": {"sid": {"type": "string", "description": "A session id. Without it: all."}}}`
)

func (s *Server) poolEnsureTool() tool {
	return tool{mcp.Tool{
		Name:        "alc_pool_ensure",
		Title:       "Start a worker",
		Description: poolEnsureDescription,
		InputSchema: json.RawMessage(noParameters),
		Annotations: &mcp.ToolAnnotations{IdempotentHint: true},
	}, s.poolEnsure}
}

func (s *Server) poolStatusTool() tool {
	return tool{mcp.Tool{
		Name:        "alc_pool_status",
		Title:       "List workers",
		Description: poolStatusDescription,
		InputSchema: json.RawMessage(sidParameter),
		Annotations: &mcp.ToolAnnotations{},
	}, s.poolStatus}
}

func (s *Server) poolStopTool() tool {
	return tool{mcp.Tool{
		Name:        "alc_pool_stop",
		Title:       "End workers",
		Description: poolStopDescription,
		InputSchema: json.RawMessage(sidParameter),
		Annotations: &mcp.ToolAnnotations{DestructiveHint: ptr(true)},
	}, s.poolStop}
}

func (s *Server) poolEnsure(ctx context.Context, _ arguments) (json.RawMessage, error) {
	r, err := s.svc.PoolEnsure(ctx)
	if err != nil {
		return nil, poolError(err)
	}
	return service.RenderPool(r, false)
}

func (s *Server) poolStatus(ctx context.Context, a arguments) (json.RawMessage, error) {
	sid, err := a.text("sid")
	if err != nil {
		return nil, err
	}
	r, err := s.svc.PoolStatus(ctx, sid)
	if err != nil {
		return nil, poolError(err)
	}
	return service.RenderPool(r, true)
}

func (s *Server) poolStop(ctx context.Context, a arguments) (json.RawMessage, error) {
	sid, err := a.text("sid")
	if err != nil {
		return nil, err
	}
	p, err := s.svc.PoolStop(ctx, sid)
	if err != nil {
		return nil, poolError(err)
	}
	return service.RenderPoolStopped(p)
}

func poolError(err error) error { return failure("Pool failed: %s", explain(err)) }
