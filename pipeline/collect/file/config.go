package file

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The formats, and how a file may be packed. Auto goes by the file's name.
const (
	Auto   = "auto"
	NDJSON = "ndjson" // a Post as JSON in each line
	CSV    = "csv"    // RFC 4180: quotes, and line breaks within them
	TSV    = "tsv"    // tabs; quotes are text
	Text   = "text"   // a text in each line

	None = "none"
	Gzip = "gzip"
	Zstd = "zstd" // windows up to 2 GiB, as Pushshift packs
)

// Ignore as a column's name says that a field is to be taken from no column.
const Ignore = "-"

// Config of a file source.
type Config struct {
	Path        string            `yaml:"path" doc:"file to read"`
	Format      string            `yaml:"format" doc:"auto goes by the name: .ndjson and .jsonl, .csv, .tsv, .txt; a packed file by the name before .gz or .zst, .zst alone is ndjson" enum:"auto,ndjson,csv,tsv,text"`
	Preset      string            `yaml:"preset" doc:"the tool that wrote the file: its columns are known, lines before its header are passed over, and the delimiter is found (, ; or tab). 4cat and the others read CSV, pushshift the NDJSON of Reddit's dumps" enum:"brandwatch,talkwalker,meltwater,4cat,pushshift"`
	Compression string            `yaml:"compression" doc:"auto goes by the name: .gz, .zst" enum:"auto,none,gzip,zstd"`
	Columns     map[string]string `yaml:"columns" doc:"field of a post: number (from 1) or header of the column, or - for none; of ndjson the path of a value, such as user.name. Without it the header decides, else the columns are guessed"`
	Header      string            `yaml:"header" doc:"whether the first record of CSV or TSV names the columns" enum:"auto,yes,no"`
	Delimiter   string            `yaml:"delimiter" doc:"character between the fields of CSV; auto finds it among , ; and tab"`
	Platform    string            `yaml:"platform" doc:"platform of posts that name none; empty: x for tweet ids, else file"`
	Kind        string            `yaml:"kind" doc:"kind of posts that name none" enum:"post,comment,repost,quote,review,article,edit"`
	Source      string            `yaml:"source" doc:"source of posts that name none; empty: the file's name"`
	Lang        string            `yaml:"lang" doc:"claimed language of posts that claim none, BCP 47; a hint"`
	TweetIDs    bool              `yaml:"tweet_ids" doc:"ids are tweet ids: created_at is taken from them where no column says it"`
	TimeLayout  string            `yaml:"time_layout" doc:"layout of times in Go's notation, such as 02.01.2006 15:04; empty: RFC 3339, Unix seconds or milliseconds, and other common ones"`
	DateOrder   string            `yaml:"date_order" doc:"order of dates such as 03/04/2026: dmy (3 April) or mdy (March 4); auto refuses them" enum:"auto,dmy,mdy"`
	TimeZone    string            `yaml:"time_zone" doc:"zone of times that state none, such as Europe/Berlin"`
	Follow      bool              `yaml:"follow" doc:"go on reading as the file grows, also over its rotation; not for packed files"`
	Poll        time.Duration     `yaml:"poll" doc:"how often a followed file is looked at"`
}

// DefaultConfig reads a file once and goes by its name.
func DefaultConfig() Config {
	return Config{Format: Auto, Compression: Auto, Header: Auto, Delimiter: Auto, Kind: "post", DateOrder: Auto, TimeZone: "UTC", Poll: 250 * time.Millisecond}
}

