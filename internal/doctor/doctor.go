// Package doctor examines a home and the machine it is on, and says what is wrong and what to do
// about it. It changes nothing and starts nothing.
//
// [Examine] makes all checks; each is a [Check] with a verdict and, unless all is well, advice.
package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/service"
)

// Level is how serious a finding is. The texts are shown and part of the JSON: they never change.
type Level string

// The levels. Only a Fail makes alc unusable or unsafe.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Check is one finding.
type Check struct {
	Name    string `json:"name"`
	Level   Level  `json:"level"`
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`
}

// Config says what is examined.
type Config struct {
	Home       string
	Durability string
	// Configuration is why the settings could not be read, if so.
	Configuration error
	Verify        int // how many of the sessions that changed last have their history verified
	Service       *service.Service
}

// checkTime bounds one check, so that a sick part does not hide the others.
const checkTime = 10 * time.Second

// Examine makes all checks, in an order in which the first failure is often the cause of the
// others. Those of what lies in the home are left out when there can be no home.
func Examine(ctx context.Context, c Config) []Check {
	x := &examination{Config: c}
	var found []Check
	for _, check := range []struct {
		name   string
		inHome bool // what it looks at lies in the home
		do     func(context.Context) finding
	}{
		{"home", false, x.home},
		{"configuration", false, x.configuration},
		{"permissions", true, x.permissions},
		{"file system", false, x.fileSystem},
		{"disk space", false, x.diskSpace},
		{"socket path", false, x.socketPath},
		{"lua", false, x.lua},
		{"sqlite", false, x.sqlite},
		{"durability", false, x.durability},
		{"workers", true, x.workers},
		{"confinement", true, x.confinement},
		{"leftovers", true, x.leftovers},
		{"journal", true, x.journal},
		{"histories", true, x.histories},
	} {
		if check.inHome && x.noHome {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, checkTime)
		f := check.do(bounded)
		cancel()
		found = append(found, Check{Name: check.name, Level: f.level, Message: f.message, Advice: f.advice})
	}
	return found
}

// Worst returns the most serious level among the checks.
func Worst(checks []Check) Level {
	worst := OK
	for _, c := range checks {
		if c.Level == Fail || c.Level == Warn && worst == OK {
			worst = c.Level
		}
	}
	return worst
}

// examination is one run of the checks.
type examination struct {
	Config
	noHome bool          // the home cannot be looked into, says the first check
	store  journal.Store // set by the journal check for the one after it
}

// finding is a check without its name.
type finding struct {
	level           Level
	message, advice string
}

func ok(format string, args ...any) finding {
	return finding{level: OK, message: fmt.Sprintf(format, args...)}
}

func warn(advice, format string, args ...any) finding {
	return finding{Warn, fmt.Sprintf(format, args...), advice}
}

func fail(advice, format string, args ...any) finding {
	return finding{Fail, fmt.Sprintf(format, args...), advice}
}
