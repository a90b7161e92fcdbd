package worker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fixedRules are the rules of a zone with one offset, as a file of the system's database has them.
func fixedRules(name string, hours int) []byte {
	seconds := uint32(int32(hours * 3600))
	header := "TZif\x00" + strings.Repeat("\x00", 15) + strings.Repeat("\x00\x00\x00\x00", 4) + "\x00\x00\x00\x01\x00\x00\x00" + string(rune(len(name)+1))
	offset := string([]byte{byte(seconds >> 24), byte(seconds >> 16), byte(seconds >> 8), byte(seconds)})
	return []byte(header + offset + "\x00\x00" + name + "\x00")
}

func TestLocalZone(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string][]byte{
		"west": fixedRules("WST", -2), "utc": fixedRules("UTC", 0), "bad": []byte("TZif, it says"), "large": make([]byte, maxZone+1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := zoneDirs
	zoneDirs = []string{filepath.Join(dir, "none"), dir}
	defer func() { zoneDirs = old }()
	for tz, want := range map[string]string{
		"west": "west WST", ":west": "west WST", dir + "/west": "west WST", ":" + dir + "/west": "west WST",
		"": "UTC", "UTC": "UTC", "UTC0": "UTC", ":": "UTC", "utc": "UTC",
		"nowhere": "no database of time zones", "../west": "no zone of the database", "bad": dir + "/bad: ",
		"large": "no file of time zone rules", dir: "no file of time zone rules", dir + "/none": "no such file",
		"CET-1CEST": "no database of time zones",
	} {
		t.Setenv("TZ", tz)
		z, err := localZone()
		got := "UTC"
		switch {
		case err != nil:
			got = err.Error()
		case z.TZif != nil:
			loc, err := time.LoadLocationFromTZData(z.Name, z.TZif)
			if err != nil {
				t.Fatal(err)
			}
			abbreviation, _ := time.Unix(0, 0).In(loc).Zone()
			got = z.Name + " " + abbreviation
		}
		if !strings.Contains(got, want) {
			t.Errorf("TZ=%q: %s, want %s", tz, got, want)
		}
		if err != nil && z.TZif != nil {
			t.Errorf("TZ=%q: rules beside an error", tz)
		}
	}
}

// Without TZ the machine's own zone counts, if it has one.
func TestMachinesZone(t *testing.T) {
	t.Setenv("TZ", "")
	if err := os.Unsetenv("TZ"); err != nil {
		t.Fatal(err)
	}
	if _, err := localZone(); err != nil {
		t.Error(err)
	}
}
