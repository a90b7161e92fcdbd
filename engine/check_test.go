package engine

import (
	"errors"
	"testing"
	"time"
)

// Check follows a record to its end, one that the script had no part in included.
func TestCheckFollowsEveryEnd(t *testing.T) {
	tests := []struct {
		name, code string
		limits     func(*Limits)
		end        func(*memHost, *Session) error
	}{
		{"cancelled", `alc.llm("p")`, nil, func(_ *memHost, s *Session) error {
			_, err := s.Cancel(t.Context(), "enough")
			return err
		}},
		{"cancelled with an answer", `alc.llm_batch{{prompt = "a"}, {prompt = "b"}}`, nil, func(_ *memHost, s *Session) error {
			if _, err := s.Answer(t.Context(), []Answer{{QueryID: "q-1", Response: "x"}}); err != nil {
				return err
			}
			_, err := s.Cancel(t.Context(), "")
			return err
		}},
		{"out of time", `alc.llm("p") return alc.time()`, func(l *Limits) { l.Wall = time.Minute }, func(h *memHost, s *Session) error {
			h.now = h.now.Add(time.Hour)
			_, err := s.Answer(t.Context(), []Answer{{Response: "x"}})
			return err
		}},
		{"too many children's queries", `alc.fork({"m", "m"}, {})`, func(l *Limits) { l.Batch = 3 }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newMemHost()
			h.modules["m"] = `return {run = function() alc.llm_batch{{prompt = "a"}, {prompt = "b"}} end}`
			st := start(tt.code)
			if tt.limits != nil {
				tt.limits(&st.Limits)
			}
			s := begin(t, h, st)
			if tt.end != nil {
				if err := tt.end(h, s); err != nil {
					t.Fatal(err)
				}
			}
			if !s.State().Ended() {
				t.Fatalf("the session is %s", s.State())
			}
			if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
				t.Error(err)
			}
			h.events[len(h.events)-1].Body = encodeFinished(&Outcome{Kind: OutcomeFinished, Status: "completed", Output: []byte("1")})
			if err := Check(t.Context(), h, testVMs(), h.events); !errors.Is(err, ErrDiverged) {
				t.Errorf("another end: %v, want a divergence", err)
			}
		})
	}
}
