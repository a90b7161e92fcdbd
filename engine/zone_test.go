package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/algocline/algocline/journal"
)

// newYork are rules as a file of the system's database has them: one change long ago, and after it
// the rule in words, as far as this test needs it.
func newYork() Zone {
	var b bytes.Buffer
	for _, timeSize := range []int{4, 8} {
		b.WriteString("TZif2" + strings.Repeat("\x00", 15))
		for _, n := range []uint32{0, 0, 0, 1, 1, 4} { // counts: one change, one kind of time, its name
			_ = binary.Write(&b, binary.BigEndian, n)
		}
		if timeSize == 4 {
			_ = binary.Write(&b, binary.BigEndian, int32(-1<<31))
		} else {
			_ = binary.Write(&b, binary.BigEndian, int64(-1<<40))
		}
		b.WriteByte(0)
		_ = binary.Write(&b, binary.BigEndian, int32(-5*3600))
		b.WriteString("\x00\x00EST\x00")
	}
	b.WriteString("\nEST5EDT,M3.2.0,M11.1.0\n")
	return Zone{Name: "America/New_York", TZif: b.Bytes()}
}

// Dates are those of the session's zone, across its changes of the clock, and times made of what
// os.date gives lead back.
func TestZone(t *testing.T) {
	const code = `
		local out = {}
		local function add(v) out[#out + 1] = v end
		add(os.date("%Y-%m-%d %H:%M:%S %Z %z", 1704067200)) -- winter
		add(os.date("%F %T %Z", 1719792000)) -- summer
		add(os.date("!%F %T %Z", 1719792000))
		add(os.time { year = 2024, month = 1, day = 1, hour = 0 })
		add(os.time { year = 2024, month = 7, day = 1, hour = 0 })
		add(os.time { year = 2024, month = 7, day = 1, hour = 0, isdst = false })
		add(os.time { year = 2024, month = 1, day = 1, hour = 0, isdst = true })
		local wrong = 0
		for t = 1710054000 - 7200, 1710054000 + 10800, 600 do -- both changes of 2024
			for _, at in ipairs { t, t + 1730613600 - 1710054000 } do
				local d = os.date("*t", at)
				if os.time(d) ~= at then wrong = wrong + 1 end
				if d.isdst ~= (os.date("%Z", at) == "EDT") then wrong = wrong + 1 end
			end
		end
		add(wrong)
		return out`
	const want = `["2023-12-31 19:00:00 EST -0500","2024-06-30 20:00:00 EDT","2024-07-01 00:00:00 GMT",1704085200,1719806400,1719810000,1704081600,0]`
	st := start(code)
	st.Zone = newYork()
	o := begin(t, newMemHost(), st).Outcome()
	checkOutcome(t, o, want)
}

// A replay has the rules that the session began with, whatever the machine's are by then, and says
// so when they are lost.
func TestZoneIsRecorded(t *testing.T) {
	h := newMemHost()
	st := start(`local before = os.date("%H %Z", 0) alc.llm("p") return { before, os.date("%H %Z", 0) }`)
	st.Zone = newYork()
	begin(t, h, st).Close()
	o, err := restore(t, h).Answer(t.Context(), []Answer{{Response: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	checkOutcome(t, o, `["19 EST","19 EST"]`)
	hashes, err := Contents(h.events)
	if err != nil || len(hashes) != 3 {
		t.Errorf("%d contents, %v", len(hashes), err)
	}
	delete(h.contents, journal.HashContent(st.Zone.TZif))
	if _, err := Restore(t.Context(), h, testVMs(), h.events[:2]); !errors.Is(err, journal.ErrNotFound) || !strings.Contains(err.Error(), "time zone") {
		t.Errorf("%v", err)
	}
}

func TestBadZone(t *testing.T) {
	st := start(`return 1`)
	st.Zone = Zone{Name: "Nowhere", TZif: []byte("no rules")}
	if _, err := Begin(t.Context(), newMemHost(), testVMs(), st); err == nil || !strings.Contains(err.Error(), `"Nowhere"`) {
		t.Errorf("%v", err)
	}
}

// Dates and times of a zone are those that the original takes from the C library.
func TestDatesAgainstReference(t *testing.T) {
	rules, err := os.ReadFile("/usr/share/zoneinfo/America/New_York")
	if err != nil {
		t.Skip("the system has no rules of time zones: ", err)
	}
	t.Setenv("TZ", "America/New_York")
	c, r := reference(t)
	formats := []string{"%c", "%x %X %p", "%F %T %Z %z", "%a %A %b %B %d %e %j", "%U %V %W %G %g %u %w", "%C %y %Y %I %M %S %D %R %r %h", "!%c %Z", "%%%n%t", "%Ey %Od"}
	calls := make([]string, 0, 500)
	for range cap(calls) {
		at := r.Int64N(4e9) - 1e9
		if r.IntN(3) == 0 { // about a change of the clock
			at = []int64{1710054000, 1730613600, 1741503600, 1762063200}[r.IntN(4)] + r.Int64N(20000) - 10000
		}
		switch r.IntN(3) {
		case 0:
			calls = append(calls, fmt.Sprintf("os.date, %q, %d", r.one(formats...), at))
		case 1:
			calls = append(calls, fmt.Sprintf(`function() local d = os.date("*t", %d) d.hour = d.hour + %d d.day = d.day - %d return os.time(d), d end`, at, r.IntN(40), r.IntN(40)))
		default:
			calls = append(calls, "os.time, "+dateTableSource(r.Rand))
		}
	}
	st := start(comparing + "try(" + strings.Join(calls, ")\ntry(") + ")\nreturn out")
	st.Zone = Zone{Name: "America/New_York", TZif: rules}
	compareStart(t, c, "dates", calls, st)
}

func dateTableSource(r *rand.Rand) string {
	return fmt.Sprintf("{ year = %d, month = %d, day = %d, hour = %d, min = %d, isdst = %s }",
		1990+r.IntN(60), r.IntN(15), r.IntN(33), r.IntN(26), r.IntN(70), []string{"nil", "true", "false"}[r.IntN(3)])
}
