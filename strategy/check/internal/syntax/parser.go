package syntax

// maxDepth bounds nesting; Lua itself ends at 200.
const maxDepth = 1000

// Parse reads a source. Errors are *[Error].
func Parse(src string) (*File, error) {
	p := &parser{lex: newLexer(src)}
	p.advance()
	b := p.block(nil)
	if p.err == nil && p.tok.kind != eof {
		p.unexpected()
	}
	if p.err != nil {
		return nil, p.err
	}
	return &File{Block: b, Comments: p.lex.comments}, nil
}

// scope is the variables of a block.
type scope struct {
	names map[string]*Local
	up    *scope
}

// parser reads a source by recursive descent. After its first error it sees only the end of the
// source, so that everything under way comes to an end.
type parser struct {
	lex   *lexer
	tok   token
	scope *scope
	depth int
	err   error
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	tok, err := p.lex.next()
	if err != nil {
		p.fail(err)
		return
	}
	p.tok = tok
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.tok = token{Pos: p.tok.Pos, kind: eof}
}

func (p *parser) unexpected() {
	near := p.tok.text
	if p.tok.kind == eof {
		near = "the end"
	}
	p.fail(p.lex.fail(p.tok.Pos, "unexpected %s", near))
}

// is tells whether the token is a keyword or sign.
func (p *parser) is(text string) bool {
	return (p.tok.kind == keyword || p.tok.kind == sign) && p.tok.text == text
}

// take passes over a keyword or sign if it is there.
func (p *parser) take(text string) bool {
	if !p.is(text) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) want(text string) {
	if !p.take(text) {
		p.unexpected()
	}
}

func (p *parser) name() token {
	tok := p.tok
	if tok.kind != name {
		p.unexpected()
	}
	p.advance()
	return tok
}

// enter counts a level of nesting and tells whether there may be more.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxDepth {
		p.fail(p.lex.fail(p.tok.Pos, "nested too deeply"))
	}
	return p.err == nil
}

func (p *parser) leave() { p.depth-- }

// ---- variables

func (p *parser) declare(name string, value Expr) *Local {
	l := &Local{Name: name, Value: value}
	p.scope.names[name] = l
	return l
}

func (p *parser) resolve(tok token) *Name {
	for s := p.scope; s != nil; s = s.up {
		if l := s.names[tok.text]; l != nil {
			return &Name{tok.Pos, tok.text, l}
		}
	}
	return &Name{tok.Pos, tok.text, nil}
}

// block reads statements up to what ends them, with variables of their own; begin may declare some.
func (p *parser) block(begin func()) *Block {
	p.scope = &scope{names: map[string]*Local{}, up: p.scope}
	defer func() { p.scope = p.scope.up }()
	if begin != nil {
		begin()
	}
	b := &Block{}
	if p.enter() {
		p.statements(b)
	}
	p.leave()
	return b
}

func (p *parser) ended() bool {
	return p.tok.kind == eof || p.is("end") || p.is("else") || p.is("elseif") || p.is("until")
}

func (p *parser) statements(b *Block) {
	for !p.ended() {
		if p.is("return") {
			b.Stats = append(b.Stats, p.returned())
			return
		}
		if s, ok := p.statement(); ok {
			b.Stats = append(b.Stats, s...)
		}
	}
}

func (p *parser) returned() Stat {
	s := Stat{Pos: p.tok.Pos, Kind: Return}
	p.advance()
	if !p.ended() && !p.is(";") {
		s.Values = p.list()
	}
	p.take(";")
	return s
}

// ---- statements

// statement reads one; false when it leaves nothing in the tree.
func (p *parser) statement() ([]Stat, bool) {
	pos := p.tok.Pos
	if p.tok.kind == keyword {
		switch p.tok.text {
		case "if":
			return p.branches(), true
		case "while":
			p.advance()
			s := Stat{Pos: pos, Kind: While, Cond: p.expr(0)}
			p.want("do")
			s.Blocks = []*Block{p.block(nil)}
			p.want("end")
			return []Stat{s}, true
		case "repeat":
			return []Stat{p.repeated()}, true
		case "do":
			p.advance()
			s := Stat{Pos: pos, Kind: Do, Blocks: []*Block{p.block(nil)}}
			p.want("end")
			return []Stat{s}, true
		case "for":
			return []Stat{p.loop()}, true
		case "function":
			return []Stat{p.function()}, true
		case "local":
			return []Stat{p.local()}, true
		case "goto":
			p.advance()
			p.name()
			return nil, false
		case "break":
			p.advance()
			return nil, false
		}
	}
	if p.take(";") {
		return nil, false
	}
	if p.take("::") {
		p.name()
		p.want("::")
		return nil, false
	}
	return []Stat{p.assignment()}, true
}

