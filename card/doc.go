// Package card is the store of cards: records of runs whose keys, once written, never change.
//
// A card is a table of JSON values with a card_id and the package that it belongs to. Below the
// root of a [Store] lie PKG/CARD_ID.toml, the card; PKG/CARD_ID.samples.jsonl, the samples that
// belong to it, one JSON value a line; and _aliases.toml, names for cards.
//
// The files are what everybody reads. What is to be written is decided in a transaction of the
// journal, which keeps the [Store.Create] of two processes apart and joins it with the record of
// who asked for it: the transaction leaves a [Change] in an outbox, and [Store.Settle] carries the
// changes of the outbox to the files, in order, whoever made them. A process that dies between the
// two loses nothing: the next one that looks at cards settles what it left.
//
// What the world says no to (a name that cannot be, a card that exists) is a [Refusal]; other
// errors mean that files could not be read or written. A Store is safe for concurrent use by
// several processes. Behaviour follows the cards part of the evaluation specification of the
// original program.
package card

import "fmt"

// Refusal is an error of who asked: its text is for a script.
type Refusal string

func (r Refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return Refusal(fmt.Sprintf(format, args...)) }

// Schema is the schema_version that new cards get.
const Schema = "card/v0"
