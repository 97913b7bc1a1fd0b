package clickhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// on moves a batch to another partition.
func on(partition int32, b *pipeline.Batch) *pipeline.Batch {
	b.Partition = partition
	b.Token += fmt.Sprintf("-%d", partition)
	for i := range b.Records {
		b.Records[i].Position.Partition = partition
	}
	return b
}

func by(author string, r pipeline.Record) pipeline.Record {
	r.Post.Author.ID = author
	return r
}

// deletion of an account.
func deletion(account string) pipeline.Record {
	r := says(pipeline.OpDelete, account)
	r.Post.Scope = pipeline.ScopeAccount
	return r
}

// The delete of an account stands on another partition than its posts, so it may be
// stored before, between, after and at the same time as they are.
func TestAccountDeleteWheneverItComes(t *testing.T) {
	for name, at := range map[string]int{"before": 0, "between": 1, "after": 2} {
		t.Run(name, func(t *testing.T) {
			db := fresh(t)
			l := openLedger(t, db)
			for i := range 3 {
				if i == at {
					_, err := l.Write(t.Context(), on(1, script(0, deletion("gone"))))
					require.NoError(t, err)
				} else {
					_, err := l.Write(t.Context(), script(int64(10*i), by("gone", says(pipeline.OpCreate, fmt.Sprintf("p%d", i), "Acme")),
						by("stays", says(pipeline.OpCreate, fmt.Sprintf("q%d", i), "Acme"))))
					require.NoError(t, err)
				}
				require.NoError(t, OpenRollups(db, l.log).Drain(t.Context()))
			}
			assertStays(t, db)
		})
	}
	t.Run("meanwhile", func(t *testing.T) {
		db := fresh(t)
		posts := openLedger(t, db)
		// The posts are stored and totalled after the deleting worker has looked for
		// mentions and before its tombstone stands.
		deleting, err := OpenLedger(t.Context(), db, zerolog.Nop(), func(p pipeline.CrashPoint) {
			if p != pipeline.CrashLedgerInserted {
				return
			}
			_, err := posts.Write(t.Context(), script(0, by("gone", says(pipeline.OpCreate, "p1", "Acme")),
				by("stays", says(pipeline.OpCreate, "q1", "Acme")), by("stays", says(pipeline.OpCreate, "q2", "Acme"))))
			assert.NoError(t, err)
			assert.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
			assert.Equal(t, "3", answer(t, db, "SELECT sum(mentions) FROM mentions_hour"))
		})
		require.NoError(t, err)
		_, err = deleting.Write(t.Context(), on(1, script(0, deletion("gone"))))
		require.NoError(t, err)
		require.NoError(t, OpenRollups(db, zerolog.Nop()).Drain(t.Context()))
		assertStays(t, db)
	})
}

func assertStays(t *testing.T, db *DB) {
	t.Helper()
	assert.Equal(t, "2", answer(t, db, "SELECT count() FROM mentions_current"))
	assert.Equal(t, "2", answer(t, db, "SELECT count() FROM posts_current"))
	assert.Equal(t, "2", answer(t, db, "SELECT sum(mentions) FROM mentions_hour"))
	assert.Equal(t, "2", answer(t, db, "SELECT sum(mentions) FROM mentions_minute"))
	assert.Equal(t, "1", answer(t, db, "SELECT uniqCombinedMerge(12)(authors) FROM mentions_hour"))
}

