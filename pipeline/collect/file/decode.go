package file

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"earshot/pipeline"
	"earshot/pipeline/collect/reddit"
)

// decoder makes a Post of a record. Its error says what is wrong and how to mend it.
type decoder interface {
	decode(record []byte, p *pipeline.Post) error
}

// decoder for what the settings and the plan say.
func (c Config) decoder(p *plan) (decoder, error) {
	times, err := c.clock()
	if err != nil {
		return nil, err
	}
	switch c.format() {
	case NDJSON:
		if c.Preset == Pushshift {
			return dumpDecoder{}, nil
		}
		if c.explicit() {
			return newPathDecoder(c, times), nil
		}
		return postDecoder{}, nil
	case Text:
		return textDecoder{}, nil
	}
	if c.table() {
		return newPresetDecoder(c, p, times)
	}
	d := &columnDecoder{comma: c.comma(p), quoted: c.format() == CSV, set: make([]setter, len(p.Columns)), names: p.Columns}
	for i, field := range p.Columns {
		if field == "" {
			continue
		}
		set, ok := setterOf(field, times)
		if !ok {
			return nil, fmt.Errorf("file: no column can fill %q", field)
		}
		d.set[i] = set
		d.need = i + 1
	}
	return d, nil
}

// comma is what stands between fields: as the settings say, else as it was found.
func (c Config) comma(p *plan) byte {
	switch {
	case c.format() == TSV:
		return '\t'
	case c.Delimiter != Auto:
		return c.Delimiter[0]
	}
	return p.comma()
}

func (c Config) clock() (clock, error) {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return clock{}, fmt.Errorf("file: time_zone: %w", err)
	}
	return clock{layout: c.TimeLayout, zone: zone, order: c.DateOrder}, nil
}

// defaults completes a post that a file left incomplete.
type defaults struct {
	platform, source, lang string
	kind                   pipeline.Kind
	tweets                 bool
	seed                   string // with the line, makes an id for a post that has none
	ids                    bool   // posts without an id get one
}

func (c Config) defaults(p plan, id identity, generation int64) defaults {
	d := defaults{platform: c.Platform, source: c.Source, lang: c.Lang, kind: pipeline.Kind(c.Kind), tweets: p.TweetIDs || c.TweetIDs,
		seed: id.SHA256 + "/" + strconv.FormatInt(generation, 10) + "/", ids: true}
	posts := c.format() == NDJSON && !c.explicit() // whole Posts say themselves what they are
	if posts {
		d.kind, d.ids = "", false
	}
	if column := c.Columns["id"]; p.has("id") || column != "" && column != Ignore {
		d.ids = false // a row that leaves its id out is broken, not one of a file without ids
	}
	if c.Preset != "" {
		d.ids, d.tweets = false, false
		if c.table() {
			return d // a row without a platform is one that the user must name
		}
	}
	if d.platform == "" && !posts {
		d.platform = "file"
		if d.tweets {
			d.platform = "x"
		}
	}
	if d.source == "" && !posts {
		d.source = filepath.Base(c.Path)
	}
	return d
}

func (d defaults) apply(p *pipeline.Post, line int64) {
	set := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	set(&p.Platform, d.platform)
	set(&p.Source, d.source)
	set(&p.Lang, d.lang)
	if p.V == 0 {
		p.V = pipeline.PostVersion
	}
	if p.Op == "" {
		p.Op = pipeline.OpCreate
	}
	if p.Op == pipeline.OpDelete && p.Scope == "" {
		p.Scope = pipeline.ScopePost
	}
	if p.Kind == "" {
		p.Kind = cmp.Or(d.kind, pipeline.KindPost)
	}
	if p.ID == "" && d.ids {
		sum := sha256.Sum256([]byte(d.seed + strconv.FormatInt(line, 10)))
		p.ID = hex.EncodeToString(sum[:10])
	}
	if d.tweets && !p.CreatedAt.Known() {
		if t, ok := tweetTime(p.ID); ok {
			p.CreatedAt = t
		}
	}
	p.SeenAt = 0 // ours: the runner sets it
}

