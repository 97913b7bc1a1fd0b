package file

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func rows(n int, row func(i int) string) [][]string {
	all := make([][]string, n)
	for i := range all {
		all[i] = strings.Split(row(i), "|")
	}
	return all
}

func TestPlan(t *testing.T) {
	sentence := func(i int) string { return fmt.Sprintf("some words of text number %d", i) }
	tweet := func(i int) string { return fmt.Sprint(628949369883000832 + int64(i)) }
	for name, c := range map[string]struct {
		rows    [][]string
		set     func(*Config)
		columns string // joined by |
		tells   string // part of the sentence or of the error
		fails   bool
	}{
		"tweets": {rows: rows(50, func(i int) string { return "1|sony|" + tweet(i) + "|" + sentence(i) }),
			columns: "||id|text", tells: "guessed from the first 50 rows: 3 = id (tweet ids: platform x, times from them), 4 = text"},
		"numbers are no tweets on another platform": {rows: rows(50, func(i int) string { return tweet(i) + "|" + sentence(i) }),
			set: func(c *Config) { c.Platform = "facebook" }, columns: "id|text", tells: "1 = id, 2 = text"},
		"id, time and text": {rows: rows(50, func(i int) string { return fmt.Sprintf("a%d|2020-01-02 03:04:05|%s", i, sentence(i)) }),
			columns: "id|created_at|text"},
		"text alone":              {rows: rows(50, func(i int) string { return "en|" + sentence(i) }), columns: "|text", tells: "ids are made of file and line"},
		"a script without blanks": {rows: rows(50, func(i int) string { return fmt.Sprintf("%d|これは文章です%d", i, i) }), columns: "id|text"},
		"a known header": {rows: append([][]string{{"Tweet_ID", "user", "body", "note"}}, rows(5, func(i int) string { return tweet(i) + "|ann|" + sentence(i) + "|n" })...),
			columns: "id|author.handle|text|", tells: "columns taken from the header: Tweet_ID = id (tweet ids"},
		"a field's own name goes first": {rows: [][]string{{"body", "text"}, {"a b", "c d"}}, columns: "|text"},
		"a header, ignored": {rows: [][]string{{"id", "user", "text"}, {"1", "ann", "hello"}},
			set: func(c *Config) { c.Columns = map[string]string{"author.handle": "-"} }, columns: "id||text"},
		"set by header": {rows: [][]string{{"key", "words", "date"}, {"1", "hello", "2020-01-01"}},
			set: func(c *Config) { c.Columns = map[string]string{"id": "KEY", "text": "words"} }, columns: "id|text|created_at"},
		"set by number": {rows: [][]string{{"x", "hello"}}, set: func(c *Config) { c.Columns = map[string]string{"text": "2"} }, columns: "|text"},

		"two texts": {rows: rows(50, func(i int) string { return sentence(i) + "|" + sentence(i) }), fails: true, tells: "1 and 2 both look like the text"},
		"two times": {rows: rows(50, func(i int) string { return "2020-01-01|2020-01-02|" + sentence(i) }), fails: true, tells: "1 and 2 both look like times"},
		"two ids":   {rows: rows(50, func(i int) string { return fmt.Sprintf("a%d|b%d|%s", i, i, sentence(i)) }), fails: true, tells: "1 and 2 both look like ids"},
		"no text":   {rows: append([][]string{{"timestamp", "value"}}, rows(50, func(int) string { return "2015-02-26 21:42:53|104" })...), fails: true, tells: "none looks like the text"},
		"no such header": {rows: [][]string{{"a", "b"}}, set: func(c *Config) { c.Columns = map[string]string{"text": "c"} },
			fails: true, tells: `no column is headed "c"; the first record reads a, b`},
		"no such number": {rows: [][]string{{"a", "b"}}, set: func(c *Config) { c.Columns = map[string]string{"text": "3"} }, fails: true, tells: "there is no column 3"},
		"one column twice": {rows: [][]string{{"a", "b"}}, set: func(c *Config) { c.Columns = map[string]string{"text": "1", "id": "1"} },
			fails: true, tells: "column 1 cannot be both"},
	} {
		t.Run(name, func(t *testing.T) {
			config := DefaultConfig()
			config.Path = "posts.tsv"
			if c.set != nil {
				c.set(&config)
			}
			p, sentence, err := planOf(config, c.rows, 1)
			if c.fails {
				require.ErrorContains(t, err, c.tells)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.columns, strings.Join(p.Columns, "|"))
			assert.Contains(t, sentence, c.tells)
		})
	}
}

