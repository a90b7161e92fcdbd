package engine

import (
	"fmt"
	"time"

	"github.com/algocline/algocline/journal"
)

// Exchange is one query of a history and, when it was answered, its answer.
type Exchange struct {
	Query      Query
	Answer     *Answer
	AskedAt    time.Time
	AnsweredAt time.Time
}

// PromptTokens is what the prompt cost: as the host said, else estimated.
func (x Exchange) PromptTokens() int64 {
	if x.Answer != nil && x.Answer.PromptTokens != nil {
		return *x.Answer.PromptTokens
	}
	return x.Query.tokens()
}

// ResponseTokens is what the response cost: as the host said, else estimated; 0 while open.
func (x Exchange) ResponseTokens() int64 {
	switch {
	case x.Answer == nil:
		return 0
	case x.Answer.CompletionTokens != nil:
		return *x.Answer.CompletionTokens
	}
	return estimate(x.Answer.Response)
}

// History is what a session's events say without running anything.
type History struct {
	Start     Start // its Code is not filled
	CodeHash  journal.ContentHash
	Exchanges []Exchange
	End       *Outcome // nil while the session goes on
	byID      map[string]int
}

// ReadHistory reads a session's events, which must be complete from seq 1. Errors match
// [ErrBadHistory].
func ReadHistory(events []journal.Event) (*History, error) {
	if len(events) == 0 {
		return nil, fmt.Errorf("%w: no events", ErrBadHistory)
	}
	h := &History{byID: map[string]int{}}
	var err error
	var named stored
	if h.Start, named, err = decodeStart(&events[0]); err != nil {
		return nil, err
	}
	h.CodeHash = named.code
	for i := range events {
		if err := h.add(&events[i]); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *History) add(e *journal.Event) error {
	switch e.Kind {
	case journal.Asked:
		a, err := decodeAsked(e)
		if err != nil {
			return err
		}
		for _, q := range a.Queries {
			h.byID[q.ID] = len(h.Exchanges)
			h.Exchanges = append(h.Exchanges, Exchange{Query: q, AskedAt: e.At})
		}
	case journal.Answered:
		a, err := decodeAnswered(e)
		if err != nil {
			return err
		}
		i, ok := h.byID[a.QueryID]
		if !ok {
			return fmt.Errorf("%w: event %d answers %s, which was not asked", ErrBadHistory, e.Seq, a.QueryID)
		}
		h.Exchanges[i].Answer, h.Exchanges[i].AnsweredAt = &a, e.At
	case journal.Finished:
		o, err := decodeFinished(e)
		if err != nil {
			return err
		}
		h.End = &o
	}
	return nil
}

// Exchange returns the exchange of a query id.
func (h *History) Exchange(id string) (Exchange, bool) {
	i, ok := h.byID[id]
	if !ok {
		return Exchange{}, false
	}
	return h.Exchanges[i], true
}

// Repeat answers a session that has ended: every answer must be one that was recorded, and then
// the outcome is the session's end. Errors: [ErrAnswerDiffers], [ErrFinished].
func (h *History) Repeat(as []Answer) (Outcome, error) {
	for _, a := range as {
		x, ok := h.Exchange(a.QueryID)
		if !ok || x.Answer == nil {
			return *h.End, ErrFinished
		}
		if x.Answer.Response != a.Response {
			return Outcome{}, &AnswerDiffersError{ID: a.QueryID, Recorded: x.Answer.Response}
		}
	}
	return *h.End, nil
}

// Contents returns the hashes of what a history refers to: code, library, time zone and modules. A journal
// that is copied elsewhere must take them along. Errors match [ErrBadHistory].
func Contents(events []journal.Event) ([]journal.ContentHash, error) {
	if len(events) == 0 {
		return nil, nil
	}
	st, named, err := decodeStart(&events[0])
	if err != nil {
		return nil, err
	}
	hashes := []journal.ContentHash{named.code, st.Library}
	if named.zoned {
		hashes = append(hashes, named.zone)
	}
	for i := range events {
		if events[i].Kind != journal.Module {
			continue
		}
		m, err := decodeModule(&events[i])
		if err != nil {
			return nil, err
		}
		if m.Failure == "" {
			hashes = append(hashes, m.Hash)
		}
	}
	return hashes, nil
}
