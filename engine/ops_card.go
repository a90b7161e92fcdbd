package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// Cards cross the VM's border as JSON texts: what a script hands over is its encoding, and what it
// gets back it decodes. Behaviour follows lua-api.md section 9.8 and eval-cards.md section 4.

var cardOps = map[string]op{
	"card.create":      {prepare: prepareCard, effect: createCard, settle: settleCards, stored: []int{0}},
	"card.append":      {effect: appendCard, settle: settleCards, stored: []int{0, 1}},
	"card.alias":       {effect: setAlias, settle: settleCards, stored: []int{0, 1, 2, 3}},
	"card.samples":     {effect: writeSamples, settle: settleCards, stored: []int{0, 1}},
	"card.lifecycle":   {read: cardLifecycle},
	"card.get":         {read: cardRead(getCard)},
	"card.find":        {read: cardRead(findCards)},
	"card.aliases":     {read: cardRead(listAliases)},
	"card.by_alias":    {read: cardRead(getByAlias)},
	"card.readsamples": {read: cardRead(readSamples)},
	"card.lineage":     {read: cardRead(cardLineage)},
	"card.past":        {read: cardRead(pastCards)},
	"card.backfill":    {read: cardRead(backfillSink)},
}

var errNoCards = raise("alc.card: this session has no home to keep cards in")

// refused turns what cards say no to into an error of the script.
func refused(err error) error {
	var r card.Refusal
	if errors.As(err, &r) {
		return raise(r)
	}
	return err
}

// settleCards writes what was committed to the files. On replay there is something to do only
// where the record ends: whatever was recorded later came after a settlement.
func settleCards(ctx context.Context, s *Session) error {
	cards := s.host.Cards()
	if cards == nil || len(s.replay) > 0 {
		return nil
	}
	last, err := cards.Settle(ctx, s.host.View)
	if last != "" {
		s.settled = last
	}
	return err
}

// object decodes an argument that the library has checked to be a JSON object.
func (a arguments) object(i int) (map[string]any, error) {
	v, err := card.Parse([]byte(a.text(i)))
	if err != nil {
		return nil, raise("alc.card: " + err.Error())
	}
	m, _ := v.(map[string]any)
	return m, nil
}

// runless tells whether a card is one of a run while those are not written.
func runless(s *Session, in map[string]any) bool {
	return in["run"] != nil && !s.start.RunCards
}

func prepareCard(_ context.Context, s *Session, a arguments) error {
	cards := s.host.Cards()
	if cards == nil {
		return errNoCards
	}
	in, err := a.object(0)
	if err != nil {
		return err
	}
	if err := card.CheckRun(in); err != nil || runless(s, in) {
		return refused(err)
	}
	return refused(cards.Prepare(in))
}

func createCard(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	in, err := a.object(0)
	if err != nil || runless(s, in) {
		return value.Of(nil), err
	}
	id, path, err := s.host.Cards().Create(tx, in, s.maker())
	return value.Of(id, path), refused(err)
}

// maker signs what this session writes.
func (s *Session) maker() card.Maker {
	return card.Maker{
		Now: s.host.Now(), Version: s.vms.release,
		Unique: fmt.Sprintf("%s/%d", s.start.SID, s.committed+int64(len(s.pending))),
	}
}

func appendCard(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	cards := s.host.Cards()
	if cards == nil {
		return nil, errNoCards
	}
	fields, err := a.object(1)
	if err == nil {
		err = refused(card.CheckRun(fields))
	}
	if err != nil || runless(s, fields) {
		return value.Of(nil), err
	}
	merged, err := cards.Append(tx, a.text(0), fields)
	if err != nil {
		return nil, refused(err)
	}
	return value.Of(card.Encode(merged)), nil
}

func setAlias(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	cards := s.host.Cards()
	if cards == nil {
		return nil, errNoCards
	}
	m := s.maker()
	alias := card.Alias{Name: a.text(0), CardID: a.text(1), Pkg: a.text(2), Note: a.text(3), SetAt: m.Stamp()}
	if err := cards.SetAlias(tx, alias); err != nil {
		return nil, refused(err)
	}
	return value.Of(card.Encode(alias.Value())), nil
}

func writeSamples(s *Session, tx journal.Tx, a arguments) (value.List, error) {
	cards := s.host.Cards()
	if cards == nil {
		return nil, errNoCards
	}
	v, err := card.Parse([]byte(a.text(1)))
	rows, ok := v.([]any)
	if err != nil || !ok {
		return nil, raise("alc.card.write_samples: samples must be an array")
	}
	path, err := cards.WriteSamples(tx, a.text(0), rows)
	return value.Of(path, int64(len(rows))), refused(err)
}

// cardLifecycle answers open and close, for which the store has no use: it tells whether cards of
// runs are written.
func cardLifecycle(_ context.Context, s *Session, a arguments) (value.List, error) {
	cards := s.host.Cards()
	if cards == nil {
		return nil, errNoCards
	}
	if a.text(0) == "close" {
		outcome, err := a.object(1)
		if err == nil {
			err = refused(card.CheckOutcome(outcome))
		}
		if err != nil {
			return nil, err
		}
	}
	if !s.start.RunCards {
		return nil, nil
	}
	return nil, raise("alc.card." + a.text(0) + ": cards in files cannot be open; write the finished one with alc.card.create")
}

