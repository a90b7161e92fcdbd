package engine

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/algocline/algocline/lua"
)

// Limits bound one session. Hitting one ends that session alone.
type Limits struct {
	Memory     int64         // bytes of the VM
	StepCPU    time.Duration // CPU time from one resume to the next pause
	Wall       time.Duration // time since the start, pauses included; 0: none
	LLMCalls   int64         // queries asked
	Batch      int64         // queries open at once
	PromptSize int64         // bytes of one prompt with its system text
	ResultSize int64         // bytes of the result, or of a value stored in state
	LogSize    int64         // bytes of log kept; the oldest lines go, the session does not fail
}

// DefaultLimits are the limits of a session when nobody says otherwise.
func DefaultLimits() Limits {
	return Limits{
		Memory: 256 << 20, StepCPU: 30 * time.Second, LLMCalls: 10_000, Batch: 1_000,
		PromptSize: 4 << 20, ResultSize: 16 << 20, LogSize: 1 << 20,
	}
}

type limitField struct {
	count *int64
	dur   *time.Duration
}

func (l *Limits) fields() map[string]limitField {
	return map[string]limitField{
		"memory":      {count: &l.Memory},
		"step_cpu":    {dur: &l.StepCPU},
		"wall":        {dur: &l.Wall},
		"llm_calls":   {count: &l.LLMCalls},
		"batch":       {count: &l.Batch},
		"prompt_size": {count: &l.PromptSize},
		"result_size": {count: &l.ResultSize},
		"log_size":    {count: &l.LogSize},
	}
}

// LimitNames returns the names of all limits, sorted.
func LimitNames() []string {
	var names []string
	for n := range (&Limits{}).fields() {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Raise returns l with the operator's values in place: they may lie on either side of l's. A
// value is a number (bytes, calls, seconds) or a text such as "64MiB" or "500ms". Errors match
// [ErrBadLimit].
func (l Limits) Raise(values map[string]any) (Limits, error) { return l.with(values, true) }

// Lower returns l with a caller's values in place, none of which may be above l's.
func (l Limits) Lower(values map[string]any) (Limits, error) { return l.with(values, false) }

func (l Limits) with(values map[string]any, operator bool) (Limits, error) {
	out := l
	fields := out.fields()
	for name, v := range values {
		f, ok := fields[name]
		if !ok {
			return l, fmt.Errorf("%w: unknown name %q; there are %s", ErrBadLimit, name, strings.Join(LimitNames(), ", "))
		}
		if err := f.set(name, v, operator); err != nil {
			return l, err
		}
	}
	return out, nil
}

func (f limitField) set(name string, v any, operator bool) error {
	if f.dur != nil {
		d, err := parseDuration(v)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrBadLimit, name, err)
		}
		if !operator && *f.dur > 0 && d > *f.dur {
			return tooHigh(name, d.String(), f.dur.String())
		}
		*f.dur = d
		return nil
	}
	n, err := parseCount(v)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrBadLimit, name, err)
	}
	if name == "memory" && n > lua.MaxMemory {
		return fmt.Errorf("%w: memory: a VM can have 2GiB at most", ErrBadLimit)
	}
	if !operator && n > *f.count {
		return tooHigh(name, f.show(name, n), f.show(name, *f.count))
	}
	*f.count = n
	return nil
}

// show writes a count, with a unit where it is one of bytes.
func (limitField) show(name string, n int64) string {
	if name == "memory" || strings.HasSuffix(name, "_size") {
		return lua.FormatBytes(n)
	}
	return strconv.FormatInt(n, 10)
}

func tooHigh(name, got, max string) error {
	return fmt.Errorf("%w: %s: %s is above the operator's %s; a caller can only lower it, the operator raises it with ALC_LIMIT_%s or in config.toml",
		ErrBadLimit, name, got, max, strings.ToUpper(name))
}

func number(v any) (float64, string, error) {
	switch v := v.(type) {
	case int:
		return float64(v), "", nil
	case int64:
		return float64(v), "", nil
	case float64:
		return v, "", nil
	case json.Number:
		return number(string(v))
	case string:
		s := strings.TrimSpace(v)
		i := len(s)
		for i > 0 && (s[i-1] < '0' || s[i-1] > '9') && s[i-1] != '.' {
			i--
		}
		f, err := strconv.ParseFloat(s[:i], 64)
		if err != nil {
			return 0, "", fmt.Errorf("%q is not a number with an optional unit", v)
		}
		return f, strings.TrimSpace(s[i:]), nil
	}
	return 0, "", fmt.Errorf("%v is neither a number nor a text", v)
}

var sizeUnits = map[string]float64{
	"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9,
}

// ParseSize reads a number of bytes: a whole number of at least 1, or a text such as "64MiB".
func ParseSize(v any) (int64, error) { return parseCount(v) }

func parseCount(v any) (int64, error) {
	f, unit, err := number(v)
	if err != nil {
		return 0, err
	}
	mul, ok := sizeUnits[unit]
	if !ok {
		return 0, fmt.Errorf("unknown unit %q; use B, KiB, MiB or GiB", unit)
	}
	f *= mul
	if !(f >= 1) || f > 1<<50 || f != math.Trunc(f) {
		return 0, fmt.Errorf("%v is not a whole number of at least 1", v)
	}
	return int64(f), nil
}

func parseDuration(v any) (time.Duration, error) {
	if s, ok := v.(string); ok {
		if d, err := time.ParseDuration(strings.TrimSpace(s)); err == nil {
			if d <= 0 {
				return 0, fmt.Errorf("%q is not above zero", s)
			}
			return d, nil
		}
	}
	f, unit, err := number(v)
	if err != nil || unit != "" {
		return 0, fmt.Errorf("%v is not a duration; use texts such as 500ms, 30s, 2h, or seconds", v)
	}
	if !(f > 0) || f > 1e9 {
		return 0, fmt.Errorf("%v seconds is not above zero", v)
	}
	return time.Duration(f * float64(time.Second)), nil
}

// Map returns the limits as texts and numbers, as events and status show them.
func (l Limits) Map() map[string]any {
	m := map[string]any{}
	for name, f := range l.fields() {
		switch {
		case f.count != nil:
			m[name] = *f.count
		case *f.dur > 0:
			m[name] = f.dur.String()
		}
	}
	return m
}
