package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/algocline/algocline/engine"
)

// zoneDirs are where systems keep the database of time zones.
var zoneDirs = []string{"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/var/db/timezone/zoneinfo", "/etc/zoneinfo"}

const localtime = "/etc/localtime"

// localZone is the time zone of this process as C programs have it: TZ says it, by a name of the
// database or a path, else /etc/localtime does. UTC goes without rules.
func localZone() (engine.Zone, error) {
	tz, set := os.LookupEnv("TZ")
	tz = strings.TrimPrefix(tz, ":")
	switch {
	case !set:
		z, err := readZone(localName(), localtime)
		if errors.Is(err, fs.ErrNotExist) {
			return engine.Zone{}, nil // nobody has set it: UTC
		}
		return z, err
	case tz == "" || tz == "UTC" || tz == "UTC0":
		return engine.Zone{}, nil
	case filepath.IsAbs(tz):
		return readZone(filepath.Base(tz), tz)
	case !filepath.IsLocal(tz):
		return engine.Zone{}, fmt.Errorf("TZ is %q, which is no zone of the database", tz)
	}
	for _, dir := range zoneDirs {
		z, err := readZone(tz, filepath.Join(dir, tz))
		if !errors.Is(err, fs.ErrNotExist) {
			return z, err
		}
	}
	return engine.Zone{}, fmt.Errorf("TZ is %q, which no database of time zones in %s has", tz, strings.Join(zoneDirs, ", "))
}

// localName is the name of the zone that /etc/localtime links to.
func localName() string {
	path, err := filepath.EvalSymlinks(localtime)
	if err != nil {
		return "local"
	}
	_, name, found := strings.Cut(path, "zoneinfo/")
	if !found {
		return "local"
	}
	return name
}

// maxZone bounds a file of rules; the largest has some 4 KB.
const maxZone = 256 << 10

func readZone(name, file string) (engine.Zone, error) {
	st, err := os.Stat(file)
	if err != nil {
		return engine.Zone{}, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxZone {
		return engine.Zone{}, fmt.Errorf("%s is no file of time zone rules", file)
	}
	rules, err := os.ReadFile(file)
	if err != nil {
		return engine.Zone{}, err
	}
	loc, err := time.LoadLocationFromTZData(name, rules)
	if err != nil {
		return engine.Zone{}, fmt.Errorf("%s: %w", file, err)
	}
	if abbreviation, _ := time.Now().In(loc).Zone(); abbreviation == "UTC" {
		return engine.Zone{}, nil
	}
	return engine.Zone{Name: name, TZif: rules}, nil
}
