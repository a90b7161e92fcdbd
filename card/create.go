package card

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/algocline/algocline/internal/safefile"
	"github.com/algocline/algocline/journal"
)

// Maker is who writes a card, and when: what the store adds to a card, and what keeps ids of
// different makers apart.
type Maker struct {
	Now     time.Time
	Version string // of alc
	Unique  string // what no other write has
}

func (m Maker) stamp() string { return m.Now.UTC().Format("2006-01-02T15:04:05Z") }

// Prepare makes the directory that a card is about to be written to, so that a place that cannot
// be written to is known before anything is decided. It refuses what [Store.Create] will refuse
// for its names alone.
func (s *Store) Prepare(in map[string]any) error {
	pkg, _, err := names(in)
	if err != nil {
		return err
	}
	if err := safefile.MkdirAll(filepath.Join(s.root, pkg)); err != nil {
		return refuse("alc.card.create: cannot write below %s: %v", s.root, err)
	}
	return nil
}

// names returns the package of a card and the id that its maker gave it, "" for none.
func names(in map[string]any) (pkg, id string, err error) {
	pkg, ok := mustText(in, "pkg", "name")
	if !ok {
		return "", "", refuse("alc.card.create: pkg.name is required")
	}
	if err := checkName("pkg", pkg); err != nil {
		return "", "", err
	}
	if id = text(in, "card_id"); id != "" {
		err = checkName("card_id", id)
	}
	return pkg, id, err
}

func mustText(v any, path ...string) (string, bool) {
	x, _ := at(v, path...)
	s, ok := x.(string)
	return s, ok
}

// CheckRun refuses a section named run without a proper status.
func CheckRun(card map[string]any) error {
	run, ok := card["run"]
	if !ok || run == nil {
		return nil
	}
	return checkStatus("alc.card: invalid run field", run)
}

// CheckOutcome refuses what does not tell how a run ended.
func CheckOutcome(outcome any) error {
	const what = "alc.card.close: invalid outcome"
	if err := checkStatus(what, outcome); err != nil {
		return err
	}
	if e, ok := at(outcome, "error"); ok {
		if _, is := e.(string); !is {
			return refuse("%s: error must be a string, got %s", what, kind(e))
		}
	}
	return nil
}

var statuses = []string{"succeeded", "failed", "skipped"}

func checkStatus(what string, v any) error {
	const rule = "status must be one of: succeeded, failed, skipped"
	if _, ok := v.(map[string]any); !ok {
		return refuse("%s (%s): got %s", what, rule, kind(v))
	}
	status, ok := at(v, "status")
	if !ok {
		return refuse("%s (%s): status is missing", what, rule)
	}
	if s, is := status.(string); !is || !slices.Contains(statuses, s) {
		return refuse("%s (%s): got %s", what, rule, Encode(status))
	}
	return nil
}

// Create decides on a new card in a transaction and returns its id and where it will lie. What is
// missing of the standard keys is added. The id is made of the package, the model or flow, the
// time, and a hash of the content, unless the card names its own; a name that is taken is a
// [Refusal], one that was made is made again. The card is in the files after [Store.Settle].
func (s *Store) Create(tx journal.Tx, in map[string]any, m Maker) (id, path string, err error) {
	pkg, id, err := names(in)
	if err != nil {
		return "", "", err
	}
	_, changes, err := pending(tx)
	if err != nil {
		return "", "", err
	}
	card := complete(withoutNulls(in).(map[string]any), m)
	if id == "" {
		if id, err = s.freeID(changes, pkg, card, m); err != nil {
			return "", "", err
		}
	} else if taken, err := s.taken(changes, pkg, id); taken || err != nil {
		if err == nil {
			err = refuse("alc.card.create: card '%s' already exists (immutable)", id)
		}
		return "", "", err
	}
	card["card_id"] = id
	if _, err := encodeTOML(card); err != nil {
		return "", "", refuse("alc.card.create: %v", err)
	}
	return id, s.cardPath(pkg, id), post(tx, Change{Kind: created, Pkg: pkg, ID: id, Content: Encode(card)})
}

// complete returns a copy of a card with the standard keys.
func complete(in map[string]any, m Maker) map[string]any {
	card := maps.Clone(in)
	for key, v := range map[string]string{"schema_version": Schema, "created_at": m.stamp(), "created_by": "alc@" + m.Version} {
		if _, ok := card[key]; !ok {
			card[key] = v
		}
	}
	if params, ok := card["params"].(map[string]any); ok {
		card["param_fingerprint"] = hash(params)
	}
	return card
}

// freeID makes an id that no card has.
func (s *Store) freeID(changes []Change, pkg string, card map[string]any, m Maker) (string, error) {
	head := pkg + "_" + modelPart(card) + "_" + m.Now.UTC().Format("20060102T150405") + "_"
	h := hash(card)
	for n := 1; ; n++ {
		id := head + h[len(h)-6:]
		if err := checkName("card_id", id); err != nil {
			return "", err
		}
		if taken, err := s.taken(changes, pkg, id); !taken || err != nil {
			return id, err
		}
		h = hash(card, m.Unique, strconv.Itoa(n))
	}
}

// modelPart is what an id says of the model, or of the flow that ran.
func modelPart(card map[string]any) string {
	name := text(card, "run", "flow")
	if name == "" {
		name = text(card, "model", "id")
		for _, maker := range []string{"claude-", "gpt-"} {
			if rest, ok := strings.CutPrefix(name, maker); ok {
				name = rest
				break
			}
		}
	}
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, name)
	if name == "" {
		return "model"
	}
	return name
}

// taken tells whether a package has a card, or will when the outbox is settled.
func (s *Store) taken(changes []Change, pkg, id string) (bool, error) {
	for _, c := range changes {
		if c.Kind == created && c.Pkg == pkg && c.ID == id {
			return true, nil
		}
	}
	return exists(s.cardPath(pkg, id))
}
