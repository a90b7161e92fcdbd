package sqlite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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

// BenchmarkBareSync is what the disk itself takes for the bytes of one append: the floor of
// BenchmarkAppendAlone/full.
func BenchmarkBareSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 3*4096)
	const pages = 4096
	for i := range pages {
		if _, err := f.WriteAt(page[:4096], int64(i)*4096); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		if _, err := f.WriteAt(page, int64(i%(pages-3))*4096); err != nil {
			b.Fatal(err)
		}
		if err := syncData(f); err != nil {
			b.Fatal(err)
		}
		i += 3
	}
}

// BenchmarkOpen opens and closes an existing journal, as a worker and as a front.
func BenchmarkOpen(b *testing.B) {
	for _, ro := range []bool{false, true} {
		b.Run(fmt.Sprint("readonly=", ro), func(b *testing.B) {
			dir := b.TempDir()
			keep := open(b, dir, sqlite.Options{})
			defer keep.Close()
			seed(b, keep, 1000)
			for b.Loop() {
				if err := open(b, dir, sqlite.Options{ReadOnly: ro}).Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEvents reads a history of 10,000 events.
func BenchmarkEvents(b *testing.B) {
	s := openBench(b, sqlite.Options{Durability: sqlite.Process})
	const n = 10_000
	events := make([]journal.Event, n)
	for i := range events {
		events[i] = journal.Event{Kind: journal.Read, At: time.Now(), Body: make([]byte, 200)}
	}
	if _, err := s.Append(context.Background(), journal.Batch{SID: "s-1", Epoch: 1, Events: events}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, got, err := s.Events(context.Background(), "s-1", 0); err != nil || len(got) != n {
			b.Fatal(len(got), err)
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkReads are the questions that fronts ask, over 100,000 sessions.
func BenchmarkReads(b *testing.B) {
	s := openBench(b, sqlite.Options{Durability: sqlite.Process})
	const n = 100_000
	seed(b, s, n)
	ctx := context.Background()
	i := 0
	for name, ask := range map[string]func() error{
		"head": func() error { _, err := s.Head(ctx, fmt.Sprintf("s-%07d", i*7919%n)); return err },
		"list": func() error { _, err := s.List(ctx, journal.Filter{Limit: 100}); return err },
		"list running": func() error {
			_, err := s.List(ctx, journal.Filter{States: []journal.State{journal.StateRunning}})
			return err
		},
		"count":   func() error { _, err := s.Count(ctx); return err },
		"nearest": func() error { _, err := s.Nearest(ctx, "s-0012x45", 3); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				i++
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