// TestEraseLeavesNoWords searches canary words in the bytes of the whole data directory.
func TestEraseLeavesNoWords(t *testing.T) {
	dir := t.TempDir()
	server, err := Start(t.Context(), ServerConfig{Dir: dir, HTTPPort: randomPort(), Logger: zerolog.Nop()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close(context.Background())) })
	cfg := DefaultConfig()
	users := server.Credentials()
	cfg.Addr, cfg.User, cfg.Password, cfg.Database = server.Addr(), users.Writer, users.WriterPassword, "erase"
	db, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	require.NoError(t, Migrate(t.Context(), db, "erase"))
	l := openLedger(t, db)

	kept, posted, authored, dead := "kqZ7vJw2xPkept", "pXw9Qzj4Kposted", "aYk3Vqx8Wauthored", "dZq6Jxk1Hdead"
	write := func(b *pipeline.Batch) {
		_, err := l.Write(t.Context(), b)
		require.NoError(t, err)
	}
	say := func(id, author, word string, brands ...string) pipeline.Record {
		r := by(author, says(pipeline.OpCreate, id, brands...))
		r.Post.Text, r.Post.Hashtags = word, []string{word + "-tag"}
		if author == "a2" { // the name of an account that stays is not the post's
			r.Post.Author.Name = word + "-name"
		}
		r.Post.ParentID, r.Post.Metrics.Likes = "parent", 3
		return r
	}
	write(script(0, say("p1", "a1", kept, "Acme")))
	write(script(10, say("p2", "a1", posted, "Acme")))
	write(script(20, say("p3", "a2", authored, "Acme")))
	write(script(30, say("p4", "a2", authored))) // names no brand
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO mentions SELECT * REPLACE('other' AS label_set) FROM mentions"))
	letter := pipeline.DeadLetter{ID: "x", Stage: "enrich", At: pipeline.At(time.Now()), Payload: []byte(`{"platform":"` + says(pipeline.OpCreate, "x").Post.Platform + `","author":{"id": "a2"},"text":"` + dead + `"}`)} // short: longer ones are packed
	require.NoError(t, db.PutDeadLetters(t.Context(), []pipeline.DeadLetter{letter}))
	require.NoError(t, OpenRollups(db, l.log).Drain(t.Context()))
	for _, word := range []string{kept, posted, authored, dead} {
		require.NotEmpty(t, filesWith(t, dir, word), word+": the search finds what is there")
	}

	platform := answer(t, db, "SELECT DISTINCT platform FROM posts")
	require.NoError(t, db.Forget(t.Context(), pipeline.ScopePost, platform, "p2", pipeline.At(time.Now())))
	write(on(1, script(0, deletion("a2"))))
	require.NoError(t, OpenRollups(db, l.log).Drain(t.Context()))
	assert.Equal(t, "1", answer(t, db, "SELECT count() FROM mentions_current WHERE label_set = 'live'"), "hidden at once")
	assert.Equal(t, "1", answer(t, db, "SELECT sum(mentions) FROM mentions_hour WHERE label_set = 'live'"))
	assert.NotEqual(t, "0", answer(t, db, "SELECT sum(remaining) FROM ("+db.Remains()+")"))
	write(script(40, say("p5", "a2", authored, "Acme"))) // late

	rows, err := Erase(t.Context(), db, zerolog.Nop())
	require.NoError(t, err)
	assert.Positive(t, rows)
	assert.Equal(t, "0", answer(t, db, "SELECT sum(remaining) FROM ("+db.Remains()+")"))
	rows, err = Erase(t.Context(), db, zerolog.Nop())
	require.NoError(t, err)
	assert.Zero(t, rows, "a second run has nothing to do")
	assert.Equal(t, "6", answer(t, db, "SELECT count() FROM posts"), "the ledger keeps one row for each record")
	assert.Equal(t, "p1", answer(t, db, "SELECT DISTINCT id FROM posts_current"))
	assert.Equal(t, "p1", answer(t, db, "SELECT DISTINCT id FROM mentions"))
	assert.Equal(t, "p1", answer(t, db, "SELECT DISTINCT id FROM metrics_current"))
	assert.Equal(t, "p1", answer(t, db, "SELECT DISTINCT id FROM interactions_current"))

	for _, table := range []string{"posts", "mentions", "interactions", "metrics_observed", "authors", "dead_letters"} {
		require.NoError(t, db.Exec(t.Context(), "ALTER TABLE "+table+" MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, max_cleanup_delay_period = 2"))
	}
	for _, word := range []string{posted, authored, dead} {
		assert.Eventually(t, func() bool { return len(filesWith(t, dir, word)) == 0 }, 5*time.Minute, 500*time.Millisecond, word)
	}
	assert.NotEmpty(t, filesWith(t, dir, kept))
}

// filesWith are the files whose bytes hold a word.
func filesWith(t *testing.T, dir, word string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // parts come and go while we look
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(word)) {
			out = append(out, path)
		}
		return nil
	})
	require.NoError(t, err)
	return out
}

