package mathlib

import (
	"encoding/hex"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The first block of ChaCha12 under a key of zeros, as published in the test vectors of the
// cipher (draft-strombergson-chacha-test-vectors, TC1).
func TestChaCha12(t *testing.T) {
	var s Stream
	var got []byte
	for range 4 {
		v := s.Uint64()
		for range 8 {
			got, v = append(got, byte(v)), v>>8
		}
	}
	if want := "9bf49a6a0755f953811fce125f2683d50429c3bb49e074147e0089a52eae155f"; hex.EncodeToString(got) != want {
		t.Errorf("key stream %x, want %s", got, want)
	}
}

func TestStreamValues(t *testing.T) {
	for seed, want := range map[uint64][]float64{
		42: {0.5265574090027738, 0.5427252099031439, 0.6364650991438949},
		0:  {0.7311134158637046},
		1:  {0.9742447372584028},
	} {
		s := NewStream(seed, 0)
		for i, w := range want {
			if got := s.Float64(); got != w {
				t.Errorf("seed %d, draw %d: %v, want %v", seed, i, got, w)
			}
		}
	}
	s, got := NewStream(42, 0), []int64{}
	for range 5 {
		v, err := s.Int(1, 100)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	if d := cmp.Diff([]int64{53, 55, 64, 41, 4}, got); d != "" {
		t.Error(d)
	}
}

// A stream taken up at any position goes on as if it had never been left.
func TestStreamPosition(t *testing.T) {
	whole := NewStream(7, 0)
	for i := range uint64(100) {
		if whole.Pos() != i {
			t.Fatalf("position %d after %d draws", whole.Pos(), i)
		}
		if got, want := NewStream(7, i).Uint64(), whole.Uint64(); got != want {
			t.Fatalf("draw %d: %x, want %x", i, got, want)
		}
	}
	far := NewStream(7, 1<<40)
	first := far.Uint64()
	if again := NewStream(7, 1<<40).Uint64(); first != again || first == NewStream(7, 0).Uint64() {
		t.Errorf("far away: %x, %x", first, again)
	}
}

func TestStreamInt(t *testing.T) {
	s := NewStream(3, 0)
	for _, r := range [][2]int64{{5, 5}, {-3, -3}, {-2, 2}, {math.MinInt64, math.MaxInt64}, {math.MinInt64, 0}, {0, math.MaxInt64}} {
		for range 1000 {
			v, err := s.Int(r[0], r[1])
			if err != nil || v < r[0] || v > r[1] {
				t.Fatalf("%v in %v, %v", v, r, err)
			}
		}
	}
	if _, err := s.Int(6, 5); err == nil {
		t.Error("min above max is taken")
	}
}

// Chi-squared tests of what is uniform, with fixed seeds: they fail when code changes, not by chance.
func TestUniformPicks(t *testing.T) {
	s := NewStream(16, 0)
	orders, picks := map[string]float64{}, map[int]float64{}
	for range 6000 {
		orders[fmt.Sprint(s.Shuffled(3))]++
		for _, i := range s.Picks(6, 2) {
			picks[i]++
		}
	}
	fair(t, "orders", orders, 6, 1000)
	fair(t, "picks", picks, 6, 2000)
	if len(s.Shuffled(0)) != 0 || len(s.Picks(5, 0)) != 0 {
		t.Error("nothing is something")
	}
}

func fair[K comparable](t *testing.T, what string, counts map[K]float64, kinds int, each float64) {
	t.Helper()
	chi2 := 0.0
	for _, c := range counts {
		chi2 += (c - each) * (c - each) / each
	}
	if p := incGammaUpper(float64(kinds-1)/2, chi2/2); len(counts) != kinds || p < 1e-3 {
		t.Errorf("%s: %v, p = %v", what, counts, p)
	}
}
