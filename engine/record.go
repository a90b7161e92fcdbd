package engine

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// Event bodies are one encoded table with string keys, so that a later version may add members
// and an older record still reads.

// body encodes alternating names and values; nil values are left out.
func body(kv ...any) []byte {
	t := &value.Table{}
	idx := make([]int, 0, len(kv)/2)
	for i := 0; i < len(kv); i += 2 {
		if kv[i+1] != nil {
			idx = append(idx, i)
		}
	}
	sort.Slice(idx, func(a, b int) bool { return kv[idx[a]].(string) < kv[idx[b]].(string) })
	for _, i := range idx {
		t.Keys, t.Vals = append(t.Keys, kv[i]), append(t.Vals, kv[i+1])
	}
	return value.Of(t)
}

// record reads a body.
type record struct {
	t   *value.Table
	seq int64
	err error
}

func readBody(e *journal.Event) *record {
	r := &record{seq: e.Seq}
	vs, err := value.Decode(value.List(e.Body))
	if err == nil && len(vs) == 1 {
		if t, ok := vs[0].(*value.Table); ok {
			r.t = t
			return r
		}
	}
	r.t = &value.Table{}
	r.err = fmt.Errorf("%w: event %d (%s): %v", ErrBadHistory, e.Seq, e.Kind, err)
	return r
}

func get[T any](r *record, name string) (v T) {
	x := r.t.Get(name)
	if x == nil {
		return v
	}
	v, ok := x.(T)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("%w: event %d: member %q is a %T", ErrBadHistory, r.seq, name, x)
	}
	return v
}

// Start is all that a session begins with. It is recorded, and a replay needs nothing else but
// the contents it names.
type Start struct {
	SID      string
	Code     []byte
	Name     string // chunk name in messages
	Ctx      []byte // JSON text; nil when the caller gave none
	LibPaths []string
	Env      map[string]string // what alc.env shows; nil: nothing
	Dirs     Dirs              // what alc._dirs shows
	Strategy string
	Limits   Limits
	Grants   Grants
	// Isolation is what the session shares its process with, in the words of the pool; "" is
	// everything. The engine only keeps it.
	Isolation string
	Seed      int64
	RunCards  bool   // whether cards with a section named run are written
	Zone      Zone   // of os.date and os.time
	Machine   string // class of machine: GOOS/GOARCH, and a fingerprint in newer records
	Release   string // version of alc
	Lua       string // release of Lua
	Host      int64  // semantic version of the host functions
	Library   journal.ContentHash
	At        time.Time
}

// Dirs are the absolute paths of a home that a script may ask for. They tell it where things lie
// and open none of them.
type Dirs struct {
	State, Cards, Scenarios string
}

// HostVersion is the semantic version of the host functions. It rises when one of them changes
// what it answers to the same arguments.
const HostVersion = 1

func (s *Start) codeHash() journal.ContentHash { return journal.HashContent(s.Code) }

func (s *Start) encode() []byte {
	h := s.codeHash()
	paths := &value.Table{}
	for _, p := range s.LibPaths {
		paths.Seq = append(paths.Seq, p)
	}
	grants := &value.Table{}
	for _, g := range s.Grants.List() {
		grants.Seq = append(grants.Seq, g)
	}
	var ctx any
	if s.Ctx != nil {
		ctx = string(s.Ctx)
	}
	var env any
	if s.Env != nil {
		env = s.environment()
	}
	var runCards any
	if s.RunCards {
		runCards = true
	}
	var rules any
	if s.Zone.TZif != nil {
		h := journal.HashContent(s.Zone.TZif)
		rules = string(h[:])
	}
	var isolation any
	if s.Isolation != "" {
		isolation = s.Isolation
	}
	l := s.Limits
	limits := value.Table{
		Keys: []any{"batch", "llm_calls", "log_size", "memory", "prompt_size", "result_size", "step_cpu", "wall"},
		Vals: []any{l.Batch, l.LLMCalls, l.LogSize, l.Memory, l.PromptSize, l.ResultSize, int64(l.StepCPU), int64(l.Wall)},
	}
	return body("code", string(h[:]), "name", s.Name, "ctx", ctx, "lib_paths", paths, "strategy", s.Strategy,
		"env", env, "dirs", s.Dirs.table(), "limits", &limits, "grants", grants, "isolation", isolation, "seed", s.Seed, "zone", s.Zone.Name, "zone_rules", rules, "machine", s.Machine,
		"run_cards", runCards, "release", s.Release, "lua", s.Lua, "host", s.Host, "library", string(s.Library[:]), "sid", s.SID)
}

