package file_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/file"
)

// outcome is what the runner made of a file, as text: posts in order of their line, then
// dead letters.
func outcome(k *collecttest.Kafka) string {
	var posts, letters []string
	for _, r := range k.Records() {
		p := r.Post
		p.SeenAt = 0 // the clock of the test
		posts = append(posts, string(p.AppendJSON(nil)))
	}
	for _, l := range k.Letters() {
		letters = append(letters, fmt.Sprintf("DEAD %s: %s [%s]", l.Origin, l.Reason, l.Payload))
	}
	slices.Sort(posts)
	slices.Sort(letters)
	return strings.Join(append(posts, letters...), "\n") + "\n"
}

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*file.Config)
	}{
		{"posts.ndjson", func(*file.Config) {}},
		{"header.csv", func(*file.Config) {}},
		{"plain.tsv", func(c *file.Config) {
			c.Columns = map[string]string{"id": "1", "text": "2", "created_at": "3"}
			c.Platform, c.Lang = "forum", "en"
		}},
		{"lines.txt", func(c *file.Config) { c.Kind = "review" }},
		{"objects.ndjson", func(c *file.Config) {
			c.Columns = map[string]string{"id": "name", "text": "data.body", "author.handle": "data.by.login",
				"hashtags": "data.tags", "created_at": "data.at", "metrics.likes": "data.n", "title": "data.none.at.all"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &collecttest.Kafka{}
			load(t, k, open(t, filepath.Join("testdata", c.name), c.set))
			golden := filepath.Join("testdata", c.name+".golden")
			collecttest.Wanted(t, golden, outcome(k))
		})
	}
}

func TestUTF16(t *testing.T) {
	content := []byte{0xFF, 0xFE}
	for _, r := range "id,text\n1,größer — ja\n" {
		content = append(content, byte(r), byte(r>>8))
	}
	k := &collecttest.Kafka{}
	load(t, k, open(t, write(t, "excel.csv", content)))
	require.Len(t, k.Records(), 1)
	assert.Equal(t, "größer — ja", k.Records()[0].Post.Text)
}

func TestALongLineHarmsNoNeighbour(t *testing.T) {
	for _, long := range []int{2 << 20, 10 << 20, 20 << 20} {
		line := `{"platform":"test","id":"long","text":"` + strings.Repeat("x", long) + `"}`
		content := `{"platform":"test","id":"1","text":"a"}` + "\n" + line + "\n" + `{"platform":"test","id":"2","text":"b"}` + "\n"
		k := &collecttest.Kafka{}
		load(t, k, open(t, write(t, "posts.ndjson", []byte(content))))
		assert.Equal(t, map[string]int{"test/1": 1, "test/2": 1}, k.Count())
		require.Len(t, k.Letters(), 1)
		assert.True(t, bytes.HasPrefix(k.Letters()[0].Payload, []byte(`{`)))
		assert.LessOrEqual(t, len(k.Letters()[0].Payload), pipeline.MaxDeadPayload)
	}
}

func TestAnUnclosedQuoteCostsOneLine(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,text\n1,\"open\n")
	for i := 2; i < 2000; i++ {
		fmt.Fprintf(&b, "%d,line\n", i)
	}
	k := &collecttest.Kafka{}
	load(t, k, open(t, write(t, "posts.csv", []byte(b.String()))))
	assert.Len(t, k.Records(), 1998)
	assert.Len(t, k.Letters(), 1)
}

func TestAGeneratedIDIsStable(t *testing.T) {
	path := write(t, "lines.txt", []byte("same\nsame\n"))
	var ids [2][]string
	for i := range ids {
		k := &collecttest.Kafka{}
		load(t, k, open(t, path))
		for _, r := range k.Records() {
			ids[i] = append(ids[i], r.Post.ID)
		}
		slices.Sort(ids[i])
	}
	assert.Len(t, ids[0], 2)
	assert.NotEqual(t, ids[0][0], ids[0][1])
	assert.Equal(t, ids[0], ids[1])
}

// collecting is a session that keeps what it is given.
type collecting struct {
	posts   []pipeline.Post
	cursors []pipeline.Cursor
	refused []string
	gaps    []string
	alive   func()
}

func (c *collecting) Emit(ctx context.Context, posts []pipeline.Post, upTo pipeline.Cursor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.posts = append(c.posts, posts...)
	c.cursors = append(c.cursors, upTo)
	return nil
}

