package engine

import (
	"fmt"
	"sync"
	"time"
)

// Zone is a time zone by its rules, so that a date is the same wherever and whenever a session is
// replayed. The zero value is UTC.
type Zone struct {
	Name string
	TZif []byte // the rules in the format of the system's database; nil for UTC
}

// zones are the time zones that sessions use, by their rules. Nearly always it is one.
type zones struct {
	mu    sync.Mutex
	known map[string]*time.Location
}

// maxZones bounds the zones that are remembered; past it the memory starts anew.
const maxZones = 64

func (k *zones) location(z Zone) (*time.Location, error) {
	if z.TZif == nil {
		return time.UTC, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if loc, ok := k.known[string(z.TZif)]; ok {
		return loc, nil
	}
	loc, err := time.LoadLocationFromTZData(z.Name, z.TZif)
	if err != nil {
		return nil, fmt.Errorf("reading the rules of the time zone %q: %w", z.Name, err)
	}
	if k.known == nil || len(k.known) >= maxZones {
		k.known = map[string]*time.Location{}
	}
	k.known[string(z.TZif)] = loc
	return loc, nil
}

// inSeason reads the clock that shows t as one that is set to summer time, or not, as C's mktime
// does: by the offset of the nearest such season. Where there is none within a year, t stays.
func inSeason(t time.Time, summer bool) time.Time {
	_, here := t.Zone()
	for days := 0; days <= 366; days += 3 {
		for _, near := range []time.Time{t.AddDate(0, 0, -days), t.AddDate(0, 0, days)} {
			for _, hours := range []time.Duration{-2, 0, 2} { // a clock that was just set
				if at := near.Add(hours * time.Hour); at.IsDST() == summer {
					_, there := at.Zone()
					return t.Add(time.Duration(here-there) * time.Second)
				}
			}
		}
	}
	return t
}