func TestMoments(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	utc := clock{zone: time.UTC}
	for in, c := range map[string]struct {
		clock clock
		want  string
	}{
		"2020-01-02T03:04:05Z":            {utc, "2020-01-02T03:04:05Z"},
		"2020-01-02T03:04:05.678+02:00":   {utc, "2020-01-02T01:04:05.678Z"},
		"2020-01-02 03:04:05":             {clock{zone: berlin}, "2020-01-02T02:04:05Z"},
		"2020-01-02 03:04:05 UTC":         {utc, "2020-01-02T03:04:05Z"},
		"2020-01-02":                      {utc, "2020-01-02T00:00:00Z"},
		"1577934245":                      {utc, "2020-01-02T03:04:05Z"},
		"1577934245.25":                   {utc, "2020-01-02T03:04:05.25Z"},
		"1577934245678":                   {utc, "2020-01-02T03:04:05.678Z"},
		"1577934245678901":                {utc, "2020-01-02T03:04:05.678Z"},
		"Thu Jan 02 03:04:05 +0000 2020":  {utc, "2020-01-02T03:04:05Z"},
		"Thu, 02 Jan 2020 03:04:05 +0100": {utc, "2020-01-02T02:04:05Z"},
		"02.01.2020 03:04":                {clock{layout: "02.01.2006 15:04", zone: berlin}, "2020-01-02T02:04:00Z"},
		" 1970-01-02T00:00:00Z ":          {utc, "1970-01-02T00:00:00Z"},
		"2999-01-01T00:00:00Z":            {utc, "2999-01-01T00:00:00Z"},
	} {
		got, err := c.clock.moment(in)
		require.NoError(t, err, in)
		assert.Equal(t, c.want, got.Time().Format(time.RFC3339Nano), in)
	}
	for _, in := range []string{"", "yesterday", "2020", "20200102", "1.2.3", "Thu Jan 02 03:04:05 PST 2020", "02/01/2020"} {
		_, err := utc.moment(in)
		assert.Error(t, err, in)
	}
}

func TestTweetTimes(t *testing.T) {
	at, ok := tweetTime("628949369883000832")
	require.True(t, ok)
	assert.Equal(t, pipeline.At(time.Date(2015, 8, 5, 15, 23, 9, 751e6, time.UTC)), at)
	for _, id := range []string{"", "x", "-1", "20", "29700859246", "99999999999999999999"} {
		_, ok := tweetTime(id)
		assert.False(t, ok, id)
	}
}

func TestValidateNamesTheSetting(t *testing.T) {
	for wrong, set := range map[string]func(*Config){
		"path:":                   func(c *Config) { c.Path = "" },
		"format:":                 func(c *Config) { c.Path = "posts.doc" },
		"compression:":            func(c *Config) { c.Compression = "rar" },
		"header:":                 func(c *Config) { c.Header = "maybe" },
		"delimiter:":              func(c *Config) { c.Delimiter = "\"" },
		"kind:":                   func(c *Config) { c.Kind = "poem" },
		"time_zone:":              func(c *Config) { c.TimeZone = "Mars/Base" },
		"follow:":                 func(c *Config) { c.Follow, c.Path = true, "posts.csv.gz" },
		"poll:":                   func(c *Config) { c.Follow, c.Poll = true, 0 },
		`columns: "seen_at"`:      func(c *Config) { c.Columns = map[string]string{"seen_at": "1"} },
		"columns: id:":            func(c *Config) { c.Columns = map[string]string{"id": "0"} },
		"columns: plain text has": func(c *Config) { c.Path, c.Columns = "a.txt", map[string]string{"id": "1"} },
	} {
		c := DefaultConfig()
		c.Path = "posts.csv"
		require.NoError(t, c.Validate())
		set(&c)
		assert.ErrorContains(t, c.Validate(), wrong)
	}
}
