package query

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a query.
const (
	MaxSource   = 64 << 10 // bytes
	MaxTerms    = 5000     // words, phrases and conditions
	MaxNear     = 100      // n of NEAR/n and "…"~n
	maxDepth    = 100      // brackets inside brackets
	maxPatterns = 200      // terms with * or ?, and raw ones
	maxUnits    = 16       // words of "…"~n
)

// Parse reads a query. Its errors are of type *Error.
func Parse(source string) (*Query, error) {
	if len(source) > MaxSource {
		return nil, errorAt(source[:MaxSource], 0, fmt.Sprintf("a query of %d bytes is too long", len(source)),
			fmt.Sprintf("at most %d", MaxSource), "make several brands of it")
	}
	if at := invalidUTF8(source); at >= 0 {
		return nil, errorAt(source, at, "this is not valid UTF-8", "", "save the file as UTF-8")
	}
	p := &parser{lexer: lexer{source: source}, scan: newScanner()}
	if err := p.advance(); err != nil {
		return nil, err
	}
	root, err := p.anyOf(0)
	if err != nil {
		return nil, err
	}
	if p.look.kind == lexClose {
		return nil, p.errorHere("this bracket was never opened", "OR or the end of the query", "")
	}
	q := &Query{root: root, source: source, canonical: root.canonical()}
	q.warnings = append(p.warnings, check(root, source)...)
	return q, nil
}

// parser is a recursive descent with one lexeme of look-ahead.
type parser struct {
	lexer
	look     lexeme
	scan     *scanner
	field    string // whose bracket is open: title:(a OR b)
	terms    int
	patterns int
	warnings []Warning
}

func (p *parser) advance() (err error) {
	p.look, err = p.next()
	return err
}

func (p *parser) errorHere(problem, expected, mend string) *Error {
	return errorAt(p.source, p.look.at, problem, expected, mend)
}

// is reports whether an operator comes next.
func (p *parser) is(operator string) bool { return p.look.kind == lexWord && p.look.text == operator }

