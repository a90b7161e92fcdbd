package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/algocline/algocline/journal/lock"
	"github.com/algocline/algocline/lua"
)

const (
	minSQLite    = 3051003 // older ones can corrupt a log that is written and folded back at once
	socketRandom = 8       // characters after the pid in a socket's name
)

// lua sets up the VM, which tests itself while doing so.
func (x *examination) lua(context.Context) finding {
	if err := lua.SelfTest(); err != nil {
		return fail("build alc again with an unchanged Lua 5.4", "%s: %v", lua.Release, err)
	}
	return ok("%s, self test passed", lua.Release)
}

func (x *examination) sqlite(context.Context) finding {
	version, number, _ := sqlite3.Version()
	if number < minSQLite {
		return fail("build alc with a newer one", "SQLite %s can corrupt a journal, 3.51.3 is the oldest that is trusted", version)
	}
	return ok("SQLite %s", version)
}

func (x *examination) durability(context.Context) finding {
	if x.Durability != "full" {
		return warn("--durability full is the default", "%s: acknowledged answers survive the death of any process, not a power cut", x.Durability)
	}
	return ok("full: acknowledged answers survive a power cut")
}

// workers asks those that are alive how they are.
func (x *examination) workers(ctx context.Context) finding {
	report, err := x.Service.PoolStatus(ctx, nil)
	if errors.Is(err, fs.ErrPermission) {
		return fail("make it readable for you", "%v", err)
	}
	if err != nil {
		return fail("alc pool stop ends them; their sessions stay", "%v", err)
	}
	if len(report.Workers) == 0 {
		return ok("none is running; one starts when it is needed")
	}
	pids := make([]string, len(report.Workers))
	sessions := 0
	for i, w := range report.Workers {
		pids[i] = strconv.Itoa(w.PID)
		sessions += w.Sessions
	}
	return ok("running: %s; sessions held: %d", strings.Join(pids, ", "), sessions)
}

// leftovers counts the lock files of workers that died.
func (x *examination) leftovers(context.Context) finding {
	locks, err := filepath.Glob(filepath.Join(globQuote(x.Home), "state", "pool", "w-*.lock"))
	if err != nil {
		return warn("", "%v", err)
	}
	dead, alive := 0, 0
	for _, path := range locks {
		held, err := lock.Alive(path)
		switch {
		case os.IsNotExist(err):
		case err != nil:
			return warn("make it readable for you", "asking who holds %s: %v", path, err)
		case held:
			alive++
		default:
			dead++
		}
	}
	if dead > 0 {
		return warn("nothing to do: the next worker clears them away", "workers that died: %d", dead)
	}
	return ok("none (locks held: %d)", alive)
}

// globQuote makes a path match itself alone.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
