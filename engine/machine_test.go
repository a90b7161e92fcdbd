package engine

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
)

const machineEnv = "ENGINE_TEST_MACHINE"

// The class of a machine is stable, and tells processors with and without fused multiply-add apart.
func TestMachine(t *testing.T) {
	if os.Getenv(machineEnv) != "" {
		os.Stdout.WriteString("<" + machine() + ">")
		return
	}
	want := regexp.MustCompile(`^` + runtime.GOOS + `/` + runtime.GOARCH + `/[0-9a-f]{8}$`)
	if got := machine(); !want.MatchString(got) {
		t.Errorf("got %q", got)
	}
	as := func(env ...string) string {
		cmd := exec.Command(os.Args[0], "-test.run=^TestMachine$")
		cmd.Env = append(append(os.Environ(), machineEnv+"=1"), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		_, rest, _ := strings.Cut(string(out), "<")
		class, _, _ := strings.Cut(rest, ">")
		return class
	}
	if got := as(); got != machine() {
		t.Errorf("another process says %q, this one %q", got, machine())
	}
	if runtime.GOARCH == "amd64" && cpu.X86.HasFMA && as("GODEBUG=cpu.fma=off") == machine() {
		t.Error("Go's functions without FMA are not told apart")
	}
	t.Logf("with the C library's functions without FMA: %s", as("GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA"))
}

// A divergence names both classes; a record without a fingerprint is followed like any other.
func TestMachineOfARecord(t *testing.T) {
	h := newMemHost()
	begin(t, h, start(`alc.llm("p")`))
	s := restore(t, h)
	if s.start.Machine != machine() {
		t.Errorf("recorded as %q", s.start.Machine)
	}
	s.start.Machine = runtime.GOOS + "/" + runtime.GOARCH
	h.events[0].Body = s.start.encode()
	if old := restore(t, h); old.start.Machine != s.start.Machine || old.Outcome().Kind != OutcomePaused {
		t.Errorf("an old record is of %q and %s", old.start.Machine, old.Outcome().Kind)
	}
	err := s.diverged(2, "a", "b").Error()
	if !strings.Contains(err, s.start.Machine+",") || !strings.Contains(err, machine()+":") {
		t.Errorf("got %s", err)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	for b.Loop() {
		if _, err := fingerprint(); err != nil {
			b.Fatal(err)
		}
	}
}
