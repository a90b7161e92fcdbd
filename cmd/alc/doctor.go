package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/internal/buildinfo"
	"github.com/algocline/algocline/internal/doctor"
)

func newDoctor(a *app) *cobra.Command {
	var verify int
	cmd := &cobra.Command{
		Use:     "doctor",
		GroupID: groupCare,
		Short:   "Check the home, the workers and the journal",
		Long: `Examines the home, the machine and the journal, and says what to do about what is
wrong. It changes nothing. The exit code is 1 when a check fails; warnings do not
count.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if verify < 1 {
				return &usageError{Err: fmt.Errorf("--verify %d is not a number of sessions of at least 1", verify), Cmd: cmd.CommandPath()}
			}
			set, bad := a.settings()
			if bad != nil && (set.Home == "" || isFlagError(bad)) {
				return bad
			}
			set.Durability = cmp.Or(set.Durability, durabilityFull)
			s, err := a.openWith(set)
			if err != nil {
				return err
			}
			checks := doctor.Examine(cmd.Context(), doctor.Config{
				Home: set.Home, Durability: set.Durability, Configuration: bad, Verify: verify, Service: s,
			})
			return errors.Join(a.showChecks(checks), s.Close())
		},
	}
	cmd.Flags().IntVar(&verify, "verify", 100, "verify the histories of the `N` sessions that changed last")
	return cmd
}

// isFlagError tells a setting of the command line from one of the environment or the file.
func isFlagError(err error) bool {
	var s *settingsError
	return errors.As(err, &s) && strings.HasPrefix(s.Where, "--")
}

func (a *app) showChecks(checks []doctor.Check) error {
	if err := a.printChecks(checks); err != nil {
		return err
	}
	if doctor.Worst(checks) == doctor.Fail {
		return exitStatus(exitError)
	}
	return nil
}

func (a *app) printChecks(checks []doctor.Check) error {
	if a.flags.json {
		doc, err := json.Marshal(struct {
			Version string         `json:"version"`
			Worst   doctor.Level   `json:"worst"`
			Checks  []doctor.Check `json:"checks"`
		}{buildinfo.Version(), doctor.Worst(checks), checks})
		if err != nil {
			return err
		}
		return a.voice.raw(doc)
	}
	p := a.voice.outPaint
	paint := map[doctor.Level]func(string) string{doctor.OK: p.good, doctor.Warn: p.warn, doctor.Fail: p.bad}
	if err := a.voice.print("alc %s\n", buildinfo.Version()); err != nil {
		return err
	}
	for _, c := range checks {
		pad := "    "[len(c.Level):]
		if err := a.voice.print("%s%s  %-12s %s\n", paint[c.Level](string(c.Level)), pad, c.Name, c.Message); err != nil {
			return err
		}
		if c.Advice != "" {
			if err := a.voice.print("      %-12s %s %s\n", "", p.faint("→"), c.Advice); err != nil {
				return err
			}
		}
	}
	return nil
}
