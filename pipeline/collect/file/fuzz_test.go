package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// frames cuts a whole stream.
func frames(t *testing.T, r io.Reader, offset int64, s split) []frame {
	t.Helper()
	f := newFramer(r, offset, s)
	var all []frame
	for {
		fr, err := f.next()
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			return all
		}
		fr.data = bytes.Clone(fr.data)
		all = append(all, fr)
	}
}

// A stream cut into records, at whatever pace it comes, is the stream; and from the end of
// each record reading goes on as if it had never stopped.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{"", "a", "a\nb", "a\r\n\r\nb\n", "\xEF\xBB\xBFa\n", "1,\"x\n\"\"y\"\"\"\n2,z", "\"open\nb\nc\n", "a,\"b\"c\n\"\"\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, s := range []split{splitLine, splitCSV(',')} {
			whole := frames(t, bytes.NewReader(content), 0, s)
			assert.Equal(t, whole, frames(t, iotest.OneByteReader(bytes.NewReader(content)), 0, s))
			at, lines := int64(0), int64(0)
			if bytes.HasPrefix(content, []byte("\xEF\xBB\xBF")) {
				at = 3
			}
			for i, fr := range whole {
				require.Equal(t, at, fr.offset)
				require.True(t, bytes.HasPrefix(content[fr.offset:], fr.data))
				at, lines = fr.end, lines+fr.lines
				if i < 20 && fr.end > 0 {
					rest := frames(t, bytes.NewReader(content[fr.end:]), fr.end, s)
					require.Equal(t, append([]frame(nil), whole[i+1:]...), append([]frame(nil), rest...))
				}
			}
			assert.Equal(t, int64(len(content)), max(at, int64(len(content)*b2i(len(whole) == 0))))
			assert.Equal(t, int64(bytes.Count(content, []byte{'\n'})), lines)
		}
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What encoding/csv reads strictly, we read alike.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n", "\"a\"\"b\",c\nd,\n", "a,\"x\ny\",\"\"\n", "a \"quoted\" word,b\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		for _, fr := range frames(t, strings.NewReader(content), 0, splitCSV(',')) {
			fields, err := fieldsCSV(string(fr.data), ',', nil)
			if err == nil {
				require.NotEmpty(t, fields)
			}
			strict := csv.NewReader(bytes.NewReader(fr.data))
			if want, wantErr := strict.Read(); wantErr == nil && !bytes.ContainsAny(fr.data, "\r") && fr.data[0] != '\n' {
				if _, more := strict.Read(); more == io.EOF {
					require.NoError(t, err)
					assert.Equal(t, want, fields)
				}
			}
		}
	})
}

// Whatever stands in a file, each record becomes a post or is refused, and never both.
func FuzzSource(f *testing.F) {
	f.Add([]byte("{\"platform\":\"a\",\"id\":\"1\"}\n"), uint8(0))
	f.Add([]byte("1\ttwo words\t3\n"), uint8(1))
	f.Add([]byte("id,text\n1,\"a\nb\"\n"), uint8(2))
	f.Add([]byte("text\x00\xff\n"), uint8(3))
	f.Add([]byte(`{"id":1,"a":{"b":["c",null,1.5]}}`), uint8(4))
	f.Fuzz(func(t *testing.T, content []byte, kind uint8) {
		c := DefaultConfig()
		c.Path, c.TweetIDs = "fuzz", true
		c.Format = []string{NDJSON, TSV, CSV, Text, NDJSON}[kind%5]
		switch kind % 5 {
		case 1, 2:
			c.Columns = map[string]string{"id": "1", "text": "2", "created_at": "3", "metrics.likes": "4", "hashtags": "5"}
		case 4:
			c.Columns = map[string]string{"id": "id", "text": "a.b", "geo.lat": "lat", "rating": "r"}
		}
		var p plan
		if c.Format == TSV || c.Format == CSV {
			var err error
			p, _, err = planOf(c, [][]string{make([]string, 5)}, 0)
			require.NoError(t, err)
		}
		d, err := c.decoder(&p)
		require.NoError(t, err)
		fill := c.defaults(p, identity{SHA256: "x"}, 0)
		for _, fr := range frames(t, bytes.NewReader(content), 0, c.split(nil)) {
			var post pipeline.Post
			if d.decode(fr.data, &post) != nil {
				continue
			}
			fill.apply(&post, 1)
			if post.Validate() == nil {
				var back pipeline.Post
				_, err := pipeline.DecodePost(post.AppendJSON(nil), &back)
				require.NoError(t, err)
			}
		}
	})
}