// TestAnAccountDeletedMeanwhileStaysHidden: a round of the erasure that has made the
// tombstones of posts already meets the posts of an account that was deleted since. They
// must keep their author, or nothing would hide them any more.
func TestAnAccountDeletedMeanwhileStaysHidden(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	_, err := l.Write(t.Context(), script(0, by("gone", says(pipeline.OpCreate, "p1", "Acme"))))
	require.NoError(t, err)
	platform := answer(t, db, "SELECT DISTINCT platform FROM posts")
	require.NoError(t, db.Forget(t.Context(), pipeline.ScopeAccount, platform, "gone", pipeline.At(time.Now())))
	for _, e := range db.erasures("1") { // what a round does after its tombstones
		require.NoError(t, db.Exec(t.Context(), "ALTER TABLE "+e.table+" "+e.change+" WHERE "+e.takes+
			" SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1"))
	}
	assert.Equal(t, "0", answer(t, db, "SELECT count() FROM posts_current"))
	assert.NotEqual(t, "0", answer(t, db, "SELECT sum(remaining) FROM ("+db.Remains()+")"), "the proof says that words are left")
	_, err = Erase(t.Context(), db, zerolog.Nop())
	require.NoError(t, err)
	assert.Equal(t, "0", answer(t, db, "SELECT count() FROM posts_current"))
	assert.Equal(t, "0", answer(t, db, "SELECT sum(remaining) FROM ("+db.Remains()+")"))
}

// TestDeadLettersOfDeletedPosts: which letters an erasure takes.
func TestDeadLettersOfDeletedPosts(t *testing.T) {
	db := fresh(t)
	at := pipeline.At(time.Now())
	require.NoError(t, db.Forget(t.Context(), pipeline.ScopePost, "blog", "1", at))
	require.NoError(t, db.Forget(t.Context(), pipeline.ScopePost, "blog", "3kxyzabc", at))
	require.NoError(t, db.Forget(t.Context(), pipeline.ScopePost, "mastodon", "109348", at))
	require.NoError(t, db.Forget(t.Context(), pipeline.ScopeAccount, "blog", "ann", at))
	letters := map[string]struct {
		payload string
		goes    bool
	}{
		"the post":                        {`{"platform":"blog","id":"1","text":"x"}`, true},
		"another platform's post":         {`{"platform":"news","id":"1","text":"x"}`, false},
		"a parent's id":                   {`{"platform":"blog","id":"2","parent_id":"1"}`, false},
		"a post of the account":           {`{"platform":"blog","id":"2","author":{"id":"ann"}}`, true},
		"a post with the account's id":    {`{"platform":"blog","id":"ann"}`, false},
		"an account with the post's id":   {`{"platform":"blog","id":"2","author":{"id":"1"}}`, false},
		"no JSON, long id":                {`{"platform":"blog","id":"3kxyzabc","text":"x`, true},
		"no JSON, short id":               {`{"platform":"blog","id":"1","text":"x`, false},
		"a platform's own, by number":     {`{"status":{"id": 109348}}`, true},
		"a platform's own, longer number": {`{"status":{"id": 1093481}}`, false},
	}
	for id, l := range letters {
		require.NoError(t, db.PutDeadLetters(t.Context(), []pipeline.DeadLetter{{ID: id, Stage: "decode", At: at, Payload: []byte(l.payload)}}))
	}
	_, err := Erase(t.Context(), db, zerolog.Nop())
	require.NoError(t, err)
	for id, l := range letters {
		left := answer(t, db, "SELECT count() FROM dead_letters WHERE id = '"+strings.ReplaceAll(id, "'", "''")+"'")
		assert.Equal(t, l.goes, left == "0", id)
	}
	assert.Equal(t, "0", answer(t, db, "SELECT sum(remaining) FROM ("+db.Overdue(0)+")"))
}

// TestAlertsForgetDeletedPosts: explanations and messages show posts, and show them no
// more once these are deleted.
func TestAlertsForgetDeletedPosts(t *testing.T) {
	db, at := fresh(t), pipeline.At(time.Now())
	alerts := OpenAlerts(db)
	for id, post := range map[string]string{"i1": "gone", "i2": "kept"} {
		incident := pipeline.Incident{
			ID: id, Brand: "Acme", State: pipeline.IncidentOpen, Opened: at, Evidence: []pipeline.Evidence{{Kind: pipeline.AlertVolume, At: at}},
			Explanation: pipeline.Explanation{Posts: []pipeline.Carrier{{Platform: "blog", ID: post, Text: "words of " + post}}},
		}
		require.NoError(t, alerts.Save(t.Context(), &incident))
		message, err := json.Marshal(map[string]any{"incidents": []pipeline.Incident{incident}})
		require.NoError(t, err)
		for _, state := range []string{"sent", "waiting"} {
			require.NoError(t, alerts.putJSON(t.Context(), "deliveries", map[string]any{"id": id + state, "channel": "c", "state": state, "message": string(message), "created_at": stamp(at)}))
		}
	}
	require.NoError(t, db.Forget(t.Context(), pipeline.ScopePost, "blog", "gone", at))
	_, err := Erase(t.Context(), db, zerolog.Nop())
	require.NoError(t, err)
	assert.Equal(t, "1", answer(t, db, "SELECT countIf(explanation LIKE '%words of kept%') FROM incidents"))
	assert.Equal(t, "0", answer(t, db, "SELECT countIf(explanation LIKE '%words of gone%') FROM incidents"))
	assert.Equal(t, "i1waiting", answer(t, db, "SELECT arrayStringConcat(groupArrayIf(id, message LIKE '%words of gone%')) FROM deliveries"), "what is not sent yet needs its words")
	assert.Equal(t, "0", answer(t, db, "SELECT sum(remaining) FROM ("+db.Remains()+")"))
}

