package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// inspect looks at the first records and settles the columns.
func (s *Source) inspect(ctx context.Context) (plan, error) {
	c := s.config
	if c.table() {
		return s.inspectTable(ctx)
	}
	found := plan{}
	if c.finds() {
		var err error
		if found.Delimiter, err = c.delimiter(ctx); err != nil {
			return plan{}, err
		}
	}
	in, err := openInput(ctx, c.Path, c.compression(), 0)
	if err != nil {
		return plan{}, fmt.Errorf("file: open: %w", err)
	}
	defer in.close()
	if f := c.format(); f != CSV && f != TSV {
		return plan{TweetIDs: c.TweetIDs}, nil
	}
	frames := newFramer(in.stream, 0, c.split(&found))
	var sample [][]string
	var line, first int64 // line breaks so far, and the line of the first record
	for len(sample) <= sampleRecords {
		fr, err := frames.next()
		line += fr.lines
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return plan{}, damaged(frames.offset, err)
		}
		if fr.problem != "" || len(fr.data) == 0 {
			continue
		}
		if fields, err := c.fields(fr.data, c.comma(&found)); err == nil {
			if len(sample) == 0 {
				first = max(line-fr.lines, 0) + 1
			}
			sample = append(sample, fields)
		}
	}
	p, sentence, err := planOf(c, sample, first)
	if err != nil {
		return plan{}, err
	}
	p.Delimiter = found.Delimiter
	s.mu.Lock()
	s.sentence = sentence
	s.mu.Unlock()
	return p, nil
}

func (c Config) fields(record []byte, comma byte) ([]string, error) {
	text, _ := clean(record)
	if c.format() == CSV {
		return fieldsCSV(text, comma, nil)
	}
	return strings.Split(text, "\t"), nil
}

// delimiters are what tables have between their columns, the likeliest first.
func delimiters() []byte { return []byte{',', ';', '\t'} }

// finds reports whether the delimiter of a table is not known before it is looked at.
func (c Config) finds() bool { return c.format() == CSV && c.Delimiter == Auto }

// delimiter is what cuts the first records of a CSV file into most columns, as many in
// nine of ten of them as in the first; a comma if nothing does.
func (c Config) delimiter(ctx context.Context) (string, error) {
	best, columns := ",", 1
	for _, comma := range delimiters() {
		records, _, err := c.head(ctx, comma)
		if err != nil {
			return "", err
		}
		if len(records) == 0 || len(records[0]) <= columns {
			continue
		}
		alike := 0
		for _, r := range records {
			if len(r) == len(records[0]) {
				alike++
			}
		}
		if 10*alike >= 9*len(records) {
			best, columns = string(comma), len(records[0])
		}
	}
	return best, nil
}

// preambleRecords is how many records of a table are looked at for its header.
const preambleRecords = 50

// inspectTable finds the header of a preset's table, and what stands between its columns.
func (s *Source) inspectTable(ctx context.Context) (plan, error) {
	c := s.config
	table, _ := tableOf(c.Preset)
	candidates := delimiters()
	if c.Delimiter != Auto {
		candidates = []byte{c.Delimiter[0]}
	}
	var nearest, lacks []string
	for _, comma := range candidates {
		records, lines, err := c.head(ctx, comma)
		if err != nil {
			return plan{}, err
		}
		at, header, missing := table.headerAmong(records)
		if at >= 0 {
			p := plan{Header: lines[at], Names: header, Delimiter: string(comma)}
			if _, err := c.decoder(&p); err != nil { // columns that the settings name
				return plan{}, err
			}
			s.mu.Lock()
			s.sentence = table.sentence(c.Preset, header)
			s.mu.Unlock()
			return p, nil
		}
		if lacks == nil || len(missing) < len(lacks) {
			nearest, lacks = header, missing
		}
	}
	return plan{}, final{fmt.Errorf("file: preset %s: no header is among the first %d records of %s: the column %s is missing; the nearest record reads %s",
		c.Preset, preambleRecords, filepath.Base(c.Path), strings.Join(lacks, ", and "), cut(strings.Join(nearest, ", ")))}
}

// head reads the first records of a table, each with its line.
func (c Config) head(ctx context.Context, comma byte) (records [][]string, lines []int64, err error) {
	in, err := openInput(ctx, c.Path, c.compression(), 0)
	if err != nil {
		return nil, nil, fmt.Errorf("file: open: %w", err)
	}
	defer in.close()
	frames := newFramer(in.stream, 0, splitCSV(comma))
	line := int64(1)
	for len(records) < preambleRecords {
		fr, err := frames.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, damaged(frames.offset, err)
		}
		if text, _ := clean(fr.data); fr.problem == "" && text != "" {
			if fields, err := fieldsCSV(text, comma, nil); err == nil {
				records, lines = append(records, fields), append(lines, line)
			}
		}
		line += fr.lines
	}
	return records, lines, nil
}
