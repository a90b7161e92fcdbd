package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// grantFlags are what a session may do beyond computing and asking.
type grantFlags struct {
	read, write, env []string
}

func addGrantFlags(cmd *cobra.Command, f *grantFlags) {
	fl := cmd.Flags()
	fl.StringArrayVar(&f.read, "allow-read", nil, "let the session read files below the directory `DIR`")
	fl.StringArrayVar(&f.write, "allow-write", nil, "let the session write, remove and rename files below the directory `DIR`")
	fl.StringArrayVar(&f.env, "allow-env", nil, "let the session see the variable `NAME` of its worker's environment")
}

// grants puts the flags into the words of the pool; nil when nothing is granted.
func (f grantFlags) grants() (map[string]any, error) {
	m := map[string]any{}
	for name, dirs := range map[string][]string{"read": f.read, "write": f.write} {
		for _, dir := range dirs {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return nil, fmt.Errorf("--allow-%s: %w", name, err)
			}
			if st, err := os.Stat(abs); err != nil {
				return nil, fmt.Errorf("--allow-%s: %w", name, err)
			} else if !st.IsDir() {
				return nil, fmt.Errorf("--allow-%s: %s is not a directory", name, dir)
			}
			list, _ := m[name].([]any)
			m[name] = append(list, abs)
		}
	}
	for _, v := range f.env {
		if v == "" || strings.Contains(v, "=") {
			return nil, fmt.Errorf("--allow-env: %q is not the name of a variable", v)
		}
		list, _ := m["env"].([]any)
		m["env"] = append(list, v)
	}
	if len(m) == 0 {
		return nil, nil
	}
	return m, nil
}
