package file

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// splitCSV ends a record at the first line break outside of quotes (RFC 4180). A quote
// that is opened at the beginning of a field and never closed would swallow the rest of
// the file: then the first line alone is the record, with a problem, and reading goes on
// behind it.
func splitCSV(comma byte) split {
	return func(data []byte, whole bool) (advance, length int, problem string) {
		n, open := csvEnd(data, comma)
		switch {
		case n < len(data):
			return n + 1, trimReturn(data[:n]), ""
		case !whole:
			return 0, 0, ""
		case !open && len(data) < maxRecord:
			return len(data), trimReturn(data), ""
		case !open:
			return 0, 0, ""
		}
		if n = bytes.IndexByte(data, '\n'); n < 0 {
			if len(data) >= maxRecord {
				return 0, 0, ""
			}
			return len(data), trimReturn(data), "a quote is opened and never closed; write quotes within text twice"
		}
		return n + 1, trimReturn(data[:n]), "a quote is opened and never closed; write quotes within text twice"
	}
}

// csvEnd is where the line break stands that ends the first record, or len(data); open
// says that a quote is open there.
func csvEnd(data []byte, comma byte) (end int, open bool) {
	begin := true // of a field
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case open && c == '"':
			if i+1 < len(data) && data[i+1] == '"' {
				i++
			} else {
				open = false
			}
		case open:
		case c == '"' && begin:
			open, begin = true, false
		case c == '\n':
			return i, false
		default:
			begin = c == comma
		}
	}
	return len(data), open
}

// fieldsCSV splits a record. A quote inside an unquoted field is text.
func fieldsCSV(record string, comma byte, fields []string) ([]string, error) {
	for {
		if !strings.HasPrefix(record, `"`) {
			end := strings.IndexByte(record, comma)
			if end < 0 {
				return append(fields, record), nil
			}
			fields, record = append(fields, record[:end]), record[end+1:]
			continue
		}
		value, rest, err := unquote(record[1:])
		if err != nil {
			return nil, fmt.Errorf("field %d: %w", len(fields)+1, err)
		}
		fields = append(fields, value)
		if rest == "" {
			return fields, nil
		}
		if rest[0] != comma {
			return nil, fmt.Errorf("field %d: text follows its closing quote; write quotes within text twice", len(fields))
		}
		record = rest[1:]
	}
}

// unquote reads up to the closing quote.
func unquote(s string) (value, rest string, err error) {
	var whole strings.Builder
	for {
		end := strings.IndexByte(s, '"')
		if end < 0 {
			return "", "", errors.New("a quote is opened and never closed")
		}
		if !strings.HasPrefix(s[end+1:], `"`) {
			if whole.Len() == 0 {
				return s[:end], s[end+1:], nil
			}
			whole.WriteString(s[:end])
			return whole.String(), s[end+1:], nil
		}
		whole.WriteString(s[:end+1])
		s = s[end+2:]
	}
}
