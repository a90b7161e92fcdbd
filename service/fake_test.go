package service

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/pool"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakePool answers from what a test put into it and remembers what it was asked.
type fakePool struct {
	feed       pool.Feed
	err        error
	workers    []pool.Status
	workersErr error
	stuck      bool // status requests wait for their context
	sessions   map[string]pool.Status

	ran       pool.RunRequest
	continued pool.ContinueRequest
	cancelled pool.CancelRequest
	stopped   [][]string
	ensured   int
	closed    bool
}

func (f *fakePool) Run(_ context.Context, r pool.RunRequest) (pool.Feed, error) {
	f.ran = r
	return f.feed, f.err
}

func (f *fakePool) Continue(_ context.Context, r pool.ContinueRequest) (pool.Feed, error) {
	f.continued = r
	return f.feed, f.err
}

func (f *fakePool) Cancel(_ context.Context, r pool.CancelRequest) (pool.Feed, error) {
	f.cancelled = r
	return f.feed, f.err
}

func (f *fakePool) Session(ctx context.Context, r pool.StatusRequest) (pool.Status, error) {
	if f.stuck {
		<-ctx.Done()
		return pool.Status{}, ctx.Err()
	}
	st, ok := f.sessions[r.SID]
	if !ok {
		return pool.Status{}, &pool.RemoteError{Code: pool.CodeSessionNotFound, Message: "session '" + r.SID + "' not found"}
	}
	return st, nil
}

func (f *fakePool) Workers(ctx context.Context) ([]pool.Status, error) {
	if f.stuck {
		<-ctx.Done()
		return f.workers, ctx.Err()
	}
	return f.workers, f.workersErr
}

func (f *fakePool) Ensure(context.Context) (pool.WorkerInfo, error) {
	f.ensured++
	return pool.WorkerInfo{PID: 7}, f.err
}

func (f *fakePool) Stop(_ context.Context, socks ...string) ([]pool.WorkerInfo, error) {
	f.stopped = append(f.stopped, socks)
	return []pool.WorkerInfo{{PID: 7}}, f.err
}

func (f *fakePool) Close() error { f.closed = true; return nil }

// testService is a Service over a fake pool and the real journal of a fresh home.
func testService(t *testing.T, f *fakePool) *Service {
	t.Helper()
	c, err := Config{Home: t.TempDir(), Version: "1.2.3"}.checked()
	if err != nil {
		t.Fatal(err)
	}
	s := newService(c, f, openJournal(c))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// writer is a journal that a test fills.
func writer(t *testing.T, home string) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(home, "journal"), sqlite.Options{Durability: sqlite.Process})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func appendSession(t *testing.T, st journal.Store, owner journal.WorkerID, sid string, state journal.State) {
	t.Helper()
	b := journal.Batch{
		SID: sid, Epoch: 1, Owner: owner,
		Events:  []journal.Event{{Kind: journal.Started, At: time.UnixMilli(1_760_000_000_000), Body: []byte("x")}},
		Summary: journal.Summary{State: state, Strategy: "cot", Open: 2, LLMCalls: 3},
	}
	if _, err := st.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got = append(append([]byte(nil), got...), '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func remoteCode(err error) pool.Code {
	var e *pool.RemoteError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func ptr[T any](v T) *T { return &v }
