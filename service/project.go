package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// project is what the files of a project say to a session that is started for it. The zero value
// is no project.
type project struct {
	root  string
	allow []string // of [env]: the only variables that alc.env may show; empty is all
	runs  *bool    // of [setting.card]: whether cards of runs are written; nil says nothing
}

// projectText is alc.toml or alc.local.toml, as far as sessions need it.
type projectText struct {
	Env struct {
		Allow []string `toml:"allow"`
	} `toml:"env"`
	Setting struct {
		Card struct {
			Run *bool `toml:"run"`
		} `toml:"card"`
	} `toml:"setting"`
}

// readProject reads the files of the project at root, "" for none. What alc.local.toml sets weighs
// more than alc.toml; the list of variables is that of alc.toml alone, which the project's people
// share. A file that cannot be read is an [*InputError]: a list that was meant to keep variables
// back must not be passed over.
func readProject(root string) (project, error) {
	if root == "" {
		return project{}, nil
	}
	shared, err := readProjectFile(filepath.Join(root, projectFile))
	if err != nil {
		return project{}, err
	}
	local, err := readProjectFile(filepath.Join(root, localFile))
	if err != nil {
		return project{}, err
	}
	p := project{root: root, allow: shared.Env.Allow, runs: shared.Setting.Card.Run}
	if local.Setting.Card.Run != nil {
		p.runs = local.Setting.Card.Run
	}
	return p, nil
}

func readProjectFile(path string) (projectText, error) {
	var p projectText
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = toml.Unmarshal(text, &p)
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, _ := bad.Position()
		path = fmt.Sprintf("%s:%d", path, row)
	}
	if err != nil {
		return p, &InputError{What: "the project file " + path, Why: "cannot be read: " + cause(err).Error()}
	}
	return p, nil
}

// visible leaves of env what the project allows.
func (p project) visible(env map[string]string) map[string]string {
	if env == nil || len(p.allow) == 0 {
		return env
	}
	left := map[string]string{}
	for _, name := range p.allow {
		if v, ok := env[name]; ok {
			left[name] = v
		}
	}
	if len(left) == 0 {
		return nil
	}
	return left
}

// runCardsEnv is the setting [setting.card].run as a variable; it weighs most.
const runCardsEnv = "ALC_SETTING_CARD_RUN"

// runCards tells whether a session writes cards of runs: the environment says so, else the
// project, else the home.
func (p project) runCards(home bool) (bool, error) {
	switch v := os.Getenv(runCardsEnv); {
	case strings.EqualFold(v, "true"):
		return true, nil
	case strings.EqualFold(v, "false"):
		return false, nil
	case v != "":
		return false, &InputError{What: runCardsEnv, Why: fmt.Sprintf(`is %q; take "true" or "false"`, v)}
	case p.runs != nil:
		return *p.runs, nil
	}
	return home, nil
}
