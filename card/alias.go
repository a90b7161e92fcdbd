package card

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/algocline/algocline/internal/safefile"
)

// Alias is a name for a card. A name has one card; binding it again moves it to the end.
type Alias struct {
	Name   string `json:"name"`
	CardID string `json:"card_id"`
	Pkg    string `json:"pkg,omitempty"`
	SetAt  string `json:"set_at"`
	Note   string `json:"note,omitempty"`
}

// Value is the alias as a JSON value.
func (a Alias) Value() map[string]any {
	v := map[string]any{"name": a.Name, "card_id": a.CardID, "set_at": a.SetAt}
	if a.Pkg != "" {
		v["pkg"] = a.Pkg
	}
	if a.Note != "" {
		v["note"] = a.Note
	}
	return v
}

// Aliases returns the aliases in the order in which they were set, those whose own pkg is pkg
// unless that is "".
func (s *Store) Aliases(pkg string) ([]Alias, error) {
	tables, err := readAliases(s.root)
	if err != nil {
		return nil, err
	}
	aliases := []Alias{}
	for _, t := range tables {
		a := Alias{text(t, "name"), text(t, "card_id"), text(t, "pkg"), text(t, "set_at"), text(t, "note")}
		if a.Name != "" && (pkg == "" || a.Pkg == pkg) {
			aliases = append(aliases, a)
		}
	}
	return aliases, nil
}

// GetByAlias returns the card that a name stands for, nil when there is no such name. A name whose
// card is gone is a [Refusal].
func (s *Store) GetByAlias(name string) (map[string]any, error) {
	if err := checkName("alias", name); err != nil {
		return nil, err
	}
	aliases, err := s.Aliases("")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(aliases, func(a Alias) bool { return a.Name == name })
	if i < 0 {
		return nil, nil
	}
	c, err := s.Get(aliases[i].CardID)
	if err == nil && c == nil {
		err = refuse("alc.card.get_by_alias: alias '%s' points at missing card '%s'", name, aliases[i].CardID)
	}
	return c, err
}

// readAliases returns the tables of the alias file below root. Members that this version does not
// know are kept.
func readAliases(root string) ([]map[string]any, error) {
	file := filepath.Join(root, aliasFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading aliases: %w", err)
	}
	all, err := decodeTOML(data)
	if err != nil {
		return nil, refuse("Failed to parse aliases: %s: %v; mend the file or move it away", file, err)
	}
	list, _ := all["alias"].([]any)
	var tables []map[string]any
	for _, e := range list {
		if t, ok := e.(map[string]any); ok {
			tables = append(tables, t)
		}
	}
	return tables, nil
}

// bind puts an alias at the end of the file, and takes out what its name stood for before.
func (s *Store) bind(a Alias) error {
	tables, err := readAliases(s.root)
	if err != nil {
		return err
	}
	var list []any
	for _, t := range tables {
		if text(t, "name") != a.Name {
			list = append(list, t)
		}
	}
	data, err := encodeTOML(map[string]any{"alias": append(list, a.Value())})
	if err != nil {
		return err
	}
	return safefile.WriteAlone(filepath.Join(s.root, aliasFile), data)
}