// Validate reports all that is wrong with the settings.
func (c Config) Validate() error {
	var all []error
	wrong := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			wrong("%s: %q is none of %s", key, value, strings.TrimPrefix(strings.Join(allowed, ", "), ", ")) // some may be empty
		}
	}
	if c.Path == "" {
		wrong("path: is empty; name the file to read")
	}
	oneOf("format", c.Format, Auto, NDJSON, CSV, TSV, Text)
	oneOf("compression", c.Compression, Auto, None, Gzip, Zstd)
	oneOf("header", c.Header, Auto, "yes", "no")
	oneOf("date_order", c.DateOrder, Auto, dayFirst, monthFirst)
	oneOf("preset", c.Preset, append([]string{""}, presetNames()...)...)
	oneOf("kind", c.Kind, "", "post", "comment", "repost", "quote", "review", "article", "edit")
	switch ext := strings.ToLower(filepath.Ext(c.Path)); {
	case ext == ".xlsx" || ext == ".xls":
		wrong("path: %s is a workbook, which is not read; save it as CSV (UTF-8)", filepath.Base(c.Path))
	case ext == ".zip":
		wrong("path: %s is packed by zip, which is not read; unpack it", filepath.Base(c.Path))
	case c.Preset != "" && c.presetClash() != "":
		wrong("preset: %s", c.presetClash())
	}
	if c.Format == Auto && c.Path != "" && c.format() == "" {
		wrong("format: the name %s does not tell it; set format to ndjson, csv, tsv or text", filepath.Base(c.Path))
	}
	if c.Delimiter != Auto && len(c.Delimiter) != 1 || strings.ContainsAny(c.Delimiter, "\"\r\n") {
		wrong("delimiter: %q is neither auto nor one ASCII character other than a quote or a line break", c.Delimiter)
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		wrong("time_zone: %w", err)
	}
	if c.Follow && c.compression() != None {
		wrong("follow: a file packed by %s cannot be followed; unpack it", c.compression())
	}
	if c.Follow && c.Poll <= 0 {
		wrong("poll: %s is not a positive time", c.Poll)
	}
	for _, field := range sortedKeys(c.Columns) {
		column := c.Columns[field]
		if _, ok := setterOf(field, clock{}); !ok {
			wrong("columns: %q is not a field that a column can fill; the fields are %s", field, strings.Join(fieldNames(), ", "))
		}
		if n, err := strconv.Atoi(column); column == "" || (err == nil && n < 1) {
			wrong("columns: %s: %q is neither a number from 1 nor a name nor -", field, column)
		}
	}
	if len(c.Columns) > 0 && c.format() == Text {
		wrong("columns: plain text has none; each line is the text of a post")
	}
	return errors.Join(all...)
}

// compression resolves auto.
func (c Config) compression() string {
	if c.Compression != Auto {
		return c.Compression
	}
	switch strings.ToLower(filepath.Ext(c.Path)) {
	case ".gz", ".gzip":
		return Gzip
	case ".zst", ".zstd":
		return Zstd
	}
	return None
}

// presetClash says which of the settings a preset cannot go with.
func (c Config) presetClash() string {
	plain := c
	plain.Preset = ""
	format := plain.format()
	switch {
	case c.Preset == Pushshift && (format == CSV || format == TSV || format == Text):
		return "pushshift reads the NDJSON of the dumps (RC_…, RS_…), not " + format
	case c.Preset == Pushshift && len(c.Columns) > 0:
		return "pushshift has no columns to set"
	case c.Preset != Pushshift && (format == NDJSON || format == Text):
		return c.Preset + " reads the CSV that the tool exports, not " + format
	case c.Header == "no":
		return "the table must have its header"
	}
	return ""
}

// table reports whether a preset reads the file as a table.
func (c Config) table() bool { return c.Preset != "" && c.Preset != Pushshift }

// format resolves auto; empty if the name does not tell. A preset tells it.
func (c Config) format() string {
	switch {
	case c.Preset == Pushshift:
		return NDJSON
	case c.Preset != "":
		return CSV
	}
	if c.Format != Auto {
		return c.Format
	}
	name := strings.ToLower(c.Path)
	packed := filepath.Ext(name)
	switch packed {
	case ".gz", ".gzip", ".zst", ".zstd":
		name = strings.TrimSuffix(name, packed)
	default:
		packed = ""
	}
	switch filepath.Ext(name) {
	case ".ndjson", ".jsonl", ".json":
		return NDJSON
	case ".csv":
		return CSV
	case ".tsv", ".tab":
		return TSV
	case ".txt", ".text":
		return Text
	}
	if strings.HasPrefix(packed, ".z") { // Pushshift: RC_2020-01.zst
		return NDJSON
	}
	return ""
}

// explicit reports whether the settings name at least one column.
func (c Config) explicit() bool {
	for _, column := range c.Columns {
		if column != Ignore {
			return true
		}
	}
	return false
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
