package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/testclaim"
	"earshot/sinks/clickhouse"
)

// targets are twenty brands of the real tweets; phrases and marks are among them.
var targets = []string{
	"milan", "dunkin", "shawn", "muslims", "frank ocean", "nicki", "sharknado", "gucci", "kendrick", "christians",
	"ice cube", "ant-man", "foo fighters", "microsoft", "thor", "google", "amazon", "murray", "naruto", "zayn",
}

// checker is what a target's query should find, in terms of characters alone; it shares
// no code with the matcher.
func checker(target string) *regexp.Regexp {
	const notWord = `[^\pL\pM\pN_]`
	words := strings.Fields(strings.ReplaceAll(target, "-", notWord))
	return regexp.MustCompile(`(?i)(?:^|` + notWord + `_*)` + strings.Join(words, `[^\pL\pM\pN_&+$%\pS]+`) + `(?:$|_*` + notWord + `)`)
}

// spelled adds the words of hashtags such as #AntMan2 behind a text.
func spelled(text string) string {
	for _, tag := range regexp.MustCompile(`(?:^|[^\pL\pM\pN_#])#([\pL\pM\pN_]+)`).FindAllStringSubmatch(text, -1) {
		words := tag[1]
		for _, border := range []string{`(\p{Ll})(\p{Lu})`, `(\p{Lu})(\p{Lu}\p{Ll})`, `(\pL)(\pN)`, `(\pN)(\pL)`} {
			for range 2 { // borders may share a letter
				words = regexp.MustCompile(border).ReplaceAllString(words, "$1 $2")
			}
		}
		text += " ☃ " + words
	}
	return text
}

// tweet is a row of the file.
type tweet struct{ id, text string }

func readTweets(t *testing.T, path string) []tweet {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var out []tweet
	for line := range strings.Lines(string(content)) {
		row := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 5)
		out = append(out, tweet{id: row[2], text: row[4]})
	}
	return out
}

// TestImportOfRealTweets stores the real tweets with the embedded parts and no flags. The
// program is killed three times in the middle of it.
func TestImportOfRealTweets(t *testing.T) {
	path := testclaim.Data(t, "sentiment/target.tsv")
	var config strings.Builder
	config.WriteString("brands:\n")
	for _, name := range targets {
		fmt.Fprintf(&config, "- {name: %s, query: '\"%s\"'}\n", name, name)
	}
	p := newProgram(t, config.String())
	for _, middle := range []struct {
		what string
		here func() bool
	}{
		{"Kafka has the first posts", p.onKafka},
		{"the tables have the first posts", p.inTables},
		{"some moment", p.someMoment(time.Duration(rand.IntN(300)) * time.Millisecond)},
	} {
		o := p.start("import", path)
		p.eventually(middle.what, o, middle.here)
		o.signal(syscall.SIGKILL)
		require.Equal(t, -1, o.code(t), "killed when %s", middle.what)
	}
	code, out, errs := p.run("import", path)
	require.Zero(t, code, errs)
	t.Logf("%s\n%s", errs, out)

	tweets := readTweets(t, path)
	p.holds(tweets)
	code, out, errs = p.run("import", path)
	require.Zero(t, code, errs)
	assert.Equal(t, "nothing new: all of this file was stored before\n", out)
	assert.Equal(t, "30621", p.ask("SELECT count() FROM posts"))
	p.formats()
}

// onKafka reports whether the embedded broker holds posts.
func (p *program) onKafka() bool {
	rt, ok := p.runtime()
	if !ok {
		return false
	}
	topic := pipeline.LiveStream().Topic
	var asked []kafkago.OffsetRequest
	for partition := range 4 {
		asked = append(asked, kafkago.LastOffsetOf(partition))
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
	defer cancel()
	res, err := (&kafkago.Client{Addr: kafkago.TCP(rt.Kafka)}).ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: asked}})
	return err == nil && slices.ContainsFunc(res.Topics[topic], func(o kafkago.PartitionOffsets) bool { return o.LastOffset > 0 })
}