// clean replaces what is no UTF-8, and NULs, by U+FFFD, and reports whether there was any.
func clean(record []byte) (string, bool) {
	if utf8.Valid(record) && bytes.IndexByte(record, 0) < 0 {
		return string(record), false
	}
	return strings.ReplaceAll(string(bytes.ToValidUTF8(record, []byte("\uFFFD"))), "\x00", "\uFFFD"), true
}

// postDecoder reads a Post as JSON.
type postDecoder struct{}

func (postDecoder) decode(record []byte, p *pipeline.Post) error {
	if _, err := pipeline.DecodePost(bytes.Clone(record), p); err != nil { // strings of p point into it
		return fmt.Errorf("%w; each line must be a Post as JSON, see schemas/post.schema.json", err)
	}
	return nil
}

// dumpDecoder reads an object of Pushshift's dumps of Reddit.
type dumpDecoder struct{}

func (dumpDecoder) decode(record []byte, p *pipeline.Post) error {
	text, _ := clean(record)
	return reddit.Dump([]byte(text), p)
}

// textDecoder takes a line as a text.
type textDecoder struct{}

func (textDecoder) decode(record []byte, p *pipeline.Post) error {
	p.Text, _ = clean(record)
	return nil
}

// columnDecoder fills fields by column.
type columnDecoder struct {
	comma  byte
	quoted bool
	set    []setter
	names  []string
	need   int // columns up to the last one that counts
	fields []string
}

func (d *columnDecoder) decode(record []byte, p *pipeline.Post) (err error) {
	text, _ := clean(record)
	d.fields = d.fields[:0]
	if d.quoted {
		if d.fields, err = fieldsCSV(text, d.comma, d.fields); err != nil {
			return err
		}
	} else {
		d.fields = append(d.fields, strings.Split(text, string(d.comma))...)
	}
	if len(d.fields) < d.need {
		return fmt.Errorf("the record has %d columns, at least %d are needed", len(d.fields), d.need)
	}
	if len(d.fields) > len(d.set) {
		return fmt.Errorf("the record has %d columns, the first ones of the file have %d; a %q within a field must be quoted", len(d.fields), len(d.set), string(d.comma))
	}
	for i, value := range d.fields {
		if d.set[i] == nil || value == "" {
			continue
		}
		if err := d.set[i](p, value); err != nil {
			return fmt.Errorf("column %d (%s): %w", i+1, d.names[i], err)
		}
	}
	return nil
}

// pathDecoder fills fields from any JSON object, by the path of each value.
type pathDecoder struct {
	fields []pathField
}

type pathField struct {
	name string
	path []string
	set  setter
}

func newPathDecoder(c Config, times clock) pathDecoder {
	var d pathDecoder
	for _, field := range sortedKeys(c.Columns) {
		if set, ok := setterOf(field, times); ok && c.Columns[field] != Ignore {
			d.fields = append(d.fields, pathField{field, strings.Split(c.Columns[field], "."), set})
		}
	}
	return d
}

func (d pathDecoder) decode(record []byte, p *pipeline.Post) error {
	text, _ := clean(record)
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil {
		return fmt.Errorf("not a JSON object: %w", err)
	}
	if dec.More() {
		return errors.New("not one JSON object: more follows it")
	}
	for _, f := range d.fields {
		value, ok := scalar(object, f.path)
		if !ok || value == "" {
			continue
		}
		if err := f.set(p, strings.ReplaceAll(value, "\x00", "\uFFFD")); err != nil {
			return fmt.Errorf("%s (%s): %w", strings.Join(f.path, "."), f.name, err)
		}
	}
	return nil
}

// scalar walks down a path. Lists of scalars become blanks between their items; null, and
// a path that leads nowhere, are absent.
func scalar(object map[string]any, path []string) (string, bool) {
	var at any = object
	for _, key := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return "", false
		}
		at = m[key]
	}
	switch v := at.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case []any:
		var items []string
		for _, item := range v {
			if s, ok := scalar(map[string]any{"": item}, []string{""}); ok {
				items = append(items, s)
			}
		}
		return strings.Join(items, " "), true
	}
	return "", false
}
