package mcpserver

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

const continueDescription = `Answer open questions of a waiting session, so that its script goes on.

Send the session_id and query_id from "needs_response" with your answer in response: plain text, exactly what the prompt asks for, nothing about it. For several questions ("queries") send responses, a list of {query_id, response}: all of them at once, or some now and the rest later.

Always send query_id. It makes an answer safe to send again: the same answer changes nothing and returns where the session stands, another answer to the same question is refused and names the one on record.

"status" of the reply: "needs_response" (the next questions), "accepted" ("remaining" questions of this batch are still open), "completed", "error" or "cancelled". Works for sessions started by other servers or before a restart.`

const continueSchema = `{
  "type": "object",
  "properties": {
    "session_id": {"type": "string", "description": "The session that asked."},
    "query_id": {"type": "string", "description": "Which question response answers (query_id, or id in a list of queries). May be left out only while exactly one is open."},
    "response": {"type": "string", "description": "The answer to one question."},
    "usage": {
      "type": "object",
      "description": "Optional: what the answer cost.",
      "properties": {
        "prompt_tokens": {"type": "integer", "minimum": 0},
        "completion_tokens": {"type": "integer", "minimum": 0}
      }
    },
    "responses": {
      "type": "array",
      "description": "Answers to several questions, applied in order; used instead of response.",
      "items": {
        "type": "object",
        "properties": {
          "query_id": {"type": "string"},
          "response": {"type": "string"},
          "usage": {
            "type": "object",
            "properties": {
              "prompt_tokens": {"type": "integer", "minimum": 0},
              "completion_tokens": {"type": "integer", "minimum": 0}
            }
          }
        },
        "required": ["query_id", "response"]
      }
    }
  },
  "required": ["session_id"]
}`

func (s *Server) continueTool() tool {
	return tool{mcp.Tool{
		Name:        "alc_continue",
		Title:       "Answer a waiting session",
		Description: continueDescription,
		InputSchema: json.RawMessage(continueSchema),
		Annotations: &mcp.ToolAnnotations{OpenWorldHint: ptr(false)},
	}, s.continueSession}
}

var (
	errNoResponse     = failure("Either 'response' or 'responses' must be provided")
	errEmptyResponses = failure("Empty responses array")
)

func (s *Server) continueSession(ctx context.Context, a arguments) (json.RawMessage, error) {
	sid, err := a.requiredText("session_id")
	if err != nil {
		return nil, err
	}
	answers, err := answersOf(a)
	if err != nil {
		return nil, err
	}
	f, err := s.svc.Continue(ctx, sid, answers)
	if err != nil {
		return nil, continueError(sid, err)
	}
	return service.Render(f)
}

// answersOf reads the one answer or the list; the list counts when both are there.
func answersOf(a arguments) ([]pool.Answer, error) {
	single, err := a.answer()
	if err != nil {
		return nil, err
	}
	raw, ok := a.get("responses")
	if !ok {
		if single.Response == nil {
			return nil, errNoResponse
		}
		return []pool.Answer{single}, nil
	}
	if raw[0] != '[' {
		return nil, wrongType("responses", "an array", raw)
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, failure("invalid `responses`: %v", err)
	}
	if len(items) == 0 {
		return nil, errEmptyResponses
	}
	answers := make([]pool.Answer, len(items))
	for i, item := range items {
		if answers[i], err = listedAnswer(item); err != nil {
			return nil, failure("invalid `responses[%d]`: %v", i, err)
		}
	}
	return answers, nil
}

func listedAnswer(raw json.RawMessage) (pool.Answer, error) {
	if raw[0] != '{' {
		return pool.Answer{}, failure("invalid type: expected an object, got %s", describe(raw))
	}
	var a arguments
	if err := json.Unmarshal(raw, &a); err != nil {
		return pool.Answer{}, err
	}
	ans, err := a.answer()
	switch {
	case err != nil:
		return ans, err
	case ans.QueryID == nil:
		return ans, missing("query_id")
	case ans.Response == nil:
		return ans, missing("response")
	}
	return ans, nil
}
