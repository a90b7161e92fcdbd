package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/llm/terminal"
	"github.com/algocline/algocline/service"
)

func newState(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "state",
		GroupID: groupCare,
		Short:   "Look at what strategies keep with alc.state, and change it",
		Long: `What strategies keep between sessions with alc.state lies in the journal. A KEY is
what a script gives to alc.state.get. One of the form prefix:id is an entry that
all scripts see; any other belongs to a namespace, which a script takes from
ctx._ns: "default" unless --namespace says otherwise.

list, show and export only read. The others start a short session that makes the
change, so that it happens once and the journal tells of it.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStateList(a), newStateShow(a), newStateSet(a), newStateDelete(a), newStateReset(a), newStateExport(a), newStateImport(a))
	return cmd
}

func addNamespaceFlag(cmd *cobra.Command, ns *string) {
	cmd.Flags().StringVar(ns, "namespace", service.DefaultNamespace, "the namespace `NAME` of keys that are not shared")
}

func newStateList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list [PREFIX]",
		Short: "List the keys, or those of the form PREFIX:id",
		Args:  atMost("PREFIX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(func(s *service.Service) error {
				if len(args) == 1 {
					return a.listShared(cmd.Context(), s, args[0])
				}
				return a.listState(cmd.Context(), s)
			})
		},
		ValidArgsFunction: a.completeState(func(e service.StateEntry) string {
			prefix, _, _ := strings.Cut(e.Key, ":")
			if e.Namespace != "" {
				return ""
			}
			return prefix
		}),
	}
}

func (a *app) listState(ctx context.Context, s *service.Service) error {
	list, err := s.State(ctx)
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.showJSON(struct {
			Entries []service.StateEntry `json:"entries"`
		}{list})
	}
	if len(list) == 0 {
		a.voice.note("no strategy keeps anything")
		return nil
	}
	rows := make([][]string, len(list))
	for i, e := range list {
		rows[i] = []string{terminal.Printable(e.Key), orDash(terminal.Printable(e.Namespace)), strconv.Itoa(e.Bytes)}
	}
	return a.voice.print("%s", a.voice.table([]string{"KEY", "NAMESPACE", "BYTES"}, rows))
}

func (a *app) listShared(ctx context.Context, s *service.Service, prefix string) error {
	keys, err := s.SharedKeys(ctx, prefix)
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.showJSON(struct {
			Keys []string `json:"keys"`
		}{keys})
	}
	for _, k := range keys {
		if err := a.voice.print("%s\n", terminal.Printable(prefix+":"+k)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) showJSON(v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return a.voice.raw(doc)
}

func newStateShow(a *app) *cobra.Command {
	var ns string
	cmd := &cobra.Command{
		Use:   "show KEY",
		Short: "Show a value",
		Example: `  alc state show flow:task-1
  alc state show counter --namespace mine`,
		Args: exactly("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(func(s *service.Service) error {
				v, err := s.StateValue(cmd.Context(), ns, args[0])
				if err != nil {
					return err
				}
				if a.flags.json {
					return a.voice.raw(v)
				}
				var b bytes.Buffer
				if err := json.Indent(&b, v, "", "  "); err != nil {
					return fmt.Errorf("showing the value: %w", err)
				}
				return a.voice.print("%s\n", b.Bytes())
			})
		},
		ValidArgsFunction: a.completeKeys(),
	}
	addNamespaceFlag(cmd, &ns)
	return cmd
}

func newStateExport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR",
		Short: "Write all values to files below a directory",
		Long: `Writes NAMESPACE.json for each namespace and PREFIX/ID.json for each key PREFIX:ID,
with PREFIX/ID.json.bak for its former value: the files that alc state import and
the original read. Other files that are there stay.`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(func(s *service.Service) error {
				files, err := s.ExportState(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.flags.json {
					return a.showJSON(struct {
						Files []string `json:"files"`
					}{append([]string{}, files...)})
				}
				for _, f := range files {
					if err := a.voice.print("%s\n", f); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func newStateImport(a *app) *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Take over values from files below a directory",
		Long: `Reads the files that alc state export writes, or the directory state of the
original, and sets each key. What the original left in the home itself needs no
import: it is taken over when a strategy first looks at it.`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return &usageError{Err: fmt.Errorf("%s is not a directory", args[0]), Cmd: cmd.CommandPath()}
			}
			return a.withService(func(s *service.Service) error {
				n, err := s.ImportState(cmd.Context(), args[0], keep)
				if err != nil {
					return err
				}
				if a.flags.json {
					return a.showJSON(map[string]int{"imported": n})
				}
				return a.voice.print("imported %s\n", counted(n, "key"))
			})
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave keys alone that have a value")
	return cmd
}
