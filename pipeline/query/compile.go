package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"earshot/pipeline"
)

// Brand is a name and what counts as a mention of it. Only Name and Query (or Channels)
// are necessary.
type Brand struct {
	Name       string
	Query      *Query
	Exclusions []*Query   // none of them may match
	Channels   []string   // owned handles and pages; a post there counts without words; platform/name or name
	Categories []Category // what a mention is told to be about too
	Languages  []string   // in which a mention counts, with what cannot be determined; empty: all

	// Context says how sure the words around speak of the brand, 0 to 1, for context:>n.
	// It is pure, safe for concurrent use and asked last.
	Context func(*pipeline.Record) float64
	// ContextVersion changes with the results of Context.
	ContextVersion string
}

// Category is a named sub-query.
type Category struct {
	Name  string
	Query *Query
}

// Version identifies what counts as a mention of the brand: of a query alone its own
// version, else a hash over all that matters.
func (b *Brand) Version() string {
	if len(b.Exclusions)+len(b.Channels)+len(b.Categories)+len(b.Languages) == 0 && b.ContextVersion == "" && b.Query != nil {
		return b.Query.Version()
	}
	var s strings.Builder
	if b.Query != nil {
		s.WriteString(b.Query.String())
	}
	for _, q := range b.Exclusions {
		fmt.Fprintf(&s, "\nexclude %s", q)
	}
	for _, c := range b.Categories {
		fmt.Fprintf(&s, "\ncategory %q %s", c.Name, c.Query)
	}
	fmt.Fprintf(&s, "\nchannels %q\nlanguages %q\ncontext %q", b.Channels, b.Languages, b.ContextVersion)
	return digest(s.String())
}

// Engine finds the mentions of all its brands; immutable and safe for concurrent use.
// Each goroutine matches through a Matcher of its own.
type Engine struct {
	brands   []Brand
	versions []string
	programs []program

	index    index
	terms    []sequence
	triggers [][]int32          // atom to the terms that make brands candidates
	always   []int32            // brands that no word is necessary for
	channels map[string][]int32 // folded channel to its brands
}

// program is a compiled brand.
type program struct {
	root       instruction
	categories []instruction
	languages  []string
}

// instruction is a compiled node.
type instruction struct {
	op      op
	negated bool // of a kid of opAnd
	term    int32
	kids    []instruction
	node    *node
	context func(*pipeline.Record) float64
}

// sequence is a term of one or more brands.
type sequence struct {
	steps  []hop
	anchor int   // the step that is looked up
	atom   int32 // of that step
	simple bool  // one step that needs no look at the token
	mask   mask
	brands []int32 // that become candidates with it
}

// hop is a token of a sequence.
type hop struct {
	atom int32 // or none for what is compared
	gap  gap
	sign bool
	step *step // for pattern and exact
}

// Compile joins the queries of all brands. Names must be set and differ.
func Compile(brands []Brand) (*Engine, error) {
	e := &Engine{brands: slices.Clone(brands), index: newIndex(), channels: map[string][]int32{}}
	c := &compiler{Engine: e, terms: map[string]int32{}}
	names := map[string]bool{}
	for i := range e.brands {
		b := &e.brands[i]
		switch {
		case b.Name == "":
			return nil, fmt.Errorf("query: brand %d has no name", i+1)
		case names[b.Name]:
			return nil, fmt.Errorf("query: two brands are named %q", b.Name)
		case (b.Query == nil || b.Query.root == nil) && len(b.Channels) == 0:
			return nil, fmt.Errorf("query: brand %q: %w", b.Name, errNoQuery)
		}
		names[b.Name] = true
		e.versions = append(e.versions, b.Version())
		if err := c.brand(int32(i), b); err != nil {
			return nil, fmt.Errorf("query: brand %q: %w", b.Name, err)
		}
	}
	e.index.close()
	for len(e.triggers) < e.index.size {
		e.triggers = append(e.triggers, nil)
	}
	return e, nil
}

var (
	errNoQuery   = errors.New("it has no query")
	errNoContext = errors.New("the query asks for context:, but the brand has no context model (beside query:, context: names its file)")
)

type compiler struct {
	*Engine
	terms map[string]int32 // canonical form to index
}

