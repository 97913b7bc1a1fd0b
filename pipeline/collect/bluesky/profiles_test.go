package bluesky

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/collecttest"
)

// appView answers getProfiles: each account has as many followers as its name has letters;
// accounts that begin with gone do not exist. It counts requests.
func appView(t *testing.T, answer func(http.ResponseWriter) bool) (*profiles, *atomic.Int64) {
	t.Helper()
	asked := &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		actors := r.URL.Query()["actors"]
		if len(actors) > profilesAtOnce || r.URL.Path != "/xrpc/app.bsky.actor.getProfiles" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if answer != nil && !answer(w) {
			return
		}
		var all []string
		for _, id := range actors {
			if !strings.HasPrefix(id, "did:plc:gone") {
				all = append(all, fmt.Sprintf(`{"did":%q,"handle":"h.example","displayName":"N","followersCount":%d,"followsCount":2,"postsCount":3,"createdAt":"2023-07-01T00:00:00.000Z","verification":{"verifiedStatus":"valid"}}`, id, len(id)))
			}
		}
		fmt.Fprintf(w, `{"profiles":[%s]}`, strings.Join(all, ","))
	}))
	t.Cleanup(s.Close)
	hc := client.DefaultConfig()
	hc.AllowPrivate, hc.PerSecond = true, 1000
	c, err := client.New(hc, "test")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return newProfiles(s.URL, c), asked
}

func said(ids ...string) []pipeline.Post {
	var all []pipeline.Post
	for _, id := range ids {
		all = append(all, pipeline.Post{Op: pipeline.OpCreate, Kind: pipeline.KindPost, Author: pipeline.Author{ID: id}})
	}
	return all
}

func TestAuthorsGetTheirFollowers(t *testing.T) {
	p, asked := appView(t, nil)
	posts := said("did:plc:a", "did:plc:bb", "did:plc:gone", "did:plc:a")
	posts = append(posts, pipeline.Post{Op: pipeline.OpCreate, Kind: pipeline.KindRepost, Author: pipeline.Author{ID: "did:plc:reposts"}})
	require.NoError(t, profiled{collecttest.Quiet{}, p}.Emit(t.Context(), posts, nil))
	created := pipeline.At(time.Date(2023, 7, 1, 0, 0, 0, 0, time.UTC))
	assert.Equal(t, pipeline.Author{ID: "did:plc:a", Handle: "h.example", Name: "N", Followers: 9, Following: 2, Posts: 3, Verified: true, CreatedAt: created}, posts[0].Author)
	assert.Equal(t, posts[0].Author, posts[3].Author)
	assert.EqualValues(t, 10, posts[1].Author.Followers)
	assert.Equal(t, pipeline.Author{ID: "did:plc:gone"}, posts[2].Author)
	assert.Equal(t, pipeline.Author{ID: "did:plc:reposts"}, posts[4].Author)
	assert.EqualValues(t, 1, asked.Load())
}

func TestAProfileIsAskedForOnceADay(t *testing.T) {
	p, asked := appView(t, nil)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p.now = func() time.Time { return now }
	for _, step := range []struct {
		after time.Duration
		want  int64
	}{{0, 1}, {23 * time.Hour, 1}, {time.Hour, 2}} {
		now = now.Add(step.after)
		p.fill(t.Context(), said("did:plc:a", "did:plc:gone"))
		assert.Equal(t, step.want, asked.Load(), "those that are gone are not asked for again either")
	}
	p.fill(t.Context(), []pipeline.Post{{Op: pipeline.OpDelete, Scope: pipeline.ScopeAccount, Author: pipeline.Author{ID: "did:plc:a"}}})
	assert.NotContains(t, p.known, "did:plc:a", "a deleted account is forgotten")
}

func TestABacklogGoesWithoutFollowersRatherThanWait(t *testing.T) {
	p, asked := appView(t, nil)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p.now = func() time.Time { return now }
	var ids []string
	for i := range 2 * profilesBurst * profilesAtOnce {
		ids = append(ids, fmt.Sprint("did:plc:", i))
	}
	posts := said(ids...)
	p.fill(t.Context(), posts)
	assert.EqualValues(t, profilesBurst, asked.Load())
	assert.Positive(t, posts[0].Author.Followers)
	assert.Zero(t, posts[len(posts)-1].Author.Followers)
	now = now.Add(time.Second)
	p.fill(t.Context(), posts)
	assert.EqualValues(t, profilesBurst+profilesPerSecond, asked.Load(), "the pace goes on")
}

func TestProfilesOnBadDays(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter) bool
		rest   time.Duration
		again  int64 // requests when it has passed
	}{
		"an error": {func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return false }, profilesRest, 2},
		"no JSON":  {func(w http.ResponseWriter) bool { fmt.Fprint(w, "<html>"); return false }, profilesRest, 2},
		"slow down": {func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", "300")
			w.WriteHeader(429)
			return false
		}, 4 * time.Minute, 1}, // by the true clock it lasts: the client keeps the order too
	} {
		t.Run(name, func(t *testing.T) {
			p, asked := appView(t, c.answer)
			posts := said("did:plc:a")
			require.NoError(t, profiled{collecttest.Quiet{}, p}.Emit(t.Context(), posts, nil), "posts go on")
			assert.Zero(t, posts[0].Author.Followers)
			now := time.Now()
			p.now = func() time.Time { return now.Add(c.rest / 2) }
			p.fill(t.Context(), posts)
			assert.EqualValues(t, 1, asked.Load(), "nobody is asked while the service rests")
			p.now = func() time.Time { return now.Add(c.rest + 3*time.Minute) }
			p.fill(t.Context(), posts)
			assert.Equal(t, c.again, asked.Load())
		})
	}
}

func TestProfilesKeptAreBounded(t *testing.T) {
	p := newProfiles("", nil)
	for i := range profilesMost {
		p.known[fmt.Sprint(i)] = profile{read: p.now()}
	}
	p.room(profilesAtOnce)
	assert.LessOrEqual(t, len(p.known), profilesMost*9/10)
}

func FuzzProfiles(f *testing.F) {
	f.Add([]byte(`{"profiles":[{"did":"did:plc:a","handle":"handle.invalid","followersCount":-1,"createdAt":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := decodeProfiles(data)
		for id, a := range found {
			require.NoError(t, err)
			assert.Equal(t, id, a.ID)
			assert.GreaterOrEqual(t, a.Followers, int64(0))
		}
	})
}
