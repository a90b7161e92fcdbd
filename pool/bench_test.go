package pool

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// nothing answers at once, so that what is measured is the protocol alone.
type nothing struct{ feed Feed }

func (n nothing) Run(context.Context, RunRequest) (Feed, error)           { return n.feed, nil }
func (n nothing) Continue(context.Context, ContinueRequest) (Feed, error) { return n.feed, nil }
func (n nothing) Status(context.Context, StatusRequest) (Status, error)   { return Status{}, nil }
func (n nothing) Cancel(context.Context, CancelRequest) (Feed, error)     { return n.feed, nil }
func (n nothing) Shutdown(context.Context) error                          { return nil }

func usualFeed() Feed {
	return Feed{SessionID: "s-18ea9f9b6982471b-5ddb4a8bd1d8cb50", Type: FeedPaused, Queries: []Query{{
		ID: "q-17", MaxTokens: 1024,
		Prompt: strings.Repeat("A question with some \"quotes\" and a line.\n", 5),
	}}}
}

func usualContinue() ContinueRequest {
	return ContinueRequest{SID: "s-18ea9f9b6982471b-5ddb4a8bd1d8cb50", Answer: Answer{
		QueryID: ptr("q-16"), Response: ptr(strings.Repeat("An answer of some length. ", 8)),
	}}
}

// BenchmarkContinue is the way there and back over a socket, both ends in this process.
func BenchmarkContinue(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			sock, _ := serveHandler(b, nothing{usualFeed()}, ServeOptions{})
			c := dial(b, sock)
			r := usualContinue()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := c.Continue(context.Background(), r); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// BenchmarkText is the making and reading of the lines alone.
func BenchmarkText(b *testing.B) {
	feed, ask := usualFeed(), usualContinue()
	line := func(make func(e *encoder) error) []byte {
		e := getEncoder()
		defer e.release()
		if err := make(e); err != nil {
			b.Fatal(err)
		}
		return []byte(strings.TrimSpace(e.buf.String()))
	}
	request := line(func(e *encoder) error { return e.request(OpContinue, 77, &ask) })
	answer := line(func(e *encoder) error { return e.feedReply([]byte("77"), feed, false) })
	steps := []struct {
		name string
		do   func() error
	}{
		{"write request", func() error {
			e := getEncoder()
			defer e.release()
			return e.request(OpContinue, 77, &ask)
		}},
		{"read request", func() error {
			var room [usualFields]field
			r, _ := parseRequest(request, room[:0])
			_, bad := decodeContinue(r.fields)
			if bad != nil {
				return bad
			}
			return nil
		}},
		{"write reply", func() error {
			e := getEncoder()
			defer e.release()
			return e.feedReply([]byte("77"), feed, false)
		}},
		{"read reply", func() error {
			r, err := parseReply(answer)
			if err != nil {
				return err
			}
			_, err = decodeFeed(r.data)
			return err
		}},
	}
	for _, s := range steps {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSpawn(b *testing.B) {
	for b.Loop() {
		home := shortDir(b)
		d := newDispatcher(b, home)
		if _, err := d.Ensure(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if _, err := d.Stop(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