func (c *compiler) brand(i int32, b *Brand) error {
	var p program
	p.root.op = opOr // of nothing: never
	if b.Query != nil && b.Query.root != nil {
		root := b.whole()
		if b.Context == nil && root.asksContext() {
			return errNoContext
		}
		p.root = c.compile(root, b)
		c.trigger(i, triggers(root))
	}
	for _, category := range b.Categories {
		if b.Context == nil && category.Query.root.asksContext() {
			return fmt.Errorf("category %q: %w", category.Name, errNoContext)
		}
		p.categories = append(p.categories, c.compile(category.Query.root, b))
	}
	fold := newFolder()
	for _, l := range b.Languages {
		p.languages = append(p.languages, strings.ToLower(l))
	}
	for _, name := range b.Channels {
		platform, handle, ok := strings.Cut(name, "/")
		if !ok {
			platform, handle = "", name
		}
		key := string(fold.append(nil, platform+"/"+strings.TrimPrefix(handle, "@")))
		if !slices.Contains(c.channels[key], i) {
			c.channels[key] = append(c.channels[key], i)
		}
	}
	c.programs = append(c.programs, p)
	return nil
}

// whole is the query without what the exclusions match.
func (b *Brand) whole() *node {
	root := b.Query.root
	for _, q := range b.Exclusions {
		root = except(root, []*node{q.root})
	}
	return root
}

func (c *compiler) trigger(brand int32, necessary []*node) {
	if necessary == nil {
		c.always = append(c.always, brand)
		return
	}
	for _, n := range necessary {
		id := c.term(n)
		s := &c.Engine.terms[id]
		if len(s.brands) > 0 && s.brands[len(s.brands)-1] == brand {
			continue
		}
		s.brands = append(s.brands, brand)
		for len(c.triggers) <= int(s.atom) {
			c.triggers = append(c.triggers, nil)
		}
		if !slices.Contains(c.triggers[s.atom], id) {
			c.triggers[s.atom] = append(c.triggers[s.atom], id)
		}
	}
}

// compile makes the instruction of a node: NOT becomes AND with negated kids, and what is
// cheap and rare stands first.
func (c *compiler) compile(n *node, b *Brand) instruction {
	out := instruction{op: n.op, node: n}
	switch n.op {
	case opTerm:
		out.term, out.node = c.term(n), nil
		return out
	case opField:
		if n.cond.field == "context" {
			out.context = b.Context
		}
		return out
	case opNot:
		out.op = opAnd
	}
	for i, kid := range n.kids {
		k := c.compile(kid, b)
		k.negated = n.op == opNot && i > 0
		if out.op == opAnd && k.op == opAnd && !k.negated {
			out.kids = append(out.kids, k.kids...)
		} else {
			out.kids = append(out.kids, k)
		}
	}
	if out.op == opAnd || out.op == opOr {
		out.node = nil
		slices.SortStableFunc(out.kids, func(a, b instruction) int { return a.cost() - b.cost() })
	}
	return out
}

// cost orders instructions: words, groups, places, characters, fields, context.
func (in *instruction) cost() int {
	switch in.op {
	case opTerm:
		return 0
	case opWindow, opNear:
		return 2
	case opRaw:
		return 3
	case opField:
		if in.context != nil {
			return 5
		}
		return 4
	default:
		most := 1
		for i := range in.kids {
			most = max(most, in.kids[i].cost())
		}
		return most
	}
}

// term enters a term and returns its index.
func (c *compiler) term(n *node) int32 {
	name := n.prefix() + n.term.canonical()
	if id, ok := c.terms[name]; ok {
		return id
	}
	id := int32(len(c.Engine.terms))
	c.terms[name] = id
	s := sequence{anchor: anchor(n.term), mask: n.mask}
	for i := range n.term {
		st := &n.term[i]
		h := hop{atom: none, gap: st.gap, sign: st.isSigil()}
		if st.pattern || st.exact != "" {
			h.step = st
		}
		if !st.pattern {
			h.atom = c.index.number(st.key)
		} else if i == s.anchor {
			h.atom = c.index.pattern(st)
		}
		s.steps = append(s.steps, h)
	}
	s.atom = s.steps[s.anchor].atom
	s.simple = len(s.steps) == 1 && n.mask == inWords && n.term[0].exact == ""
	c.Engine.terms = append(c.Engine.terms, s)
	return id
}

// Len is the number of brands.
func (e *Engine) Len() int { return len(e.brands) }

// Name of the brand with this index.
func (e *Engine) Name(brand int) string { return e.brands[brand].Name }

// Version of the brand with this index; see Brand.Version.
func (e *Engine) Version(brand int) string { return e.versions[brand] }
