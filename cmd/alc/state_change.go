package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/llm/terminal"
	"github.com/algocline/algocline/service"
)

func newStateSet(a *app) *cobra.Command {
	var ns string
	cmd := &cobra.Command{
		Use:   "set KEY JSON",
		Short: "Give a key a value",
		Example: `  alc state set counter 5
  alc state set flow:task-1 @value.json
  alc state set greeting '"hello"'`,
		Args: exactly("KEY", "JSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := textArgument(args[1], a.in)
			if err != nil {
				return fmt.Errorf("reading the value: %w", err)
			}
			if !json.Valid([]byte(text)) {
				return &usageError{Err: errors.New("the value is not JSON"), Cmd: cmd.CommandPath(), Hint: `a text is given with its quotes: '"hello"'; or @FILE`}
			}
			return a.withService(func(s *service.Service) error {
				if err := s.SetState(cmd.Context(), ns, args[0], json.RawMessage(text)); err != nil {
					return err
				}
				if a.flags.json {
					return a.showJSON(map[string]bool{"ok": true})
				}
				return nil
			})
		},
		ValidArgsFunction: a.completeKeys(),
	}
	addNamespaceFlag(cmd, &ns)
	return cmd
}

func newStateDelete(a *app) *cobra.Command {
	var ns string
	cmd := &cobra.Command{
		Use:   "delete KEY",
		Short: "Remove a key",
		Args:  exactly("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(func(s *service.Service) error {
				existed, err := s.DeleteState(cmd.Context(), ns, args[0])
				if err != nil {
					return err
				}
				if a.flags.json {
					return a.showJSON(map[string]bool{"ok": true, "existed": existed})
				}
				if !existed {
					a.voice.note("there was no state %q", terminal.Printable(args[0]))
				}
				return nil
			})
		},
		ValidArgsFunction: a.completeKeys(),
	}
	addNamespaceFlag(cmd, &ns)
	return cmd
}

func newStateReset(a *app) *cobra.Command {
	var steps, fields []string
	cmd := &cobra.Command{
		Use:   "reset PREFIX:ID",
		Short: "Take steps and fields out of a flow's state, so that it does them again",
		Long: `For entries in which a flow keeps how far it is: an object whose member data lists
its completed_steps. The steps given are taken out of that list, the fields out
of data. The former value is kept: an export has it as ID.json.bak.`,
		Example: `  alc state reset flow:task-1 --step draft --step review --field notes`,
		Args:    exactly("PREFIX:ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix, id, ok := strings.Cut(args[0], ":")
			if !ok {
				return &usageError{Err: fmt.Errorf("%q is not of the form PREFIX:ID", args[0]), Cmd: cmd.CommandPath()}
			}
			return a.withService(func(s *service.Service) error {
				r, err := s.ResetState(cmd.Context(), prefix, id, steps, fields)
				if err != nil {
					return err
				}
				if a.flags.json {
					return a.showJSON(r)
				}
				return a.voice.print("removed %s and %s\n", counted(r.StepsRemoved, "step"), counted(r.FieldsRemoved, "field"))
			})
		},
		ValidArgsFunction: a.completeState(func(e service.StateEntry) string {
			if e.Namespace != "" {
				return ""
			}
			return e.Key
		}),
	}
	cmd.Flags().StringArrayVar(&steps, "step", nil, "take the step `NAME` out of data.completed_steps")
	cmd.Flags().StringArrayVar(&fields, "field", nil, "take the field `NAME` out of data")
	return cmd
}

// completeKeys offers the keys of the state as the first argument.
func (a *app) completeKeys() cobra.CompletionFunc {
	return a.completeState(func(e service.StateEntry) string { return e.Key })
}

// completeState offers, each once, what word makes of the entries of the state. It starts no worker.
func (a *app) completeState(word func(service.StateEntry) string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var found []string
		seen := map[string]bool{"": true}
		err := a.withService(func(s *service.Service) error {
			list, err := s.State(cmd.Context())
			for _, e := range list {
				if w := word(e); !seen[w] {
					seen[w] = true
					found = append(found, w)
				}
			}
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}