// stored are the contents that a started event names by their hashes.
type stored struct {
	code  journal.ContentHash
	zone  journal.ContentHash
	zoned bool // whether there is a zone to fetch
}

// decodeStart reads a started event; what it names by hash is fetched by the caller.
func decodeStart(e *journal.Event) (s Start, named stored, err error) {
	r := readBody(e)
	s = Start{
		SID: get[string](r, "sid"), Name: get[string](r, "name"), Strategy: get[string](r, "strategy"),
		Seed: get[int64](r, "seed"), RunCards: get[bool](r, "run_cards"), Zone: Zone{Name: get[string](r, "zone")}, Machine: get[string](r, "machine"),
		Release: get[string](r, "release"), Lua: get[string](r, "lua"), Host: get[int64](r, "host"), At: e.At,
		Isolation: get[string](r, "isolation"),
	}
	if c, ok := r.t.Get("ctx").(string); ok {
		s.Ctx = []byte(c)
	}
	if t := get[*value.Table](r, "env"); t != nil {
		s.Env = texts(t)
	}
	if t := get[*value.Table](r, "dirs"); t != nil {
		d := texts(t)
		s.Dirs = Dirs{State: d["state"], Cards: d["cards"], Scenarios: d["scenarios"]}
	}
	s.LibPaths = strs(get[*value.Table](r, "lib_paths"))
	if s.Grants, err = grantsOf(strs(get[*value.Table](r, "grants"))); err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: event %d: %w", ErrBadHistory, e.Seq, err)
	}
	copy(named.code[:], get[string](r, "code"))
	named.zoned = copy(named.zone[:], get[string](r, "zone_rules")) > 0
	copy(s.Library[:], get[string](r, "library"))
	if t := get[*value.Table](r, "limits"); t != nil {
		n := func(k string) int64 { v, _ := t.Get(k).(int64); return v }
		s.Limits = Limits{
			Memory: n("memory"), StepCPU: time.Duration(n("step_cpu")), Wall: time.Duration(n("wall")),
			LLMCalls: n("llm_calls"), Batch: n("batch"), PromptSize: n("prompt_size"),
			ResultSize: n("result_size"), LogSize: n("log_size"),
		}
	}
	if e.Kind != journal.Started && r.err == nil {
		r.err = fmt.Errorf("%w: a session begins with %s", ErrBadHistory, e.Kind)
	}
	return s, named, r.err
}

// ReadStart reads the first event of a session. The Code is not filled. Errors match [ErrBadHistory].
func ReadStart(e *journal.Event) (Start, error) {
	s, _, err := decodeStart(e)
	return s, err
}

func (s *Start) environment() *value.Table {
	t := &value.Table{}
	for _, k := range slices.Sorted(maps.Keys(s.Env)) {
		t.Keys, t.Vals = append(t.Keys, k), append(t.Vals, s.Env[k])
	}
	return t
}

func (d Dirs) table() *value.Table {
	return &value.Table{Keys: []any{"cards", "scenarios", "state"}, Vals: []any{d.Cards, d.Scenarios, d.State}}
}

func texts(t *value.Table) map[string]string {
	m := map[string]string{}
	for i, k := range t.Keys {
		name, _ := k.(string)
		m[name], _ = t.Vals[i].(string)
	}
	return m
}