// A cursor of other making is refused, never misread.
func FuzzCursor(f *testing.F) {
	good, err := place{File: identity{Bytes: 3, SHA256: "abc"}, Offset: 7, Line: 2, Plan: &plan{Columns: []string{"id", "text"}}}.cursor()
	require.NoError(f, err)
	f.Add([]byte(good))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, c []byte) {
		p, err := readPlace(c)
		if err != nil || len(c) == 0 {
			return
		}
		again, err := p.cursor()
		require.NoError(t, err)
		back, err := readPlace(again)
		require.NoError(t, err)
		assert.Equal(t, p, back)
	})
}

func FuzzMoment(f *testing.F) {
	f.Add("2020-01-02 03:04:05")
	f.Add("1577934245.25")
	f.Fuzz(func(t *testing.T, s string) {
		at, err := clock{}.moment(s)
		if err == nil && at > 0 && at < 253402300800000 {
			assert.Equal(t, at, pipeline.At(at.Time()))
		}
	})
}

// From every byte at which reading may have stopped, nothing is lost and nothing doubled.
func TestResumeAtEveryRecord(t *testing.T) {
	for format, content := range map[string]string{
		CSV:  "id,text\r\n1,\"a\r\nb\"\r\n\r\n2,\"c \"\"d\"\"\"\r\n3,e",
		TSV:  "id\ttext\n1\ta\n2\tb\n\n3\tc",
		Text: "\xEF\xBB\xBFa\n\nb\r\nc",
	} {
		c := DefaultConfig()
		c.Path, c.Format, c.Compression = t.TempDir()+"/posts", format, Gzip
		require.NoError(t, writeGzip(c.Path, content))
		var whole each
		src, err := Open(c)
		require.NoError(t, err)
		require.NoError(t, src.Run(t.Context(), nil, &whole))
		require.Len(t, whole.posts, 3, format)
		first, err := readPlace(whole.last)
		require.NoError(t, err)
		records := frames(t, strings.NewReader(content), 0, c.split(nil))
		at := place{File: first.File, Plan: first.Plan}
		for i, fr := range records {
			at.Offset, at.Line = fr.end, at.Line+fr.lines
			cursor, err := at.cursor()
			require.NoError(t, err)
			var rest each
			require.NoError(t, src.Run(t.Context(), cursor, &rest))
			require.Len(t, rest.posts, left(records[i+1:], first.Plan.Header, at.Line))
			require.Equal(t, append([]pipeline.Post(nil), whole.posts[3-len(rest.posts):]...), rest.posts, "%s after record %d", format, i)
		}
	}
}

// left counts the records that are posts: neither empty nor the header.
func left(records []frame, header, line int64) (n int) {
	for _, fr := range records {
		if len(fr.data) > 0 && line+1 != header {
			n++
		}
		line += fr.lines
	}
	return n
}

// each is a session that keeps what it is given.
type each struct {
	pipeline.Session
	posts []pipeline.Post
	last  pipeline.Cursor
}

func (e *each) Emit(_ context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	e.posts = append(e.posts, posts...)
	e.last = upTo
	return nil
}
func (*each) Alive() {}

func writeGzip(path, content string) error {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

func (e *each) Refuse(_ context.Context, payload []byte, origin, reason string) error {
	return fmt.Errorf("refused %s: %s: %q", origin, reason, payload)
}
