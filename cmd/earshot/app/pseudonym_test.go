package app

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// emitted keeps what a session hears.
type emitted struct {
	posts    []pipeline.Post
	payloads []string
}

func (e *emitted) Emit(_ context.Context, posts []pipeline.Post, _ pipeline.Cursor) error {
	e.posts = append(e.posts, posts...)
	return nil
}

func (e *emitted) Refuse(_ context.Context, payload []byte, _, _ string) error {
	e.payloads = append(e.payloads, string(payload))
	return nil
}
func (*emitted) Gap(time.Time, time.Time, string) {}
func (*emitted) Limited(time.Time, string)        {}
func (*emitted) Alive()                           {}

type twoPosts struct{ posts []pipeline.Post }

func (s twoPosts) Run(ctx context.Context, _ pipeline.Cursor, to pipeline.Session) error {
	if err := to.Refuse(ctx, []byte("alice broke the format"), "1", "broken"); err != nil {
		return err
	}
	return to.Emit(ctx, s.posts, nil)
}
func (twoPosts) Deterministic() bool { return true }

const testKey = "0123456789abcdef0123456789abcdef"

func TestPseudonymsHideWhoSaidIt(t *testing.T) {
	posts := []pipeline.Post{
		{Op: pipeline.OpCreate, Platform: "x", ID: "alice-1", Author: pipeline.Author{ID: "alice", Handle: "alice", Name: "alice", Location: "alice"},
			Text: "a post", URL: "https://x/alice/1", Handles: []string{"alice"}, ParentID: "alice-0", ParentAuthor: "alice",
			RootID: "alice-0", RootAuthor: "alice", RepostOf: "alice-0", RepostAuthor: "alice", QuoteOf: "alice-0", QuoteAuthor: "alice"},
		{Op: pipeline.OpDelete, Scope: pipeline.ScopeAccount, Platform: "x", ID: "alice", Author: pipeline.Author{ID: "alice"}},
		{Op: pipeline.OpDelete, Scope: pipeline.ScopePost, Platform: "x", ID: "alice-1"},
		{Op: pipeline.OpCreate, Platform: "blog", ID: "1", Author: pipeline.Author{ID: "alice"}},
	}
	names := Pseudonyms{Platforms: []string{"x"}, Key: testKey}
	var heard emitted
	source := names.wrap(twoPosts{posts})
	require.True(t, source.(pipeline.Deterministic).Deterministic())
	require.NoError(t, source.Run(t.Context(), nil, &heard))

	for i := range 3 {
		assert.NotContains(t, string(heard.posts[i].AppendJSON(nil)), "alice")
	}
	assert.Equal(t, heard.posts[0].Author.ID, heard.posts[1].ID, "an account's delete finds its posts")
	assert.Equal(t, heard.posts[0].Author.ID, heard.posts[0].ParentAuthor)
	assert.Equal(t, heard.posts[0].ID, heard.posts[2].ID, "a post's delete finds its post")
	assert.Equal(t, heard.posts[0].ParentID, heard.posts[0].RootID)
	assert.Equal(t, "alice", heard.posts[3].Author.ID, "another platform")
	assert.NotContains(t, heard.payloads[0], "alice")
	assert.Equal(t, "alice-1", posts[0].ID, "the source's own posts are not changed")

	other := Pseudonyms{Platforms: []string{"*"}, Key: testKey + "!"}
	again := posts[0]
	other.hide(&again)
	assert.NotEqual(t, heard.posts[0].Author.ID, again.Author.ID, "another key")
}

func TestPseudonymsAreRefusedWithoutAKey(t *testing.T) {
	require.ErrorContains(t, Pseudonyms{Platforms: []string{"x"}, Key: "short"}.Validate(), "openssl rand")
	require.ErrorContains(t, Pseudonyms{Key: testKey}.Validate(), "platforms")
	require.NoError(t, Pseudonyms{}.Validate())
	cfg := DefaultConfig()
	cfg.Pseudonyms = Pseudonyms{Platforms: []string{"x"}, Key: testKey}
	assert.NotContains(t, cfg.Pseudonyms.Key.String(), "0123")
}