func (p *parser) branches() []Stat {
	var list []Stat
	for p.is("if") || p.is("elseif") {
		s := Stat{Pos: p.tok.Pos, Kind: If}
		p.advance()
		s.Cond = p.expr(0)
		p.want("then")
		s.Blocks = []*Block{p.block(nil)}
		list = append(list, s)
	}
	if p.take("else") {
		list = append(list, Stat{Pos: p.tok.Pos, Kind: Do, Blocks: []*Block{p.block(nil)}})
	}
	p.want("end")
	return list
}

// repeated reads a loop whose condition sees the variables of its body.
func (p *parser) repeated() Stat {
	s := Stat{Pos: p.tok.Pos, Kind: While}
	p.advance()
	p.scope = &scope{names: map[string]*Local{}, up: p.scope}
	defer func() { p.scope = p.scope.up }()
	b := &Block{}
	if p.enter() {
		p.statements(b)
	}
	p.leave()
	p.want("until")
	s.Cond, s.Blocks = p.expr(0), []*Block{b}
	return s
}

func (p *parser) loop() Stat {
	s := Stat{Pos: p.tok.Pos, Kind: For}
	p.advance()
	names := []token{p.name()}
	if p.take("=") {
		s.Values = p.list()
	} else {
		for p.take(",") {
			names = append(names, p.name())
		}
		p.want("in")
		s.Values = p.list()
	}
	p.want("do")
	s.Blocks = []*Block{p.block(func() {
		for _, n := range names {
			p.declare(n.text, nil)
		}
	})}
	p.want("end")
	return s
}

// function reads a function statement, an assignment of a function.
func (p *parser) function() Stat {
	s := Stat{Pos: p.tok.Pos, Kind: Assign}
	p.advance()
	var target Expr = p.assigned(p.name())
	for p.is(".") {
		p.advance()
		target = member(target, p.name())
	}
	self := p.take(":")
	if self {
		target = member(target, p.name())
	}
	s.Targets, s.Values = []Expr{target}, []Expr{p.body(s.Pos, self)}
	return s
}

func member(t Expr, key token) Expr {
	return &Index{key.Pos, t, &Str{key.Pos, key.text}}
}

func (p *parser) local() Stat {
	s := Stat{Pos: p.tok.Pos, Kind: Declare}
	p.advance()
	if p.take("function") {
		n := p.name()
		l := p.declare(n.text, nil)
		f := p.body(s.Pos, false)
		l.Value = f
		s.Targets, s.Values = []Expr{&Name{n.Pos, n.text, l}}, []Expr{f}
		return s
	}
	var names []token
	for {
		names = append(names, p.name())
		if p.take("<") {
			p.name()
			p.want(">")
		}
		if !p.take(",") {
			break
		}
	}
	if p.take("=") {
		s.Values = p.list()
	}
	for i, n := range names {
		var value Expr
		if i < len(s.Values) {
			value = s.Values[i]
		}
		s.Targets = append(s.Targets, &Name{n.Pos, n.text, p.declare(n.text, value)})
	}
	return s
}

// assignment reads an assignment or a call.
func (p *parser) assignment() Stat {
	s := Stat{Pos: p.tok.Pos, Kind: Run}
	first := p.suffixed()
	if _, call := first.(*Call); call && !p.is("=") && !p.is(",") {
		s.Values = []Expr{first}
		return s
	}
	s.Kind, s.Targets = Assign, []Expr{first}
	for p.take(",") {
		s.Targets = append(s.Targets, p.suffixed())
	}
	p.want("=")
	s.Values = p.list()
	for _, t := range s.Targets {
		if n, ok := t.(*Name); ok && n.Local != nil {
			n.Local.Set = true
		}
	}
	return s
}

// assigned is the variable of a function statement.
func (p *parser) assigned(tok token) *Name {
	n := p.resolve(tok)
	if n.Local != nil && !p.is(".") && !p.is(":") {
		n.Local.Set = true
	}
	return n
}
