package query

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Error is a mistake in the source of a query and where it stands.
type Error struct {
	Line, Column int    // from 1, the column in characters
	Problem      string // what is wrong
	Expected     string // what could stand there; may be empty
	Mend         string // a likely mend; may be empty
	source       string // the line with the mistake
}

// Error gives place, problem and mend on one line, then the line of the query with a
// caret under the place.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d, column %d: %s", e.Line, e.Column, e.Problem)
	if e.Expected != "" {
		b.WriteString("; expected " + e.Expected)
	}
	if e.Mend != "" {
		b.WriteString("; " + e.Mend)
	}
	line, column := excerpt([]rune(e.source), e.Column-1)
	b.WriteString("\n  " + string(line) + "\n  ")
	for _, r := range line[:column] {
		b.WriteRune(blank(r))
	}
	b.WriteByte('^')
	return b.String()
}

// excerptWidth is how many characters of a long line are shown to each side of the place.
const excerptWidth = 60

// excerpt cuts a long line to what stands around a place in it, and says where that is then.
func excerpt(line []rune, column int) ([]rune, int) {
	column = min(column, len(line))
	if end := column + excerptWidth; end < len(line) {
		line = append(line[:end:end], '…')
	}
	if begin := column - excerptWidth; begin > 0 {
		line, column = append([]rune{'…'}, line[begin:]...), column-begin+1
	}
	return line, column
}

// blank returns the space that is as wide as r on a terminal.
func blank(r rune) rune {
	if r == '\t' {
		return '\t'
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return '\u3000'
	default:
		return ' '
	}
}

// errorAt makes an Error for the byte offset at of source.
func errorAt(source string, at int, problem, expected, mend string) *Error {
	begin := strings.LastIndexByte(source[:at], '\n') + 1
	line := source[begin:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	return &Error{
		Line:     strings.Count(source[:at], "\n") + 1,
		Column:   utf8.RuneCountInString(source[begin:at]) + 1,
		Problem:  problem,
		Expected: expected,
		Mend:     mend,
		source:   strings.TrimSuffix(line, "\r"),
	}
}