// TestErasingMarksWhatItTakes: a worker stored a tombstone and died before its marks; the
// erasure takes the rows before a successor could find them. The totals must follow.
func TestErasingMarksWhatItTakes(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	_, err := l.Write(t.Context(), script(0, says(pipeline.OpCreate, "p1", "Acme"), says(pipeline.OpCreate, "p2", "Acme")))
	require.NoError(t, err)
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO mentions SELECT * REPLACE('other' AS label_set) FROM mentions"))
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO dirty (label_set, brand, hour, mark) SELECT DISTINCT label_set, brand, hour, 1 FROM mentions"))
	require.NoError(t, OpenRollups(db, l.log).Drain(t.Context()))
	require.Equal(t, "2\t4", answer(t, db, "SELECT uniqExact(label_set), sum(mentions) FROM mentions_hour"))
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO tombstones (platform, scope, id, deleted_at) SELECT platform, 'post', 'p1', now64(3) FROM posts LIMIT 1"))
	_, err = Erase(t.Context(), db, zerolog.Nop())
	require.NoError(t, err)
	require.NoError(t, OpenRollups(db, l.log).Drain(t.Context()))
	assert.Equal(t, "2\t2", answer(t, db, "SELECT uniqExact(label_set), sum(mentions) FROM mentions_hour"))
}

// TestErasingTakesWhatItMarked: a tombstone that comes between the marks of the erasure and
// its change, by a worker that comes to its own marks only afterwards. The totals of a label
// set that the worker does not write must follow all the same.
func TestErasingTakesWhatItMarked(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	_, err := l.Write(t.Context(), script(0, says(pipeline.OpCreate, "p1", "Acme"), says(pipeline.OpCreate, "p2", "Acme"), says(pipeline.OpCreate, "p3", "Acme")))
	require.NoError(t, err)
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO mentions SELECT * REPLACE('other' AS label_set) FROM mentions"))
	require.NoError(t, db.Exec(t.Context(), "INSERT INTO dirty (label_set, brand, hour, mark) SELECT DISTINCT label_set, brand, hour, 1 FROM mentions"))
	total := func() {
		t.Helper()
		require.NoError(t, OpenRollups(db, l.log).Drain(t.Context()))
	}
	total()
	require.Equal(t, "2\t6", answer(t, db, "SELECT uniqExact(label_set), sum(mentions) FROM mentions_hour"))
	platform := answer(t, db, "SELECT DISTINCT platform FROM posts")
	require.NoError(t, db.Forget(t.Context(), pipeline.ScopePost, platform, "p1", pipeline.At(time.Now())))

	met := 0
	e := &eraser{db: db, log: l.log, between: func(string) {
		if met++; met == 1 {
			total() // the marks are used up before p2 is deleted
			assert.NoError(t, db.Exec(t.Context(), "INSERT INTO tombstones (platform, scope, id, deleted_at) SELECT platform, 'post', 'p2', now64(3) FROM posts LIMIT 1"))
		}
	}}
	_, err = e.run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, met, "what came meanwhile is taken by a round of its own")
	dirty := newDirtyBlock()
	require.NoError(t, db.markDeleted(t.Context(), map[pair]bool{{platform, "p2"}: true}, nil, dirty, 7))
	assert.Zero(t, dirty.rows(), "the worker finds nothing to mark")
	total()
	assert.Equal(t, "2\t2", answer(t, db, "SELECT uniqExact(label_set), sum(mentions) FROM mentions_hour"))
	assert.Equal(t, "2\t2", answer(t, db, "SELECT uniqExact(label_set), count() FROM mentions_current"))
	assert.Equal(t, "p3", answer(t, db, "SELECT DISTINCT id FROM mentions"))
}
