// Package syntax reads Lua 5.4 source into a tree for the lint: names are resolved to their
// declarations, and everything knows where it stands.
//
// It is made for source that Lua itself has accepted. Source that it has not is read as far as
// possible or refused, never with a panic, but not every error is noticed.
package syntax

// Pos is a place in a source: line and column, in bytes, from 1.
type Pos struct{ Line, Col int }

// Local is a variable, declared by local, a parameter or a loop.
type Local struct {
	Name  string
	Value Expr // what it is declared with, nil when unknown
	Set   bool // it is assigned to later
}

// Expr is an expression: one of the types below.
type Expr interface{ At() Pos }

// The expressions.
type (
	// Name is a variable; Local is nil for a global one.
	Name struct {
		Pos
		Name  string
		Local *Local
	}
	// Literal is nil, true, false, ... or a number, by its text.
	Literal struct {
		Pos
		Text string
	}
	// Str is a string constant.
	Str struct {
		Pos
		Value string
	}
	// Index is t[k]; t.name has a Str as key.
	Index struct {
		Pos
		Table, Key Expr
	}
	// Call is a function or, with a name, a method call.
	Call struct {
		Pos
		Fn     Expr
		Method string
		Args   []Expr
	}
	// Func is a function.
	Func struct {
		Pos
		Body *Block
	}
	// Table is a constructor.
	Table struct {
		Pos
		Items []Item
	}
	// Binary is an operation on two operands; Unary on one.
	Binary struct {
		Pos
		Op   string
		L, R Expr
	}
	Unary struct {
		Pos
		Op string
		X  Expr
	}
)

// Item is an entry of a table constructor; Key is nil for one without.
type Item struct{ Key, Value Expr }

// At returns where the expression begins; for an index or a call, where its name or its
// parenthesis stands.
func (p Pos) At() Pos { return p }

// Block is a list of statements.
type Block struct{ Stats []Stat }

// Stat is a statement, reduced to what a lint looks at.
type Stat struct {
	Pos
	Kind    Kind
	Targets []Expr   // of an assignment; a function statement is one
	Values  []Expr   // assigned, returned, looped over, or called
	Cond    Expr     // of if, while and until
	Blocks  []*Block // bodies
}

// Kind is what a statement does.
type Kind uint8

// The kinds. Those that only steer (goto, break, labels) leave no statement.
const (
	Assign Kind = iota
	Declare
	Run    // a call that stands alone
	If     // one condition and its body; each elseif is a statement of its own
	While  // while and repeat
	For    // both kinds
	Do     // a bare block
	Return // of values
)

// File is a parsed source.
type File struct {
	Block    *Block
	Comments map[int]string // by line: the text of comments that begin there
}
