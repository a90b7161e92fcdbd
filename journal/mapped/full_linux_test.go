package mapped_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/mapped"
	"golang.org/x/sys/unix"
)

func TestFullDisk(t *testing.T) {
	_, err := mapped.Map(open(t, "/dev/full"), size)
	if full := (*journal.DiskFullError)(nil); !errors.As(err, &full) || !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("got %v, want a DiskFullError of ENOSPC", err)
	}
	for _, want := range []string{"no space left on device", "make room in /dev and try again"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}
