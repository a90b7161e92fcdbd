package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/pool"
)

// feed puts an outcome into the protocol's words.
func (s *Sessions) feed(sid string, o engine.Outcome) pool.Feed {
	f := pool.Feed{SessionID: sid, Type: pool.FeedType(o.Kind), Remaining: o.Remaining, Status: string(o.Status), Output: o.Output, Metrics: o.Metrics}
	for _, q := range o.Queries {
		f.Queries = append(f.Queries, pool.Query(q))
	}
	if o.Failure != nil {
		f.Error = &pool.Failure{Code: o.Failure.Code, Message: o.Failure.Message, Traceback: o.Failure.Traceback}
	}
	return f
}

// ended adds to a feed what an actor's session has said, if it has just ended.
func (a *actor) ended(f pool.Feed) pool.Feed {
	if f.Type != pool.FeedFinished {
		return f
	}
	for _, l := range a.sess.Log() {
		f.Log = append(f.Log, pool.LogEntry(l))
	}
	return f
}

func answersOf(r pool.ContinueRequest) []engine.Answer {
	all := r.Responses
	if all == nil {
		all = []pool.Answer{r.Answer}
	}
	out := make([]engine.Answer, len(all))
	for i, a := range all {
		if a.QueryID != nil {
			out[i].QueryID = *a.QueryID
		}
		if a.Response != nil {
			out[i].Response = *a.Response
		}
		if a.Usage != nil {
			out[i].PromptTokens, out[i].CompletionTokens = a.Usage.PromptTokens, a.Usage.CompletionTokens
		}
	}
	return out
}

// refuseAnswer adds what is known of the session to an error about an answer.
func (s *Sessions) refuseAnswer(ctx context.Context, sid string, end *engine.Outcome, err error) error {
	var differs *engine.AnswerDiffersError
	if errors.As(err, &differs) && differs.Recorded == "" {
		if h, herr := s.history(ctx, sid); herr == nil {
			if x, ok := h.Exchange(differs.ID); ok && x.Answer != nil {
				differs.Recorded = x.Answer.Response
			}
		}
	}
	if errors.Is(err, engine.ErrFinished) {
		if end == nil {
			h, herr := s.history(ctx, sid)
			if herr != nil || h.End == nil {
				return s.refuse(ctx, sid, errors.Join(err, herr))
			}
			end = h.End
		}
		return &pool.RemoteError{
			Code: pool.CodeSessionFinished, Message: fmt.Sprintf("session %s has ended (%s); its result is in the details", sid, end.Status),
			Details: map[string]any{"session_id": sid, "feed_result": s.feed(sid, *end).Wire()},
		}
	}
	return s.refuse(ctx, sid, err)
}

// refuse puts an error into the protocol's words.
func (s *Sessions) refuse(ctx context.Context, sid string, err error) error {
	var remote *pool.RemoteError
	if errors.As(err, &remote) {
		return remote
	}
	r := &pool.RemoteError{Code: pool.CodeInternal, Message: err.Error(), Details: map[string]any{"session_id": sid}}
	var owned *journal.OwnedError
	var open *engine.QueryNotOpenError
	var differs *engine.AnswerDiffersError
	var diverged *engine.DivergedError
	switch {
	case errors.Is(err, lua.ErrNoMemory):
		return s.memory.refusal(sid)
	case errors.Is(err, journal.ErrNotFound):
		r.Code, r.Message = pool.CodeSessionNotFound, fmt.Sprintf("session %s not found", sid)
		if near, nerr := s.c.Store.Nearest(ctx, sid, 3); nerr == nil && len(near) > 0 {
			r.Details["nearest"] = near
			r.Message += fmt.Sprintf("; did you mean %s?", near[0])
		}
	case errors.As(err, &owned):
		r.Code, r.Message = pool.CodeLeaseLost, err.Error()
		r.Details["sock"], r.Details["version"], r.Details["pid"] = owned.Worker.Sock, owned.Worker.Version, owned.Worker.PID
	case errors.Is(err, journal.ErrStaleEpoch), errors.Is(err, journal.ErrConflict):
		r.Code, r.Message = pool.CodeLeaseLost, fmt.Sprintf("session %s has another owner now; try again", sid)
	case errors.As(err, &open):
		r.Code = pool.CodeQueryNotOpen
		r.Details["open"], r.Details["query_id"] = open.Open, open.ID
	case errors.As(err, &differs):
		r.Code = pool.CodeAnswerDiffers
		r.Details["query_id"], r.Details["recorded"] = differs.ID, differs.Recorded
	case errors.As(err, &diverged):
		r.Code = pool.CodeDiverged
		r.Details["seq"], r.Details["want"], r.Details["got"] = diverged.Seq, diverged.Want, diverged.Got
	case errors.Is(err, engine.ErrRebuild):
		r.Code = pool.CodeRebuildFailed
	case errors.Is(err, engine.ErrBadLimit):
		r.Code = pool.CodeMalformedRequest
	case errors.Is(err, engine.ErrBroken), errors.Is(err, journal.ErrUncertain), errors.Is(err, journal.ErrNotCommitted), errors.Is(err, journal.ErrCorrupt),
		errors.Is(err, journal.ErrShortfall), errors.Is(err, journal.ErrClosed):
		r.Code = pool.CodeStorageFailed
		r.Message = fmt.Sprintf("session %s stays at its last durable pause: %v", sid, err)
	}
	if r.Code == pool.CodeInternal || r.Code == pool.CodeStorageFailed || r.Code == pool.CodeDiverged {
		s.c.Log.Error("refusing a request", "sid", sid, "code", r.Code, "error", err)
	}
	return r
}