func strs(t *value.Table) []string {
	if t == nil {
		return nil
	}
	var out []string
	for _, v := range t.Seq {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// call is a recorded read or effect: what was asked and what the world said.
type call struct {
	Op     string
	Digest Digest     // of the arguments
	Intent bool       // about to be done: the record that it was done follows
	Failed bool       // the world said no: Result is one text, raised in the script
	Result value.List //
}

func (c call) encode() []byte {
	var failed, intent any
	if c.Failed {
		failed = true
	}
	if c.Intent {
		intent = true
	}
	return body("op", c.Op, "args", string(c.Digest[:]), "intent", intent, "failed", failed, "result", string(c.Result))
}

func decodeCall(e *journal.Event) (call, error) {
	r := readBody(e)
	c := call{Op: get[string](r, "op"), Intent: get[bool](r, "intent"), Failed: get[bool](r, "failed"), Result: value.List(get[string](r, "result"))}
	copy(c.Digest[:], get[string](r, "args"))
	return c, r.err
}

// module is a recorded require.
type module struct {
	Name      string
	ChunkName string
	Hash      journal.ContentHash
	Failure   string // why it was not found; "" when it was
}

func (m module) encode() []byte {
	if m.Failure != "" {
		return body("name", m.Name, "failure", m.Failure)
	}
	return body("name", m.Name, "chunk", m.ChunkName, "hash", string(m.Hash[:]))
}

func decodeModule(e *journal.Event) (module, error) {
	r := readBody(e)
	m := module{Name: get[string](r, "name"), ChunkName: get[string](r, "chunk"), Failure: get[string](r, "failure")}
	copy(m.Hash[:], get[string](r, "hash"))
	return m, r.err
}

// asked is a recorded pause.
type asked struct {
	Queries []Query
	Digest  Digest // of what the script passed
	Step    Digest // everything that crossed the border up to here
}

func (a asked) encode() []byte {
	qs := &value.Table{}
	for _, q := range a.Queries {
		qs.Seq = append(qs.Seq, q.table())
	}
	return body("queries", qs, "args", string(a.Digest[:]), "step", string(a.Step[:]))
}

func decodeAsked(e *journal.Event) (asked, error) {
	r := readBody(e)
	var a asked
	copy(a.Digest[:], get[string](r, "args"))
	copy(a.Step[:], get[string](r, "step"))
	t := get[*value.Table](r, "queries")
	if t == nil || r.err != nil {
		return a, fmt.Errorf("%w: event %d: no queries", ErrBadHistory, e.Seq)
	}
	for _, x := range t.Seq {
		qt, ok := x.(*value.Table)
		if !ok {
			return a, fmt.Errorf("%w: event %d: a query is a %T", ErrBadHistory, e.Seq, x)
		}
		a.Queries = append(a.Queries, queryOf(qt))
	}
	return a, r.err
}

func (a Answer) encode() []byte {
	var p, c any
	if a.PromptTokens != nil {
		p = *a.PromptTokens
	}
	if a.CompletionTokens != nil {
		c = *a.CompletionTokens
	}
	return body("id", a.QueryID, "response", a.Response, "prompt_tokens", p, "completion_tokens", c)
}

func decodeAnswered(e *journal.Event) (Answer, error) {
	r := readBody(e)
	a := Answer{QueryID: get[string](r, "id"), Response: get[string](r, "response")}
	if n, ok := r.t.Get("prompt_tokens").(int64); ok {
		a.PromptTokens = &n
	}
	if n, ok := r.t.Get("completion_tokens").(int64); ok {
		a.CompletionTokens = &n
	}
	return a, r.err
}

// encodeFinished records how a session ended.
func encodeFinished(o *Outcome) []byte {
	var code, msg, tb, out, failure any
	if o.Failure != nil {
		failure, code, msg, tb = true, o.Failure.Code, o.Failure.Message, o.Failure.Traceback
	}
	if o.Output != nil {
		out = string(o.Output)
	}
	return body("status", string(o.Status), "output", out, "failure", failure, "code", code, "message", msg,
		"traceback", tb, "metrics", string(o.Metrics))
}

func decodeFinished(e *journal.Event) (Outcome, error) {
	r := readBody(e)
	o := Outcome{Kind: OutcomeFinished, Status: journal.State(get[string](r, "status")), Metrics: []byte(get[string](r, "metrics"))}
	if out, ok := r.t.Get("output").(string); ok {
		o.Output = []byte(out)
	}
	if get[bool](r, "failure") {
		o.Failure = &Failure{Code: get[string](r, "code"), Message: get[string](r, "message"), Traceback: get[string](r, "traceback")}
	}
	return o, r.err
}