// operands reads: operand { operator operand }.
func (p *parser) operands(operator string, operand func() (*node, error)) ([]*node, error) {
	var out []*node
	for {
		n, err := operand()
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		if !p.is(operator) {
			return out, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// anyOf reads: allOf { OR allOf }, up to a closing bracket or the end.
func (p *parser) anyOf(depth int) (*node, error) {
	mixed := false
	parts, err := p.operands("OR", func() (*node, error) {
		n, err := p.allOf(depth)
		mixed = mixed || err == nil && !n.grouped && (n.op == opAnd || n.op == opNot)
		return n, err
	})
	if err != nil {
		return nil, err
	}
	if p.look.kind != lexEnd && p.look.kind != lexClose {
		return nil, p.missingOperator()
	}
	out := join(opOr, parts)
	if mixed && len(parts) > 1 {
		p.warnings = append(p.warnings, warningAt(p.source, parts[0].at, "mixed",
			"AND, NOT and OR are mixed without brackets; it is read as "+reading(parts, p.source)))
	}
	return out, nil
}

// reading shows how mixed operators bind.
func reading(parts []*node, source string) string {
	var out []string
	for _, n := range parts {
		text := strings.Join(strings.Fields(source[n.at:n.end]), " ")
		if !n.grouped && (n.op == opAnd || n.op == opNot) {
			text = "(" + text + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, " OR ")
}

// allOf reads: without { AND [NOT] without }.
func (p *parser) allOf(depth int) (*node, error) {
	begin := p.look.at
	var without []*node
	with, err := p.operands("AND", func() (*node, error) {
		for p.is("NOT") {
			if p.look.at == begin {
				return nil, p.errorHere("nothing stands before this NOT", expectTerm, "say what counts first: acme NOT fruit")
			}
			if err := p.advance(); err != nil {
				return nil, err
			}
			n, err := p.near(depth)
			if err != nil {
				return nil, err
			}
			without = append(without, n)
			if !p.is("AND") {
				return nil, nil
			}
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		return p.without(depth)
	})
	if err != nil {
		return nil, err
	}
	if with[len(with)-1] == nil {
		with = with[:len(with)-1]
		// NOT may follow NOT: a AND NOT b NOT c
		for p.is("NOT") {
			if err := p.advance(); err != nil {
				return nil, err
			}
			n, err := p.near(depth)
			if err != nil {
				return nil, err
			}
			without = append(without, n)
		}
		if p.is("AND") {
			return nil, p.errorHere("AND follows a NOT without brackets", "OR or the end", "put what is excluded last, or in brackets")
		}
	}
	return except(join(opAnd, with), without), nil
}

// without reads: near { NOT near }.
func (p *parser) without(depth int) (*node, error) {
	parts, err := p.operands("NOT", func() (*node, error) { return p.near(depth) })
	if err != nil {
		return nil, err
	}
	return except(parts[0], parts[1:]), nil
}

// except is n and none of the others.
func except(n *node, others []*node) *node {
	if len(others) == 0 {
		return n
	}
	out := &node{op: opNot, kids: []*node{n}, at: n.at, end: others[len(others)-1].end}
	if n.op == opNot {
		out.kids = append([]*node{}, n.kids...)
	}
	out.kids = append(out.kids, others...)
	return out
}

var nearOperator = regexp.MustCompile(`^NEAR/([0-9]{1,9})([fF]?)$`)

// near reads: part { NEAR/n part }.
func (p *parser) near(depth int) (*node, error) {
	left, err := p.part(depth)
	for err == nil && p.look.kind == lexWord && strings.HasPrefix(p.look.text, "NEAR") {
		found := nearOperator.FindStringSubmatch(plain(p.look.text))
		if found == nil {
			return nil, p.errorHere(fmt.Sprintf("%q is not a distance", p.look.text), "NEAR/n or NEAR/nf, n words", "write NEAR/5")
		}
		n, _ := strconv.Atoi(found[1])
		if n < 1 || n > MaxNear {
			return nil, p.errorHere(fmt.Sprintf("a distance of %s words", found[1]), fmt.Sprintf("1 to %d", MaxNear), "")
		}
		out := &node{op: opNear, n: n, ordered: found[2] != ""}
		if err := p.side(left); err != nil {
			return nil, err
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := p.part(depth)
		if err != nil {
			return nil, err
		}
		if err := p.side(right); err != nil {
			return nil, err
		}
		out.kids, out.at, out.end = []*node{left, right}, left.at, right.end
		left = out
	}
	return left, err
}

// side checks what may stand beside NEAR: words that have a place.
func (p *parser) side(n *node) error {
	bad := ""
	n.walk(func(k *node) {
		switch k.op {
		case opAnd, opNot:
			bad = "AND and NOT say nothing about places"
		case opField:
			bad = "a field has no place among the words"
		case opRaw:
			bad = "exact characters have no place among the words"
		case opWindow:
			bad = `"…"~n is a NEAR already`
		}
	})
	if bad == "" && n.op != opTerm && nearDepth(n) > 1 {
		bad = "NEAR stands in NEAR in NEAR"
	}
	if bad != "" {
		return errorAt(p.source, n.at, bad+", so it cannot stand beside NEAR",
			"words, phrases, one more NEAR, and groups of them joined by OR", "use AND around the NEAR instead")
	}
	return nil
}

func nearDepth(n *node) int {
	deepest := 0
	for _, kid := range n.kids {
		deepest = max(deepest, nearDepth(kid))
	}
	if n.op == opNear {
		deepest++
	}
	return deepest
}

const expectTerm = `a word, a "phrase", an @handle, a #hashtag or a bracket`

// part reads a term, a field or a bracket.
func (p *parser) part(depth int) (*node, error) {
	switch p.look.kind {
	case lexOpen:
		return p.brackets(depth)
	case lexField:
		return p.fieldPart(depth)
	case lexWord, lexPhrase, lexExact:
		n, err := p.term()
		if err != nil {
			return nil, err
		}
		return n, p.advance()
	case lexClose:
		return nil, p.errorHere("nothing stands before this bracket", expectTerm, "")
	default:
		return nil, p.errorHere("the query ends where a term should stand", expectTerm, "")
	}
}

func (p *parser) brackets(depth int) (*node, error) {
	open := p.look
	if depth == maxDepth {
		return nil, p.errorHere(fmt.Sprintf("brackets are nested more than %d deep", maxDepth), "", "")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.anyOf(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.look.kind != lexClose {
		return nil, errorAt(p.source, open.at, "this bracket is never closed", "a closing )", "")
	}
	grouped := *n
	grouped.at, grouped.end, grouped.grouped = open.at, p.look.end, true
	return &grouped, p.advance()
}

// fieldPart reads: name:value | name:(value OR value).
func (p *parser) fieldPart(depth int) (*node, error) {
	name := p.look
	if p.field != "" {
		return nil, p.errorHere(fmt.Sprintf("%q stands inside %q", name.text+":", p.field+":"), "a value", "")
	}
	if err := p.knownField(name); err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.look.kind == lexEnd || p.look.kind == lexClose {
		return nil, p.errorHere(fmt.Sprintf("nothing follows %s:", name.text), "a value right behind the colon", "")
	}
	p.field = name.text
	defer func() { p.field = "" }()
	n, err := p.part(depth)
	if err != nil {
		return nil, err
	}
	n.at = name.at
	return n, nil
}

// missingOperator tells what is wrong where an operator should stand.
func (p *parser) missingOperator() error {
	if p.look.kind == lexWord {
		upper := strings.ToUpper(p.look.text)
		switch {
		case p.look.text != upper && (upper == "OR" || upper == "AND" || upper == "NOT" || strings.HasPrefix(upper, "NEAR/")):
			return p.errorHere(fmt.Sprintf("%q between terms is not an operator", p.look.text), upper,
				fmt.Sprintf("operators are upper case: write %s; or quote the words if they are a phrase", upper))
		case upper == "|" || upper == "||" || upper == ",":
			return p.errorHere(fmt.Sprintf("%q is not an operator", p.look.text), "OR", "write OR")
		case upper == "&&" || upper == "&" || upper == "+":
			return p.errorHere(fmt.Sprintf("%q is not an operator", p.look.text), "AND", "write AND")
		case strings.HasPrefix(upper, "-") || upper == "!":
			return p.errorHere(fmt.Sprintf("%q is not an operator", upper[:1]), "NOT", "write NOT before what is excluded")
		}
	}
	return p.errorHere("two terms stand side by side", "AND, OR, NOT or NEAR/n",
		`write OR between them, or put quotes around words that belong together ("play station")`)
}

// checkSigil refuses a hashtag that goes on after a mark that no hashtag can hold.
func (p *parser) checkSigil(t term, sign byte) error {
	if t[0].key[0] != sign || len(t[0].key) < 2 {
		return p.errorHere(fmt.Sprintf("no name follows %q", sign), "letters, digits or _ right behind it", "")
	}
	if sign == '#' && len(t) > 1 {
		return p.errorHere("a hashtag ends at the first mark other than _", "letters, digits and _ alone",
			"write "+t[0].key+", or quote the words")
	}
	return nil
}

func invalidUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}
