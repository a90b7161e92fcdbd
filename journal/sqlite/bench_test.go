package sqlite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
)

func pair(now time.Time) []journal.Event {
	body := make([]byte, 400)
	return []journal.Event{{Kind: journal.Answered, At: now, Body: body}, {Kind: journal.Asked, At: now, Body: body}}
}

func openBench(b *testing.B, opts sqlite.Options) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(context.Background(), b.TempDir(), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

func seed(b *testing.B, s *sqlite.Store, n int) []journal.Head {
	b.Helper()
	heads := make([]journal.Head, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, 256) {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				h, err := s.Append(context.Background(), journal.Batch{
					SID: fmt.Sprintf("s-%07d", i), Epoch: 1, Owner: 1, Events: pair(time.Now()),
					Summary: journal.Summary{State: journal.StatePaused, Open: 1},
				})
				if err != nil {
					b.Error(err)
					return
				}
				heads[i] = h
			}
		})
	}
	wg.Wait()
	return heads
}

// BenchmarkContinue appends pairs of events from 64 goroutines to random sessions out of many.
func BenchmarkContinue(b *testing.B) {
	for _, durability := range []sqlite.Durability{sqlite.Process, sqlite.Full} {
		for _, sessions := range []int{64, 100_000} {
			b.Run(fmt.Sprintf("%s/sessions=%d", durability, sessions), func(b *testing.B) {
				s := openBench(b, sqlite.Options{Durability: durability})
				heads := seed(b, s, sessions)
				benchContinue(b, s, heads)
			})
		}
	}
}

func benchContinue(b *testing.B, s *sqlite.Store, heads []journal.Head) {
	const callers = 64
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			mine := len(heads) / callers
			rnd := rand.New(rand.NewPCG(1, uint64(c)))
			for left.Add(-1) >= 0 {
				h := &heads[c*mine+rnd.IntN(mine)]
				got, err := s.Append(context.Background(), journal.Batch{
					SID: h.SID, Epoch: h.Epoch, Owner: h.Owner, After: h.Seq, Events: pair(time.Now()), Sync: true,
					Summary: journal.Summary{State: journal.StatePaused, Open: 1},
				})
				if err != nil {
					b.Error(err)
					return
				}
				*h = got
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// BenchmarkAppendAlone is one caller's append: the disk's sync and what the store adds to it.
func BenchmarkAppendAlone(b *testing.B) {
	for _, durability := range []sqlite.Durability{sqlite.Process, sqlite.Full} {
		b.Run(string(durability), func(b *testing.B) {
			s := openBench(b, sqlite.Options{Durability: durability})
			h := seed(b, s, 1)[0]
			for b.Loop() {
				got, err := s.Append(context.Background(), journal.Batch{
					SID: h.SID, Epoch: h.Epoch, Owner: h.Owner, After: h.Seq, Events: pair(time.Now()), Sync: true,
				})
				if err != nil {
					b.Fatal(err)
				}
				h = got
			}
		})
	}
}
