package pipeline

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// maxDepth bounds the nesting of fields that are skipped.
const maxDepth = 64

// SyntaxError says that data is not one well-formed JSON object.
type SyntaxError struct {
	Offset  int // byte at which reading stopped
	Problem string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Problem)
}

// scanner reads one JSON document in place. It is written by hand because a lexer
// for known structures need not build tokens, and because neither encoding/json nor
// jlexer tells which field was mended. After the first error every method returns a
// zero value and reads no further.
type scanner struct {
	data    []byte
	pos     int
	err     error
	repairs []string
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = &SyntaxError{Offset: s.pos, Problem: fmt.Sprintf(format, args...)}
	}
}

// mistyped reports a value of another type than its field wants.
func (s *scanner) mistyped(field, want string) {
	if s.err != nil {
		return
	}
	var got string
	switch c := s.peek(); {
	case c == '{':
		got = "an object"
	case c == '[':
		got = "a list"
	case c == '"':
		got = "a string"
	case c == 't' || c == 'f':
		got = "a boolean"
	case c == 'n':
		got = "null"
	case c == '-' || '0' <= c && c <= '9':
		got = "a number"
	default:
		s.fail("a value expected")
		return
	}
	if field == "" {
		s.fail("%s expected, not %s", want, got)
		return
	}
	s.err = &FieldError{Field: field, Problem: "is " + got, Mend: "write " + want}
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// open enters an object or list and reports whether it has a first element. A null
// has none.
func (s *scanner) open(field string, begin byte) bool {
	if s.err != nil || field != "" && s.null() {
		return false
	}
	if s.peek() != begin {
		want := "an object"
		if begin == '[' {
			want = "a list"
		}
		s.mistyped(field, want)
		return false
	}
	s.pos++
	if s.peek() == begin+2 { // '{'+2 is '}', '['+2 is ']'
		s.pos++
		return false
	}
	return true
}

// more steps to the next element of an object or list and reports whether there is one.
func (s *scanner) more(end byte) bool {
	if s.err != nil {
		return false
	}
	switch s.peek() {
	case ',':
		s.pos++
		return true
	case end:
		s.pos++
	default:
		s.fail("a comma or %c expected", end)
	}
	return false
}

// key reads a member's name and the colon behind it.
func (s *scanner) key() string {
	if s.err != nil {
		return ""
	}
	if s.peek() != '"' {
		s.fail("a field name in quotes expected")
		return ""
	}
	name := s.literal("")
	if s.err == nil && s.peek() != ':' {
		s.fail("a colon expected")
	}
	s.pos++
	return name
}

// finish checks that nothing but white space is left.
func (s *scanner) finish() error {
	if s.err == nil && (s.peek() != 0 || s.pos < len(s.data)) {
		s.fail("something stands behind the object")
	}
	return s.err
}

// word reads true, false or null.
func (s *scanner) word(w string) bool {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		s.fail("%s expected", w)
		return false
	}
	s.pos += len(w)
	return true
}

// null reads a null if there is one.
func (s *scanner) null() bool {
	return s.err == nil && s.peek() == 'n' && s.word("null")
}

func (s *scanner) boolean(field string) bool {
	if s.err != nil || s.null() {
		return false
	}
	switch s.peek() {
	case 't':
		return s.word("true")
	case 'f':
		s.word("false")
	default:
		s.mistyped(field, "true or false")
	}
	return false
}

func (s *scanner) string(field string) string {
	if s.err != nil || s.null() {
		return ""
	}
	if s.peek() != '"' {
		s.mistyped(field, "a string in quotes")
		return ""
	}
	return s.literal(field)
}

// strings reads a list of strings; nulls in it are dropped.
func (s *scanner) strings(field string) []string {
	var few [16]string // most lists fit, and then only the exact copy is allocated
	list := few[:0]
	for more := s.open(field, '['); more; more = s.more(']') {
		if !s.null() {
			list = append(list, s.string(field))
		}
	}
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}

func (s *scanner) time(field string) Time {
	if s.err != nil || s.null() {
		return 0
	}
	text := s.string(field)
	if s.err != nil {
		return 0
	}
	t, ok := parseTime(text)
	if !ok {
		s.err = &FieldError{
			Field:   field,
			Problem: "is not a time of the years 0001 to 9999: " + strconv.QuoteToASCII(text[:min(len(text), 40)]),
			Mend:    "write RFC 3339, such as 2006-01-02T15:04:05.000Z",
		}
	}
	return t
}

// number reads a number literal by the grammar of RFC 8259; empty after an error.
func (s *scanner) number() string {
	begin := s.pos
	if s.at('-') {
		s.pos++
	}
	ok := s.at('0')
	if ok {
		s.pos++
	} else {
		ok = s.digits()
	}
	if ok && s.at('.') {
		s.pos++
		ok = s.digits()
	}
	if ok && (s.at('e') || s.at('E')) {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		ok = s.digits()
	}
	if !ok {
		s.fail("a digit expected")
		return ""
	}
	return s.view(begin, s.pos)
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.data) && s.data[s.pos] == c }

func (s *scanner) digits() bool {
	begin := s.pos
	for s.pos < len(s.data) && s.data[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos > begin
}

func isNumber(c byte) bool { return c == '-' || c-'0' <= 9 }

// integer reads a whole number; 12.0 and 1e3 are whole, since tools that know floats
// alone write them so.
func (s *scanner) integer(field string) int64 {
	if s.err != nil || s.null() {
		return 0
	}
	if !isNumber(s.peek()) {
		s.mistyped(field, "a whole number")
		return 0
	}
	text := s.number()
	if s.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n
	}
	const exact = 1 << 53
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && math.Abs(f) <= exact && f == math.Trunc(f) {
		return int64(f)
	}
	s.err = &FieldError{Field: field, Problem: "is not a whole number of 64 bits", Mend: "write a whole number"}
	return 0
}

// float reads a number of 32 or 64 bits; ok is false if it is absent.
func (s *scanner) float(field string, size int) (f float64, ok bool) {
	if s.err != nil || s.null() {
		return 0, false
	}
	if !isNumber(s.peek()) {
		s.mistyped(field, "a number")
		return 0, false
	}
	text := s.number()
	if s.err != nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, size)
	if err != nil {
		s.err = &FieldError{Field: field, Problem: "is too large a number", Mend: "write one within its range"}
		return 0, false
	}
	return f, true
}

// skip reads past the value of an unknown field, if it nests no deeper than depth.
func (s *scanner) skip(field string, depth int) {
	if s.err != nil {
		return
	}
	c := s.peek()
	if depth == 0 && (c == '{' || c == '[') {
		s.err = &FieldError{
			Field: field, Problem: fmt.Sprintf("nests deeper than %d levels", maxDepth), Mend: "leave it out",
		}
		return
	}
	switch c {
	case '{':
		for more := s.open("", '{'); more; more = s.more('}') {
			s.key()
			s.skip(field, depth-1)
		}
	case '[':
		for more := s.open("", '['); more; more = s.more(']') {
			s.skip(field, depth-1)
		}
	case '"':
		s.skipLiteral()
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		if !isNumber(c) {
			s.fail("a value expected")
			return
		}
		s.number()
	}
}