// cardRead makes a read of cards: it settles what others left, and bounds what is recorded. A nil
// value is an answer of its own.
func cardRead(fn func(cards *card.Store, a arguments) (any, error)) func(context.Context, *Session, arguments) (value.List, error) {
	return func(ctx context.Context, s *Session, a arguments) (value.List, error) {
		cards := s.host.Cards()
		if cards == nil {
			return nil, errNoCards
		}
		if err := settleCards(ctx, s); err != nil {
			return nil, err
		}
		v, err := fn(cards, a)
		if err != nil {
			return nil, refused(err)
		}
		if v == nil {
			return value.Of(nil), nil
		}
		text := card.Encode(v)
		if max := s.start.Limits.ResultSize; int64(len(text)) > max {
			return nil, raise(fmt.Sprintf("alc.card: an answer of %d bytes is above the limit result_size (%d bytes); ask for less with where, offset and limit", len(text), max))
		}
		return value.Of(text), nil
	}
}

func getCard(cards *card.Store, a arguments) (any, error) {
	return orNil(cards.Get(a.text(0)))
}

func getByAlias(cards *card.Store, a arguments) (any, error) {
	return orNil(cards.GetByAlias(a.text(0)))
}

func orNil(c map[string]any, err error) (any, error) {
	if c == nil {
		return nil, err
	}
	return c, err
}

// optional returns an argument, and nil where the library passed none.
func (a arguments) optional(i int) (any, error) {
	text, ok := a.at(i).(string)
	if !ok {
		return nil, nil
	}
	v, err := card.Parse([]byte(text))
	if err != nil {
		return nil, raise("alc.card: " + err.Error())
	}
	return v, nil
}

func (a arguments) filter(i int) (card.Filter, error) {
	v, err := a.optional(i)
	if v == nil || err != nil {
		return card.Filter{}, err
	}
	return card.ParseFilter(v)
}

func (a arguments) limit(i int) *int {
	n, ok := a.at(i).(int64)
	if !ok {
		return nil
	}
	limit := int(n)
	return &limit
}

// findCards takes pkg, where, order_by, offset, limit; "" is no package of its own, nil is all.
func findCards(cards *card.Store, a arguments) (any, error) {
	q := card.Query{Pkg: a.text(0), Offset: int(a.int(3)), Limit: a.limit(4)}
	if name, given := a.at(0).(string); given && name == "" {
		return nil, card.Refusal("Invalid pkg name: ''")
	}
	var err error
	if q.Where, err = a.filter(1); err != nil {
		return nil, err
	}
	order, err := a.optional(2)
	if err != nil {
		return nil, err
	}
	if order != nil {
		if q.OrderBy, err = card.ParseOrder(order); err != nil {
			return nil, err
		}
	}
	found, err := cards.Find(q)
	list := make([]any, len(found))
	for i, f := range found {
		list[i] = f.Value()
	}
	return list, err
}

func listAliases(cards *card.Store, a arguments) (any, error) {
	aliases, err := cards.Aliases(a.text(0))
	list := make([]any, len(aliases))
	for i, x := range aliases {
		list[i] = x.Value()
	}
	return list, err
}

func readSamples(cards *card.Store, a arguments) (any, error) {
	where, err := a.filter(1)
	if err != nil {
		return nil, err
	}
	rows, err := cards.Samples(a.text(0), card.SampleQuery{Where: where, Offset: int(a.int(2)), Limit: a.limit(3)})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// cardLineage takes the id, direction, depth, whether stats are wanted, and the relations.
func cardLineage(cards *card.Store, a arguments) (any, error) {
	q := card.LineageQuery{CardID: a.text(0), Direction: a.text(1), Depth: int(a.int(2))}
	q.Stats, _ = a.at(3).(bool)
	if a.at(4) != nil {
		q.Relations = append([]string{}, a.list(4)...)
	}
	l, err := cards.Lineage(q)
	if l == nil || err != nil {
		return nil, err
	}
	return l.Value(), nil
}

// pastCards takes an id, or a package and how many. A context that cannot be had is none.
func pastCards(cards *card.Store, a arguments) (any, error) {
	block, err := cards.Past(a.text(0), a.text(1), int(a.int(2)))
	var r card.Refusal
	if block == "" || errors.As(err, &r) {
		return nil, nil
	}
	return block, err
}

// backfillSink copies to a mirror. That is no effect that could be committed; doing it again
// copies nothing twice.
func backfillSink(cards *card.Store, a arguments) (any, error) {
	dry, _ := a.at(1).(bool)
	done, err := cards.Backfill(a.text(0), dry)
	if err != nil {
		return nil, err
	}
	pushed, failed := []any{}, []any{}
	for _, id := range done.Pushed {
		pushed = append(pushed, id)
	}
	for _, f := range done.Failed {
		failed = append(failed, []any{f[0], f[1]})
	}
	return map[string]any{
		"sink": done.Sink, "pushed": pushed, "skipped": int64(done.Skipped), "failed": failed, "pushed_samples": int64(done.PushedSamples),
	}, nil
}
