package query

// Tokenizer cuts texts into the folded tokens that queries are compared with, for
// stages that look words up. Not safe for concurrent use.
type Tokenizer struct{ scan *scanner }

// NewTokenizer returns a Tokenizer for one goroutine.
func NewTokenizer() *Tokenizer { return &Tokenizer{scan: newScanner()} }

// Reset begins a text.
func (t *Tokenizer) Reset(text string) { t.scan.reset(text, 0) }

// Next moves to the next token; false at the end.
func (t *Tokenizer) Next() bool { return t.scan.next() }

// Folded returns the token as queries see it, valid until Next.
func (t *Tokenizer) Folded() []byte { return t.scan.folded }

// Span returns the byte offsets of the token in the text.
func (t *Tokenizer) Span() (begin, end int) { return t.scan.begin, t.scan.end }

// InHandle reports whether the token belongs to an @handle.
func (t *Tokenizer) InHandle() bool { return t.scan.inSigil() && t.scan.sigil.folded[0] == '@' }
