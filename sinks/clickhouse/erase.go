package clickhouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Erasing follows a delete: the views hide a deleted post at once, and by the deadline of
// the configuration its words leave every table. The ledger keeps the row (ids, kind,
// times), because each Kafka record has one; all other rows go. Tombstones stay for ever,
// so that whatever comes late (a back-fill, offsets that were reset) is hidden at once and
// erased by the next run.

// erasure is one table: which rows hold words of what was deleted, which of them one round
// takes, and what becomes of them.
type erasure struct {
	table, where, takes, change string
}

// erasures lists all tables that can hold words, and which of their rows do: those of
// posts and accounts whose tombstones fulfil a condition.
func (d *DB) erasures(condition string) []erasure {
	stones := func(scope string) string {
		return "(SELECT platform, id FROM " + d.table("tombstones") + " WHERE scope = '" + scope + "' AND " + condition + ")"
	}
	byPost, byAuthor := "(platform, id) IN "+stones("post"), "(platform, author_id) IN "+stones("account")
	var filled, emptied []string
	for _, name := range wordy() {
		filled = append(filled, "notEmpty("+name+")")
		emptied = append(emptied, "`"+name+"` = "+emptyOf(name))
	}
	letters, incidents, deliveries := d.lettersOf(condition), d.incidentsOf(condition), d.deliveriesOf(condition)
	either := byPost + " OR " + byAuthor
	ledger := "op IN ('create', 'update', 'metrics') AND (" + strings.Join(filled, " OR ") + ") AND "
	return []erasure{
		{"mentions", either, either, "DELETE"},
		{"interactions", either, either, "DELETE"},
		{"metrics_observed", byPost, byPost, "DELETE"},
		{"overrides", byPost, byPost, "DELETE"},
		{"authors", byAuthor, byAuthor, "DELETE"},
		{"influence", byAuthor, byAuthor, "DELETE"},
		{"mention_facts", either, either, "DELETE"},
		{"account_facts", byAuthor, byAuthor, "DELETE"},
		{"dead_letters", letters, letters, "DELETE"},
		{"incidents", incidents, incidents, "UPDATE explanation = '{}'"},
		{"deliveries", deliveries, deliveries, "UPDATE message = '{}'"},
		// A row of the ledger loses its author only once its post has a tombstone: an account
		// may be deleted after this round has made those, and nothing else would hide the row.
		{"posts", ledger + "(" + either + ")", ledger + byPost, "UPDATE " + strings.Join(emptied, ", ")},
	}
}

// shortID is the length below which an id is too common a word to be looked for in what
// cannot be read.
const shortID = 6

// lettersOf is true for dead letters with words of what was deleted. A letter that is a
// post of ours goes by platform and id, or platform and account. What is no JSON, or a
// platform's own, goes if a tombstone's id, of six characters or more, stands in it as a whole
// string or number; rather one letter too many than one too few.
func (d *DB) lettersOf(condition string) string {
	stones := d.table("tombstones") + " WHERE " + condition
	const platform, payload = "JSONExtractString(payload, 'platform')", "isValidJSON(payload) AND JSONHas(payload, 'platform')"
	return "id IN (SELECT id FROM " + d.table("dead_letters") + " WHERE " + payload +
		" AND ((" + platform + ", 'post', JSONExtractString(payload, 'id')) IN (SELECT platform, scope, id FROM " + stones + ")" +
		" OR (" + platform + ", 'account', JSONExtractString(payload, 'author', 'id')) IN (SELECT platform, scope, id FROM " + stones + "))" +
		" UNION ALL SELECT id FROM (SELECT id, arrayJoin(arrayConcat(extractAll(payload, '\"([^\"]+)\"'), extractAll(payload, '[:,\\\\[]\\\\s*([0-9]+)'))) AS named FROM " +
		d.table("dead_letters") + " WHERE NOT (" + payload + ")) WHERE length(named) >= " + strconv.Itoa(shortID) +
		" AND named IN (SELECT id FROM " + stones + "))"
}

// incidentsOf is true for incidents whose explanation shows posts that were deleted: it
// goes as a whole, the figures beside it stay.
func (d *DB) incidentsOf(condition string) string {
	return "incident_id IN (SELECT incident_id FROM (SELECT incident_id, arrayJoin(JSONExtractArrayRaw(explanation, 'posts')) AS post FROM " +
		d.table("incidents") + ") WHERE " + d.shown(condition) + ")"
}

// deliveriesOf does the same for messages to people that have been settled.
func (d *DB) deliveriesOf(condition string) string {
	return "state != 'waiting' AND id IN (SELECT id FROM (SELECT id, arrayJoin(JSONExtractArrayRaw(incident, 'explanation', 'posts')) AS post" +
		" FROM (SELECT id, arrayJoin(JSONExtractArrayRaw(message, 'incidents')) AS incident FROM " + d.table("deliveries") + ")) WHERE " + d.shown(condition) + ")"
}

// shown is true for a post of an explanation (pipeline.Carrier) that was deleted.
func (d *DB) shown(condition string) string {
	return "(JSONExtractString(post, 'platform'), 'post', JSONExtractString(post, 'id')) IN (SELECT platform, scope, id FROM " +
		d.table("tombstones") + " WHERE " + condition + ") OR (JSONExtractString(post, 'platform'), 'account', JSONExtractString(post, 'author'))" +
		" IN (SELECT platform, scope, id FROM " + d.table("tombstones") + " WHERE " + condition + ")"
}

