package syntax

// Walk visits every expression of a block, an outer one before those in it, in the order of the
// source. Visit is told the expression and the statement that it stands in; false leaves out what
// is inside.
func Walk(b *Block, visit func(e Expr, in *Stat) bool) {
	for i := range b.Stats {
		s := &b.Stats[i]
		for _, list := range [][]Expr{s.Targets, s.Values} {
			for _, e := range list {
				WalkExpr(e, s, visit)
			}
		}
		WalkExpr(s.Cond, s, visit)
		for _, inner := range s.Blocks {
			Walk(inner, visit)
		}
	}
}

// WalkExpr visits an expression and those in it.
func WalkExpr(e Expr, in *Stat, visit func(e Expr, in *Stat) bool) {
	if e == nil || !visit(e, in) {
		return
	}
	switch e := e.(type) {
	case *Index:
		WalkExpr(e.Table, in, visit)
		WalkExpr(e.Key, in, visit)
	case *Call:
		WalkExpr(e.Fn, in, visit)
		for _, a := range e.Args {
			WalkExpr(a, in, visit)
		}
	case *Func:
		Walk(e.Body, visit)
	case *Table:
		for _, item := range e.Items {
			WalkExpr(item.Key, in, visit)
			WalkExpr(item.Value, in, visit)
		}
	case *Binary:
		WalkExpr(e.L, in, visit)
		WalkExpr(e.R, in, visit)
	case *Unary:
		WalkExpr(e.X, in, visit)
	}
}