// inTables reports whether the embedded ClickHouse holds posts.
func (p *program) inTables() bool {
	rt, ok := p.runtime()
	if !ok {
		return false
	}
	cfg := clickhouse.DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password = rt.ClickHouse, rt.Reader.User, pipeline.Secret(rt.Reader.Password)
	db, err := clickhouse.Open(p.t.Context(), cfg)
	if err != nil {
		return false
	}
	defer db.Close() //nolint:errcheck // it was for one question
	var rows []struct {
		N uint64 `ch:"n"`
	}
	return db.Select(p.t.Context(), &rows, "SELECT count() AS n FROM earshot.posts") == nil && rows[0].N > 0
}

// someMoment is a while after the parts run.
func (p *program) someMoment(after time.Duration) func() bool {
	var seen time.Time
	return func() bool {
		if _, ok := p.runtime(); ok && seen.IsZero() {
			seen = time.Now()
		}
		return !seen.IsZero() && time.Since(seen) > after
	}
}

// holds compares the tables with the file.
func (p *program) holds(tweets []tweet) {
	t := p.t
	last := map[string]string{} // of two texts under one id the later stands
	for _, tw := range tweets {
		last[tw.id] = tw.text
	}
	require.Len(t, tweets, 30621)
	require.Len(t, last, 30421)
	assert.Equal(t, "30621\t30621\t30421\t0", p.ask(
		"SELECT count(), uniqExact(epoch, topic, partition, offset), uniqExact(platform, id), countIf(op = 'dead') FROM posts"))

	named := map[string]int{}
	texts := make([]string, len(tweets))
	for i, tw := range tweets {
		texts[i] = spelled(tw.text)
	}
	for _, name := range targets {
		finds := checker(name)
		ids := map[string]bool{}
		for i, tw := range tweets {
			if finds.MatchString(texts[i]) {
				ids[tw.id] = true
			}
		}
		named[name] = len(ids)
	}
	stored := map[string]int{}
	for line := range strings.Lines(p.ask("SELECT brand, count() FROM mentions_current GROUP BY brand")) {
		brand, n, _ := strings.Cut(strings.TrimSpace(line), "\t")
		var err error
		stored[brand], err = strconv.Atoi(n)
		require.NoError(t, err)
	}
	assert.Equal(t, named, stored, "mentions by brand")

	wrong := 0
	for line := range strings.Lines(p.ask("SELECT id, toUnixTimestamp64Milli(event_time) AS event, toUnixTimestamp64Milli(created_at) AS created, text FROM mentions_current FORMAT JSONEachRow")) {
		var row struct {
			ID             int64 `json:",string"`
			Event, Created int64
			Text           string
		}
		require.NoError(t, json.Unmarshal([]byte(line), &row))
		at := row.ID/4194304 + 1288834974657
		if row.Event != at || row.Created != at || row.Text != last[fmt.Sprint(row.ID)] {
			wrong++
			t.Logf("%+v, wanted %d, %q", row, at, last[fmt.Sprint(row.ID)])
		}
	}
	assert.Zero(t, wrong, "mentions whose time is not that of the tweet's id, or whose text is not the later one")
	assert.Equal(t, "1", p.ask("SELECT sum(mentions) = (SELECT count() FROM mentions_current) FROM mentions_hour"))
}

// formats asks in each of the common formats, with nothing else running and beside a run.
func (p *program) formats() {
	t := p.t
	for beside := range 2 {
		if beside == 1 {
			o := p.start("run", "--simulate=false")
			p.eventually("earshot runs", o, func() bool { return strings.Contains(o.errs.String(), "earshot runs") })
			defer func() {
				o.signal(syscall.SIGTERM)
				assert.Zero(t, o.code(t), o.errs.String())
			}()
		}
		for format, want := range map[string]string{
			"TSV": "30621\ttweet\n", "CSVWithNames": "\"n\",\"kind\"\n30621,\"tweet\"\n", "JSON": `"rows": 1`,
			"Pretty": "30621", "Parquet": "PAR1", "Vertical": "n:    30621", "": "30621",
		} {
			code, out, errs := p.run("sql", "SELECT count() AS n, 'tweet' AS kind FROM posts", "--format", format)
			require.Zero(t, code, "%s: %s", format, errs)
			assert.Contains(t, out, want, format)
			assert.Empty(t, errs, format)
		}
	}
}
