package syntax

// priority of binary operators, left and right.
var priority = map[string][2]int{
	"or": {1, 1}, "and": {2, 2},
	"<": {3, 3}, ">": {3, 3}, "<=": {3, 3}, ">=": {3, 3}, "~=": {3, 3}, "==": {3, 3},
	"|": {4, 4}, "~": {5, 5}, "&": {6, 6}, "<<": {7, 7}, ">>": {7, 7},
	"..": {9, 8}, "+": {10, 10}, "-": {10, 10},
	"*": {11, 11}, "/": {11, 11}, "//": {11, 11}, "%": {11, 11},
	"^": {14, 13},
}

const unaryPriority = 12

func (p *parser) list() []Expr {
	list := []Expr{p.expr(0)}
	for p.take(",") {
		list = append(list, p.expr(0))
	}
	return list
}

// expr reads an expression whose operators bind tighter than a limit.
func (p *parser) expr(limit int) Expr {
	defer p.leave()
	if !p.enter() {
		return &Literal{p.tok.Pos, "nil"}
	}
	left := p.operand()
	for p.tok.kind == sign || p.tok.kind == keyword {
		prio, ok := priority[p.tok.text]
		if !ok || prio[0] <= limit {
			break
		}
		op := p.tok
		p.advance()
		left = &Binary{op.Pos, op.text, left, p.expr(prio[1])}
	}
	return left
}

func (p *parser) operand() Expr {
	tok := p.tok
	switch {
	case p.is("not"), p.is("-"), p.is("#"), p.is("~"):
		p.advance()
		return &Unary{tok.Pos, tok.text, p.expr(unaryPriority)}
	case tok.kind == number, p.is("nil"), p.is("true"), p.is("false"), p.is("..."):
		p.advance()
		return &Literal{tok.Pos, tok.text}
	case tok.kind == str:
		p.advance()
		return &Str{tok.Pos, tok.text}
	case p.is("{"):
		return p.table()
	case p.take("function"):
		return p.body(tok.Pos, false)
	}
	return p.suffixed()
}

// suffixed reads a variable or a parenthesis and what is called or indexed on it.
func (p *parser) suffixed() Expr {
	var e Expr
	if p.take("(") {
		e = p.expr(0)
		p.want(")")
	} else {
		e = p.resolve(p.name())
	}
	for {
		tok := p.tok
		switch {
		case p.take("."):
			e = member(e, p.name())
		case p.take("["):
			e = &Index{tok.Pos, e, p.expr(0)}
			p.want("]")
		case p.take(":"):
			method := p.name()
			e = &Call{method.Pos, e, method.text, p.args()}
		case p.is("("), p.is("{"), tok.kind == str:
			e = &Call{e.At(), e, "", p.args()}
		default:
			return e
		}
	}
}

func (p *parser) args() []Expr {
	tok := p.tok
	switch {
	case tok.kind == str:
		p.advance()
		return []Expr{&Str{tok.Pos, tok.text}}
	case p.is("{"):
		return []Expr{p.table()}
	}
	p.want("(")
	if p.take(")") {
		return nil
	}
	list := p.list()
	p.want(")")
	return list
}

func (p *parser) table() Expr {
	t := &Table{Pos: p.tok.Pos}
	p.want("{")
	for p.err == nil && !p.is("}") {
		t.Items = append(t.Items, p.item())
		if !p.take(",") && !p.take(";") {
			break
		}
	}
	p.want("}")
	return t
}

func (p *parser) item() Item {
	if p.take("[") {
		key := p.expr(0)
		p.want("]")
		p.want("=")
		return Item{key, p.expr(0)}
	}
	value := p.expr(0)
	// A name before = is a key; it was read as a variable, which it is not.
	if n, ok := value.(*Name); ok && p.take("=") {
		return Item{&Str{n.Pos, n.Name}, p.expr(0)}
	}
	return Item{nil, value}
}

// body reads parameters and statements of a function.
func (p *parser) body(at Pos, self bool) *Func {
	f := &Func{Pos: at}
	f.Body = p.block(func() {
		if self {
			p.declare("self", nil)
		}
		p.want("(")
		for p.err == nil && !p.is(")") {
			if !p.take("...") {
				p.declare(p.name().text, nil)
			}
			if !p.take(",") {
				break
			}
		}
		p.want(")")
	})
	p.want("end")
	return f
}
