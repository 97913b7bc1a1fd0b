package pipeline

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// literal reads a string literal, whose opening quote is at pos. What needs no mending
// points into data.
func (s *scanner) literal(field string) string {
	begin := s.pos + 1
	end, high := plain(s.data, begin)
	if end < len(s.data) && s.data[end] == '"' {
		v := s.view(begin, end)
		if !high || utf8.ValidString(v) {
			s.pos = end + 1
			return v
		}
	}
	s.skipLiteral()
	if s.err != nil {
		return ""
	}
	return s.unescape(field, s.data[begin:s.pos-1])
}

// skipLiteral reads past a string literal and checks its form.
func (s *scanner) skipLiteral() {
	s.pos++
	for {
		if !s.at('\\') { // escapes often come in rows
			s.pos, _ = plain(s.data, s.pos)
		}
		switch {
		case s.pos >= len(s.data):
			s.fail("a string is not closed")
			return
		case s.data[s.pos] == '"':
			s.pos++
			return
		case s.data[s.pos] != '\\':
			s.fail("a control character stands in a string without an escape")
			return
		}
		_, n := escape(s.data[s.pos:])
		if n == 0 {
			s.fail("an escape that JSON does not know")
			return
		}
		s.pos += n
	}
}

// unescape returns the value of a literal's inside, which has been checked, and notes
// under field what it had to mend.
func (s *scanner) unescape(field string, in []byte) string {
	out := make([]byte, 0, len(in))
	for len(in) > 0 {
		if in[0] != '\\' {
			n, high := plain(in, 0)
			if high && !utf8.Valid(in[:n]) {
				s.note(field, "invalid UTF-8 replaced")
				out = appendValid(out, in[:n], "\uFFFD")
			} else {
				out = append(out, in[:n]...)
			}
			in = in[n:]
			continue
		}
		r, width := escape(in)
		switch {
		case r == 0:
			s.note(field, "NUL replaced")
			r = utf8.RuneError
		case r < 0:
			s.note(field, "lone surrogate replaced")
			r = utf8.RuneError
		}
		out = utf8.AppendRune(out, r)
		in = in[width:]
	}
	return unsafe.String(unsafe.SliceData(out), len(out)) //nolint:gosec // out is never written again
}

// note records a repair, once for each field and sort.
func (s *scanner) note(field, what string) {
	if field == "" {
		return
	}
	if note := field + ": " + what; !slices.Contains(s.repairs, note) {
		s.repairs = append(s.repairs, note)
	}
}

// view returns data[begin:end] as a string without a copy.
func (s *scanner) view(begin, end int) string {
	return unsafe.String(unsafe.SliceData(s.data[begin:end]), end-begin) //nolint:gosec // the caller promises that data stays as it is
}

// escape decodes the escape at the beginning of b and returns how many bytes it
// takes: none if it is malformed. A lone surrogate is the rune -1.
func escape(b []byte) (r rune, width int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return 0, 0
	}
	r, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := hex4(b[6:])
	if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
		return pair, 12
	}
	return -1, 6
}

// hex4 reads \uXXXX.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		digit := c - '0'
		if digit > 9 {
			digit = (c | 0x20) - 'a'
			if digit > 5 {
				return 0, false
			}
			digit += 10
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}

// plain returns the index of the first quote, backslash or control character of b at
// or behind i, or len(b), and whether a byte before it is not ASCII. It looks at eight
// bytes at a time: (x-n)&^x has the top bit of each byte that is below n set, exactly
// so up to the first one ("Bit Twiddling Hacks", S. E. Anderson).
func plain(b []byte, i int) (end int, high bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	var seen uint64
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, slash := x^ones*'"', x^ones*'\\'
		stop := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x) & tops
		if stop != 0 {
			n := bits.TrailingZeros64(stop) >> 3
			seen |= x & (1<<(8*n) - 1)
			return i + n, seen&tops != 0
		}
		seen |= x
	}
	for ; i < len(b); i++ {
		c := b[i]
		if c == '"' || c == '\\' || c < ' ' {
			break
		}
		seen |= uint64(c)
	}
	return i, seen&tops != 0
}

// appendValid appends b with each byte that is not UTF-8 replaced.
func appendValid(dst, b []byte, replacement string) []byte {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, replacement...)
		} else {
			dst = append(dst, b[:n]...)
		}
		b = b[n:]
	}
	return dst
}

// appendString writes s in quotes: stretches without special characters are copied
// as a whole. NUL is written as an escape, which the decoder mends and reports.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b := unsafe.Slice(unsafe.StringData(s), len(s)) //nolint:gosec // only read
	dst = append(dst, '"')
	for {
		n, high := plain(b, 0)
		if high && !utf8.Valid(b[:n]) {
			dst = appendValid(dst, b[:n], "\uFFFD")
		} else {
			dst = append(dst, b[:n]...)
		}
		if n == len(b) {
			return append(dst, '"')
		}
		switch c := b[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		b = b[n+1:]
	}
}
