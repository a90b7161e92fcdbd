package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/algocline/algocline/pool"
)

// An import goes in as many sessions as its size asks for.
func TestImportStateInParts(t *testing.T) {
	f := &fakePool{feed: pool.Feed{Type: pool.FeedFinished, Status: "completed", Output: json.RawMessage("1")}}
	dir := t.TempDir()
	big := `"` + strings.Repeat("x", importBytes/2-10) + `"`
	write(t, dir, "default.json", fmt.Sprintf(`{"a":%s,"b":%s,"c":%s}`, big, big, big))
	write(t, dir, "other.json", `{"k":1}`)
	n, err := testService(t, f).ImportState(t.Context(), dir, true)
	if err != nil || n != 3 {
		t.Errorf("%d sessions, %v", n, err)
	}
	if want := `{"_ns":"other","entries":[{"key":"k","value":1}],"keep":true}`; string(f.ran.Ctx) != want {
		t.Errorf("the last one got %s", f.ran.Ctx)
	}
}

// A change that fails says why in the words of the script's error.
func TestStateChangeFails(t *testing.T) {
	f := &fakePool{feed: pool.Feed{Type: pool.FeedFinished, Status: "failed", Error: &pool.Failure{Message: "state: no"}}}
	s := testService(t, f)
	var refused *StateError
	if err := s.SetState(t.Context(), "default", "k", json.RawMessage("1")); !errors.As(err, &refused) || err.Error() != "state: no" {
		t.Errorf("%v", err)
	}
	f.feed.Error = nil
	if _, err := s.DeleteState(t.Context(), "default", "k"); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
	f.err = errors.New("no worker")
	if _, err := s.ResetState(t.Context(), "a", "b", nil, nil); !errors.Is(err, f.err) {
		t.Errorf("%v", err)
	}
}