func (c *collecting) Refuse(_ context.Context, _ []byte, origin, _ string) error {
	c.refused = append(c.refused, origin)
	return nil
}
func (c *collecting) Gap(_, _ time.Time, reason string) { c.gaps = append(c.gaps, reason) }
func (*collecting) Limited(time.Time, string)           {}
func (c *collecting) Alive() {
	if c.alive != nil {
		c.alive()
	}
}

func (c *collecting) texts() []string {
	var all []string
	for _, p := range c.posts {
		all = append(all, p.Text)
	}
	return all
}

func TestAChangedFileIsNoticed(t *testing.T) {
	path := write(t, "lines.txt", []byte("one\ntwo\n"))
	var s collecting
	require.NoError(t, open(t, path).Run(t.Context(), nil, &s))
	end := s.cursors[len(s.cursors)-1]
	for name, content := range map[string]string{"another": "eins\nzwei\ndrei\n", "shorter": "one\n"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		err := open(t, path).Run(t.Context(), end, &collecting{})
		require.ErrorContains(t, err, "is not the file that was read up to line 2", name)
		var permanent interface{ Permanent() bool }
		require.ErrorAs(t, err, &permanent)
	}
	require.NoError(t, os.WriteFile(path, []byte("one\ntwo\nthree\n"), 0o600))
	var more collecting
	require.NoError(t, open(t, path).Run(t.Context(), end, &more))
	assert.Equal(t, []string{"three"}, more.texts(), "a file that has grown is read on")
}

func TestADamagedFileHandsOverWhatStandsBefore(t *testing.T) {
	content, _, _ := upstream("ndjson")
	for name, packed := range map[string][]byte{"posts.ndjson.gz": gzipped(t, content), "posts.ndjson.zst": zstandard(t, content)} {
		cut := packed[:len(packed)*9/10]
		var s collecting
		err := open(t, write(t, name, cut)).Run(t.Context(), nil, &s)
		require.ErrorContains(t, err, "damaged after byte", name)
		var permanent interface{ Permanent() bool }
		require.ErrorAs(t, err, &permanent, name)
	}
}

func TestFollowReadsOverRotationAndTruncation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.txt")
	appendTo := func(s string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = f.WriteString(s)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src := open(t, path, func(c *file.Config) { c.Follow, c.Poll = true, time.Millisecond })
	appendTo("one\nhal")
	var s collecting
	step := 0
	steps := []struct {
		texts int // go on when so many are there
		do    func()
	}{
		{1, func() { appendTo("f\n") }},
		{2, func() {
			appendTo("last of the old, no line break")
			require.NoError(t, os.Rename(path, path+".1"))
			appendTo("one\n")
		}},
		{4, func() { require.NoError(t, os.WriteFile(path, []byte("x\n"), 0o600)) }}, // copytruncate
		{5, cancel},
	}
	s.alive = func() {
		if step < len(steps) && len(s.posts) >= steps[step].texts {
			step++
			steps[step-1].do()
		}
	}
	require.ErrorIs(t, src.Run(ctx, nil, &s), context.Canceled)
	assert.Equal(t, []string{"one", "half", "last of the old, no line break", "one", "x"}, s.texts())
	require.Len(t, s.gaps, 1)
	assert.Contains(t, s.gaps[0], "cut short")
	ids := map[string]bool{}
	for _, p := range s.posts {
		ids[p.ID] = true
	}
	assert.Len(t, ids, 5, "the same line in two files is two posts")
}

func TestFollowFindsTheFileThatWasRotatedWhileNobodyRead(t *testing.T) {
	path := write(t, "log.txt", []byte("one\n"))
	follow := func(from pipeline.Cursor, until int) *collecting {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &collecting{}
		s.alive = func() {
			if len(s.posts) >= until {
				cancel()
			}
		}
		src := open(t, path, func(c *file.Config) { c.Follow, c.Poll = true, time.Millisecond })
		require.ErrorIs(t, src.Run(ctx, from, s), context.Canceled)
		return s
	}
	first := follow(nil, 1)
	require.NoError(t, os.WriteFile(path+".1", []byte("one\ntwo\n"), 0o600))
	require.NoError(t, os.WriteFile(path, []byte("three\n"), 0o600))
	second := follow(first.cursors[len(first.cursors)-1], 2)
	assert.Equal(t, []string{"two", "three"}, second.texts())
	assert.Empty(t, second.gaps)
	require.NoError(t, os.Remove(path+".1"))
	third := follow(first.cursors[len(first.cursors)-1], 1)
	assert.Equal(t, []string{"three"}, third.texts())
	require.Len(t, third.gaps, 1)
	assert.Contains(t, third.gaps[0], "not found")
}
