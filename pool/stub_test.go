package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/algocline/algocline/journal/lock"
)

const testVersion = "1.2.3-test"

// TestMain is a worker process when the test binary was started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pool-worker" {
		os.Exit(workerMain())
	}
	goleak.VerifyTestMain(m)
}

func workerMain() int {
	p := Process{
		Home: os.Getenv("ALC_HOME"), Version: envOr("POOL_TEST_VERSION", testVersion),
		Durability: os.Getenv("ALC_DURABILITY"), Sock: os.Getenv("POOL_TEST_SOCK"),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if ms, err := strconv.Atoi(os.Getenv("POOL_TEST_IDLE_MS")); err == nil {
		p.Idle = time.Duration(ms) * time.Millisecond
	}
	if os.Getenv("POOL_TEST_DIE") != "" {
		fmt.Fprintln(os.Stderr, "dying as asked")
		return 3
	}
	err := p.Run(context.Background(), func(_ context.Context, place Place) (Hosted, error) {
		if why := os.Getenv("POOL_TEST_REFUSE"); why != "" {
			return nil, errors.New(why)
		}
		return newStub(p.Home, place)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// stub is a small but honest handler: its sessions ask as many questions as their code says, lie
// in files of the home, have an owner, and take the same answer twice as once. The code "echo"
// ends at once with ctx as its result, and "slow N" takes N milliseconds to its first question.
type stub struct {
	home  string // "": sessions are kept in memory
	place Place
	gate  chan struct{} // "gated" code waits for it
	begun chan struct{} // gets a token when a gated run has begun

	mu      sync.Mutex
	memory  map[string]stubSession
	active  int
	last    time.Time
	down    int
	closed  bool
	stepped int
}

type stubSession struct {
	Code    string   `json:"code"`
	Lock    string   `json:"lock"`
	Sock    string   `json:"sock"`
	Answers []string `json:"answers"`
	Ended   string   `json:"ended"` // status
	Output  string   `json:"output"`
}

func newStub(home string, place Place) (*stub, error) {
	s := &stub{home: home, place: place, memory: map[string]stubSession{}, last: time.Now(),
		gate: make(chan struct{}), begun: make(chan struct{}, 100)}
	if home == "" {
		return s, nil
	}
	// What a real worker leaves, so that its removal is seen.
	if err := os.WriteFile(place.Mark, []byte("mark"), 0o600); err != nil {
		return nil, err
	}
	return s, os.MkdirAll(filepath.Join(home, "stub"), 0o700)
}

// has tells whether a session is kept in memory.
func (s *stub) has(sid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.memory[sid]
	return ok
}

func (s *stub) file(sid string) string { return filepath.Join(s.home, "stub", sid) }

// load returns a session that this worker owns from now on.
func (s *stub) load(sid string) (stubSession, error) {
	var v stubSession
	if s.home == "" {
		v, ok := s.memory[sid]
		if !ok {
			return v, &RemoteError{Code: CodeSessionNotFound, Message: "no session " + sid}
		}
		return v, nil
	}
	text, err := os.ReadFile(s.file(sid))
	if errors.Is(err, fs.ErrNotExist) {
		return v, &RemoteError{Code: CodeSessionNotFound, Message: "no session " + sid}
	}
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return v, err
	}
	if v.Lock == s.place.Lock {
		return v, nil
	}
	alive, err := lock.Alive(v.Lock)
	if err != nil {
		return v, err
	}
	if alive {
		return v, &RemoteError{Code: CodeLeaseLost, Message: "owned by another", Details: map[string]any{"sock": v.Sock, "version": testVersion}}
	}
	return v, s.store(sid, v)
}

func (s *stub) store(sid string, v stubSession) error {
	v.Lock, v.Sock = s.place.Lock, s.place.Sock
	if s.home == "" {
		s.memory[sid] = v
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := s.file(sid) + ".new"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, s.file(sid))
}

func (s *stub) enter() {
	s.mu.Lock()
	s.active++
}

func (s *stub) leave() {
	s.active--
	s.last = time.Now()
	s.mu.Unlock()
}

func (s *stub) Run(ctx context.Context, r RunRequest) (Feed, error) {
	if *r.Code == "gated" {
		s.begun <- struct{}{}
		select {
		case <-s.gate:
		case <-ctx.Done():
			return Feed{}, ctx.Err()
		}
	}
	if n, ok := strings.CutPrefix(*r.Code, "slow "); ok {
		ms, err := strconv.Atoi(n)
		if err != nil {
			return Feed{}, err
		}
		pause(ctx, time.Duration(ms)*time.Millisecond)
	}
	s.enter()
	defer s.leave()
	if r.SID == "" {
		r.SID = NewSID()
	}
	v, err := s.load(r.SID)
	if (&RemoteError{Code: CodeSessionNotFound}).Is(err) || err != nil && errors.Is(err, &RemoteError{Code: CodeSessionNotFound}) {
		v, err = stubSession{Code: *r.Code}, nil
		switch {
		case *r.Code == "echo":
			v.Ended, v.Output = StatusCompleted, string(orNull(r.Ctx))
		case strings.HasPrefix(*r.Code, "big "):
			n, err := strconv.Atoi((*r.Code)[4:])
			if err != nil {
				return Feed{}, err
			}
			v.Ended, v.Output = StatusCompleted, `"`+strings.Repeat("x", n)+`"`
		case strings.HasPrefix(*r.Code, "fail"):
			v.Ended, v.Output = StatusFailed, "boom"
		}
		s.stepped++
		err = s.store(r.SID, v)
	}
	if err != nil {
		return Feed{}, err
	}
	if v.Code != *r.Code {
		return Feed{}, &RemoteError{Code: CodeSessionExists, Message: "session " + r.SID + " exists already"}
	}
	return v.feed(r.SID), nil
}

func (v stubSession) questions() int {
	n, err := strconv.Atoi(v.Code)
	if err != nil {
		return 1
	}
	return n
}

func (v stubSession) feed(sid string) Feed {
	metrics := json.RawMessage(`{"auto":{},"custom":{}}`)
	switch {
	case v.Ended == StatusFailed:
		return Feed{SessionID: sid, Type: FeedFinished, Status: v.Ended, Error: &Failure{Code: "lua_error", Message: v.Output, Traceback: "stack"}, Metrics: metrics}
	case v.Ended != "":
		return Feed{SessionID: sid, Type: FeedFinished, Status: v.Ended, Output: json.RawMessage(v.Output), Metrics: metrics}
	}
	n := len(v.Answers)
	return Feed{SessionID: sid, Type: FeedPaused, Queries: []Query{{ID: fmt.Sprintf("q-%d", n), Prompt: fmt.Sprintf("question %d", n), MaxTokens: 1024}}}
}

func (s *stub) Continue(_ context.Context, r ContinueRequest) (Feed, error) {
	s.enter()
	defer s.leave()
	v, err := s.load(r.SID)
	if err != nil {
		return Feed{}, err
	}
	open := fmt.Sprintf("q-%d", len(v.Answers))
	id := open
	if r.QueryID != nil {
		id = *r.QueryID
	}
	n, err := strconv.Atoi(strings.TrimPrefix(id, "q-"))
	switch {
	case err == nil && n < len(v.Answers) && v.Answers[n] == *r.Response:
		return v.feed(r.SID), nil // the same answer again
	case err == nil && n < len(v.Answers):
		return Feed{}, &RemoteError{Code: CodeAnswerDiffers, Message: "another answer", Details: map[string]any{"recorded": v.Answers[n]}}
	case id != open || v.Ended != "":
		return Feed{}, &RemoteError{Code: CodeQueryNotOpen, Message: id + " is not open", Details: map[string]any{"open": []string{open}}}
	}
	v.Answers = append(v.Answers, *r.Response)
	s.stepped++
	if len(v.Answers) >= v.questions() {
		v.Ended, v.Output = StatusCompleted, string(jsonString(strings.Join(v.Answers, ",")))
	}
	if err := s.store(r.SID, v); err != nil {
		return Feed{}, err
	}
	return v.feed(r.SID), nil
}

func (s *stub) Status(_ context.Context, r StatusRequest) (Status, error) {
	s.enter()
	defer s.leave()
	st := Status{Worker: WorkerInfo{PID: os.Getpid(), Version: testVersion, Sessions: len(s.memory)}}
	if r.SID == "" {
		return st, nil
	}
	v, err := s.load(r.SID)
	if err != nil {
		return st, err
	}
	info := SessionInfo{SessionID: r.SID, State: v.Ended, Detail: &SessionDetail{}}
	if v.Ended == "" {
		info.State, info.QueriesOpen = "paused", 1
		info.Detail.Queries = v.feed(r.SID).Queries
		st.HasSession, st.SessionID = true, &info.SessionID
	}
	st.Sessions = []SessionInfo{info}
	return st, nil
}

func (s *stub) Cancel(_ context.Context, r CancelRequest) (Feed, error) {
	s.enter()
	defer s.leave()
	v, err := s.load(r.SID)
	if err != nil {
		return Feed{}, err
	}
	if v.Ended == "" {
		v.Ended = StatusCancelled
	}
	return v.feed(r.SID), s.store(r.SID, v)
}

func (s *stub) Shutdown(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down++
	return nil
}

func (s *stub) Busy() (int, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active, s.last
}

func (s *stub) Holds() (given, held bool) { return false, false }

func (s *stub) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func ptr[T any](v T) *T { return &v }
