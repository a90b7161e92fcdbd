package procid

import "testing"

func FuzzParseStat(f *testing.F) {
	const tail = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"
	f.Add([]byte("12 (sleep)" + tail))
	f.Add([]byte("12 (a) T 9 (b)" + tail))
	f.Add([]byte("12 (sleep) S 1"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, p []byte) {
		if _, _, err := parseStat(p); err == nil && len(p) < 40 {
			t.Errorf("%q was understood", p)
		}
	})
}

func TestParseStatName(t *testing.T) {
	start, state, err := parseStat([]byte("12 (a) T 9 (b) T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"))
	if start != 4711 || state != Stopped || err != nil {
		t.Errorf("got %d, %v, %v", start, state, err)
	}
}