func emptyOf(column string) string {
	switch column {
	case "hashtags", "handles", "links", "media_url", "media_alt":
		return "[]"
	default:
		return "''"
	}
}

// Remains is the query that proves an erasure: the rows of each table that still hold
// words of what was deleted. All of them are zero when it is done.
func (d *DB) Remains() string { return d.remains("1") }

// Overdue is the query of what Remains counts for deletes that are older than a time.
func (d *DB) Overdue(within time.Duration) string {
	return d.remains(fmt.Sprintf("deleted_at < now() - INTERVAL %d SECOND", int(within.Seconds())))
}

func (d *DB) remains(condition string) string {
	all := d.erasures(condition)
	parts := make([]string, 0, len(all))
	for _, e := range all {
		parts = append(parts, "SELECT '"+e.table+"' AS table, count() AS remaining FROM "+d.table(e.table)+" WHERE "+e.where)
	}
	return strings.Join(parts, "\nUNION ALL\n") + "\nORDER BY table"
}

// eraseRounds bounds the rounds of one run: each takes what came during the one before.
const eraseRounds = 5

// Erase takes the words of deleted posts and accounts out of every table and returns how
// many rows it touched. It waits for its changes and may be repeated at any time; what
// ClickHouse replaced leaves the disk 8 to 18 minutes later: it keeps such files for
// old_parts_lifetime (8 minutes), and a table at rest looks for them every 10 at least.
func Erase(ctx context.Context, db *DB, log zerolog.Logger) (rows uint64, err error) {
	return (&eraser{db: db, log: log, between: func(string) {}}).run(ctx)
}

// eraser is one run of the erasure.
type eraser struct {
	db      *DB
	log     zerolog.Logger
	between func(step string) // called between steps; tests act there
}

func (r *eraser) run(ctx context.Context) (rows uint64, err error) {
	for range eraseRounds {
		n, err := r.round(ctx)
		if rows += n; err != nil || n == 0 {
			return rows, err
		}
	}
	return rows, nil
}

func (r *eraser) round(ctx context.Context) (rows uint64, err error) {
	db := r.db
	// The posts of a deleted account get tombstones of their own, because the ledger will
	// not know their author any more.
	err = db.Exec(ctx, "INSERT INTO tombstones (platform, scope, id, deleted_at, epoch, topic, partition, offset)"+
		" SELECT DISTINCT p.platform, 'post', p.id, t.deleted_at, t.epoch, t.topic, t.partition, t.offset"+
		" FROM posts AS p INNER JOIN (SELECT * FROM tombstones FINAL WHERE scope = 'account') AS t"+
		" ON p.platform = t.platform AND p.author_id = t.id WHERE p.op IN ('create', 'update', 'metrics')"+
		" AND (p.platform, p.id) NOT IN (SELECT platform, id FROM tombstones WHERE scope = 'post')")
	if err != nil {
		return 0, err
	}
	var found []struct {
		Table     string `ch:"table"`
		Remaining uint64 `ch:"remaining"`
	}
	if err := db.Select(ctx, &found, db.Remains()); err != nil {
		return 0, err
	}
	remaining := map[string]uint64{}
	for _, f := range found {
		remaining[f.Table] = f.Remaining
	}
	for _, e := range db.erasures("1") {
		if remaining[e.table] == 0 {
			continue
		}
		take := func() error {
			return db.Exec(ctx, db.change(e.table)+e.change+" WHERE "+e.takes+mutationSettings)
		}
		if e.table == "mentions" {
			take = func() error { return r.takeMentions(ctx, e.takes) }
		}
		if err := take(); err != nil {
			return rows, err
		}
		rows += remaining[e.table]
		r.log.Info().Str("table", e.table).Uint64("rows", remaining[e.table]).Msg("words of deleted posts are erased")
	}
	return rows, nil
}

// mutationSettings make a change wait for its end, and let it ask other tables.
const mutationSettings = " SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1"

// takeMentions takes the mentions away that a condition fits, and marks their buckets.
//
// Whoever takes rows away marks them: if the worker that stored the delete comes to its
// marks only now, or has died before them, nobody will find rows any more to mark. So the
// rows that go must be those that were marked, although tombstones may come at any time and
// the server may execute the change much later (after a crash it goes on by itself).
// Therefore the posts are written down first; what is deleted since waits for the next round.
func (r *eraser) takeMentions(ctx context.Context, condition string) error {
	mentions, run := r.db.table("mentions"), strconv.FormatUint(rand.Uint64(), 10) //nolint:gosec // a name, not a secret
	ours := "(platform, id) IN (SELECT platform, id FROM " + r.db.table("erasing") + " WHERE run = " + run + ")"
	for _, statement := range []string{
		"INSERT INTO erasing (platform, id, run) SELECT DISTINCT platform, id, " + run + " FROM " + mentions + " WHERE " + condition,
		"INSERT INTO dirty (label_set, brand, hour, mark) SELECT DISTINCT label_set, brand, hour, " + run + " FROM " + mentions + " WHERE " + ours,
	} {
		if err := r.db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	r.between("marked")
	return r.db.Exec(ctx, r.db.change("mentions")+"DELETE WHERE "+ours+mutationSettings)
}
