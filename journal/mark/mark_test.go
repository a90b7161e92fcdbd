package mark_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/algocline/algocline/journal/mark"
	"github.com/google/go-cmp/cmp"
)

// childEnv makes the test binary write the mark it names and wait to be killed.
const childEnv = "ALC_TEST_MARK_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		f, err := mark.Create(path, [16]byte{7})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		f.SetHighWater(12, 10)
		f.EndStep(f.BeginStep("s-over", 1))
		f.BeginStep("s-under-way", 3)
		fmt.Println("written")
		select {}
	}
	os.Exit(m.Run())
}

func TestSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.mark")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed: that is its error
	if line != "written\n" {
		t.Fatalf("the child says %q (%v)", line, err)
	}
	got, err := mark.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := got.SameBoot(); err != nil || !same {
		t.Errorf("SameBoot: %v, %v", same, err)
	}
	want := mark.Mark{
		Path: path, Boot: got.Boot, Instance: [16]byte{7}, Committed: 12, Synced: 10,
		Steps: []mark.Step{{SID: "s-under-way", Seq: 3}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mark (-want +got):\n%s", diff)
	}
}

func create(t *testing.T) *mark.File {
	t.Helper()
	f, err := mark.Create(filepath.Join(t.TempDir(), "w.mark"), [16]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func read(t *testing.T, f *mark.File) mark.Mark {
	t.Helper()
	m, err := mark.Read(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestHighWaterNeverFalls(t *testing.T) {
	f := create(t)
	for _, n := range []int64{5, 3, 9, 8} {
		f.SetHighWater(n+1, n)
	}
	if m := read(t, f); m.Committed != 10 || m.Synced != 9 {
		t.Errorf("got %d and %d, want 10 and 9", m.Committed, m.Synced)
	}
}

func TestSteps(t *testing.T) {
	f := create(t)
	slots := map[int]bool{}
	for i := range mark.Slots {
		slots[f.BeginStep(fmt.Sprintf("s-%d", i), int64(i))] = true
	}
	if len(slots) != mark.Slots || slots[-1] {
		t.Fatalf("%d slots given out, want %d", len(slots), mark.Slots)
	}
	if got := f.BeginStep("one-too-many", 1); got != -1 {
		t.Errorf("a slot too many: %d", got)
	}
	f.EndStep(-1)
	if n := len(read(t, f).Steps); n != mark.Slots {
		t.Errorf("%d steps, want %d", n, mark.Slots)
	}
	for slot := range slots {
		f.EndStep(slot)
	}
	if steps := read(t, f).Steps; len(steps) != 0 {
		t.Errorf("steps that are over: %v", steps)
	}
	long := strings.Repeat("x", mark.MaxSID+9)
	f.BeginStep(long, 4)
	want := []mark.Step{{SID: long[:mark.MaxSID], Seq: 4}}
	if diff := cmp.Diff(want, read(t, f).Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestConcurrentSteps(t *testing.T) {
	f := create(t)
	var wg sync.WaitGroup
	for i := range 80 {
		wg.Go(func() {
			for j := range 200 {
				f.SetHighWater(int64(j), int64(j))
				f.EndStep(f.BeginStep(fmt.Sprintf("s-%d", i), int64(j)))
			}
		})
	}
	wg.Wait()
	if m := read(t, f); len(m.Steps) != 0 || m.Synced != 199 {
		t.Errorf("got %+v", m)
	}
}

func TestReadRefuses(t *testing.T) {
	f := create(t)
	whole, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	otherVersion := append([]byte{}, whole...)
	otherVersion[8] ^= 2
	cases := map[string][]byte{
		"empty":         nil,
		"short":         whole[:70],
		"long":          append(append([]byte{}, whole...), 0),
		"other file":    make([]byte, len(whole)),
		"other version": otherVersion,
	}
	for name, content := range cases {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := mark.Read(path); !errors.Is(err, mark.ErrNotMark) {
			t.Errorf("%s: got %v, want ErrNotMark", name, err)
		}
	}
	if _, err := mark.Read(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	m, err := mark.Create(filepath.Join(f.TempDir(), "w"), [16]byte{1})
	if err != nil {
		f.Fatal(err)
	}
	m.BeginStep("s-1", 2)
	whole, err := os.ReadFile(m.Path())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("ALCMARK1"))
	path := filepath.Join(f.TempDir(), "x")
	f.Fuzz(func(t *testing.T, p []byte) {
		if err := os.WriteFile(path, p, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := mark.Read(path)
		if err != nil && !errors.Is(err, mark.ErrNotMark) {
			t.Fatalf("unexpected error %v", err)
		}
		for _, s := range got.Steps {
			if len(s.SID) > mark.MaxSID {
				t.Fatalf("a sid of %d bytes", len(s.SID))
			}
		}
	})
}
