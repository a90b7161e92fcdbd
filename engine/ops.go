package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// op is what answers one kind of request. Exactly one of pure, long, read and effect is set; it decides
// the class.
type op struct {
	pure   func(s *Session, a arguments) (value.List, error)
	long   func(ctx context.Context, s *Session, a arguments) (value.List, error) // pure, but may take its time
	read   func(ctx context.Context, s *Session, a arguments) (value.List, error)
	effect func(s *Session, tx journal.Tx, a arguments) (value.List, error)
	// stored are the arguments of an effect that are kept: none may be above result_size.
	stored []int
	// outside is an effect that no transaction covers.
	outside func(s *Session, a arguments) value.List
	// prepare runs before a live effect, outside its transaction: what may be slow, and what has
	// a commit of its own. May be nil.
	prepare func(ctx context.Context, s *Session, a arguments) error
	// settle carries an effect that has committed to where the transaction does not reach. It
	// runs on replay too, as the process may have died before it: it must be idempotent, and
	// cheap when nothing is left to do. May be nil.
	settle func(ctx context.Context, s *Session) error
}

// ops are the requests of the library by name, but for ask and module, which are events of
// their own kinds.
var ops = join(map[string]op{
	"theme":     {pure: theme},
	"member":    {pure: member},
	"members":   {pure: members},
	"time":      {read: readTime},
	"unix":      {read: readUnix},
	"clock":     {read: readClock},
	"remaining": {read: readRemaining},
	"date":      {pure: date},
	"mktime":    {pure: mktime},
}, stateOps, dispatchedOps, cardOps, fileOps, textOps, mathOps)

func join(groups ...map[string]op) map[string]op {
	all := map[string]op{}
	for _, g := range groups {
		maps.Copy(all, g)
	}
	return all
}

// theme gives the text of a part of the library that is loaded when first used.
func theme(s *Session, a arguments) (value.List, error) {
	src, ok := s.lib.themes[a.text(0)]
	if !ok {
		return nil, fmt.Errorf("library %s has no theme %q", s.lib.hash, a.text(0))
	}
	return value.Of(src), nil
}

// arguments are those of a request. The library checks types before it asks, so a missing or
// mistyped one reads as a zero value.
type arguments []any

func (a arguments) at(i int) any {
	if i < len(a) {
		return a[i]
	}
	return nil
}

func (a arguments) text(i int) string { s, _ := a.at(i).(string); return s }

// longest is the length of the longest of some arguments.
func (a arguments) longest(of []int) (n int64) {
	for _, i := range of {
		n = max(n, int64(len(a.text(i))))
	}
	return n
}

func (a arguments) list(i int) []string {
	t, _ := a.at(i).(*value.Table)
	return strs(t)
}
func (a arguments) int(i int) int64 { n, _ := a.at(i).(int64); return n }
func (a arguments) float(i int) float64 {
	switch n := a.at(i).(type) {
	case float64:
		return n
	case int64:
		return float64(n)
	}
	return 0
}

// member tells which theme defines a member of a table, and what else it gives that table.
func member(s *Session, a arguments) (value.List, error) {
	p, ok := s.lib.places[a.text(0)][a.text(1)]
	if !ok {
		return nil, nil
	}
	l := value.Of(p.theme)
	for _, m := range p.members {
		l = value.AppendString(l, m)
	}
	return l, nil
}

// members lists what themes define of a table.
func members(s *Session, a arguments) (value.List, error) {
	names := slices.Sorted(maps.Keys(s.lib.places[a.text(0)]))
	t := &value.Table{}
	for _, n := range names {
		t.Seq = append(t.Seq, n)
	}
	return value.Of(t), nil
}

func readTime(_ context.Context, s *Session, _ arguments) (value.List, error) {
	return value.Of(float64(s.host.Now().UnixMicro()) / 1e6), nil
}

func readUnix(_ context.Context, s *Session, _ arguments) (value.List, error) {
	return value.Of(s.host.Now().Unix()), nil
}

// readClock answers os.clock with the time since the session began: a script measures with it,
// and the CPU time of a worker that many sessions share would tell it nothing.
func readClock(_ context.Context, s *Session, _ arguments) (value.List, error) {
	return value.Of(s.host.Now().Sub(s.start.At).Seconds()), nil
}

func readRemaining(_ context.Context, s *Session, _ arguments) (value.List, error) {
	b := s.budget.remaining(&s.metrics, s.host.Now().Sub(s.start.At))
	if b == nil {
		return value.Of(false), nil
	}
	l := value.Of(true)
	for _, p := range []*int64{b.LLMCalls, b.ElapsedMS, b.Tokens} {
		if p == nil {
			l = value.AppendNil(l)
		} else {
			l = value.AppendInt(l, *p)
		}
	}
	return l, nil
}

// gmt is UTC under the name that C gives it.
var gmt = time.FixedZone("GMT", 0)

func date(s *Session, a arguments) (value.List, error) {
	format, t := a.text(0), time.Unix(a.int(1), 0).In(s.loc)
	if len(format) > 0 && format[0] == '!' {
		format, t = format[1:], t.In(gmt)
	}
	if len(format) >= 2 && format[:2] == "*t" {
		return value.Of(dateTable(t)), nil
	}
	out, err := strftime(format, t)
	if err != nil {
		return nil, raise(err.Error())
	}
	return value.Of(out), nil
}

func dateTable(t time.Time) *value.Table {
	return &value.Table{
		Keys: []any{"day", "hour", "isdst", "min", "month", "sec", "wday", "yday", "year"},
		Vals: []any{int64(t.Day()), int64(t.Hour()), t.IsDST(), int64(t.Minute()), int64(t.Month()), int64(t.Second()),
			int64(t.Weekday()) + 1, int64(t.YearDay()), int64(t.Year())},
	}
}

// mktime turns a date table's members into seconds and the normalized table. The last argument is
// the table's isdst, when it has one.
func mktime(s *Session, a arguments) (value.List, error) {
	t := time.Date(int(a.int(0)), time.Month(a.int(1)), int(a.int(2)), int(a.int(3)), int(a.int(4)), int(a.int(5)), 0, s.loc)
	if summer, said := a.at(6).(bool); said && t.IsDST() != summer {
		t = inSeason(t, summer)
	}
	return value.Of(t.Unix(), dateTable(t)), nil
}
