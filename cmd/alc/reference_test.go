package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/reference/cli.md anew")

const referenceFile = "../../docs/reference/cli.md"

// docs/reference/cli.md is made from the commands themselves.
func TestReference(t *testing.T) {
	got := reference(newRoot(newApp(os.Stdin, os.Stdout, os.Stderr)))
	if *update {
		if err := os.WriteFile(referenceFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is out of date, run: go test ./cmd/alc -run TestReference -update (-file +commands):\n%s", referenceFile, diff)
	}
}

func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# The command line\n\nMade from the commands' own help. Exit codes are in [exit-codes.md](exit-codes.md).\n")
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("run")
	describeCommand(&b, root)
	return b.String()
}

func describeCommand(b *strings.Builder, cmd *cobra.Command) {
	if cmd.Hidden {
		return
	}
	if topic := cmd.IsAdditionalHelpTopicCommand(); topic {
		fmt.Fprintf(b, "\n## alc help %s\n\n```text\n%s\n```\n", cmd.Name(), cmd.Long)
		return
	}
	cmd.InitDefaultHelpFlag()
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(b, "\n## %s\n\n    %s\n\n```text\n%s\n```\n", cmd.CommandPath(), cmd.UseLine(), strings.TrimSpace(text))
	if cmd.Example != "" {
		fmt.Fprintf(b, "\nExamples:\n\n```text\n%s\n```\n", cmd.Example)
	}
	flags := cmd.NonInheritedFlags()
	if flags.HasAvailableFlags() {
		b.WriteString("\n| flag | meaning |\n| --- | --- |\n")
		flags.VisitAll(func(f *pflag.Flag) {
			if name, usage := pflag.UnquoteUsage(f); !f.Hidden {
				fmt.Fprintf(b, "| %s | %s |\n", flagName(f, name), strings.ReplaceAll(usage, "|", "\\|"))
			}
		})
	}
	for _, sub := range cmd.Commands() {
		describeCommand(b, sub)
	}
}

// flagName writes a flag with its shorthand and the name of its value.
func flagName(f *pflag.Flag, value string) string {
	name := "`" + strings.TrimSpace("--"+f.Name+" "+value) + "`"
	if f.Shorthand != "" {
		name = "`-" + f.Shorthand + "`, " + name
	}
	return name
}
