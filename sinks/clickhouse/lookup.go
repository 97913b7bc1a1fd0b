package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"earshot/pipeline"
)

// The look-ups behind resolve. Values never stand in their text: scalars are bound
// parameters, lists travel beside the query as tables of their own.

// pair is a row of such a table: a platform and an id of a post or an account.
type pair = postKey

// selectPairs is Select for a query that names the table wanted (platform, id).
func selectPairs[V any](ctx context.Context, d *DB, dest any, query string, wanted map[pair]V, args ...any) error {
	table, err := ext.NewTable("wanted", ext.Column("platform", "String"), ext.Column("id", "String"))
	if err != nil {
		return fmt.Errorf("clickhouse: table of ids: %w", err)
	}
	for key := range wanted {
		if err := table.Append(key.platform, key.id); err != nil {
			return fmt.Errorf("clickhouse: table of ids: %w", err)
		}
	}
	return d.Select(driver.Context(ctx, driver.WithExternalTable(table)), dest, query, args...)
}

// ofBatch is true for the rows of a batch and of what follows it on its partition. They
// are not the past of its records: an earlier attempt at the same range has left them.
const ofBatch = "(topic = {topic:String} AND epoch = {epoch:UUID} AND partition = {partition:Int32} AND offset >= {first:Int64})"

func batchParameters(b *pipeline.Batch) []any {
	return []any{
		Named("topic", b.Topic), Named("epoch", uuid.UUID(b.Epoch).String()),
		Named("partition", strconv.Itoa(int(b.Partition))), Named("first", strconv.FormatInt(b.First, 10)),
	}
}

// lookUpPosts finds the frozen event times.
func (l *Ledger) lookUpPosts(ctx context.Context, posts map[postKey]*known, b *pipeline.Batch) error {
	if len(posts) == 0 {
		return nil
	}
	var rows []struct {
		Platform string    `ch:"platform"`
		ID       string    `ch:"id"`
		Event    time.Time `ch:"event"`
		Seen     time.Time `ch:"seen"`
	}
	query := "SELECT platform, id, argMin(p.event_time, (p.seen_at, p.offset)) AS event, min(p.seen_at) AS seen FROM " + l.db.table("posts") +
		" AS p WHERE (platform, id) IN wanted AND op != 'dead' AND scope != 'account' AND NOT " + ofBatch + " GROUP BY platform, id"
	if err := selectPairs(ctx, l.db, &rows, query, posts, batchParameters(b)...); err != nil {
		return err
	}
	for _, row := range rows {
		state := posts[postKey{row.Platform, row.ID}]
		state.event, state.seen = pipeline.At(row.Event), pipeline.At(row.Seen)
	}
	return nil
}

// storedMention is a row of a look-up in mentions.
type storedMention struct {
	Brand    string    `ch:"brand"`
	Platform string    `ch:"platform"`
	ID       string    `ch:"id"`
	Event    time.Time `ch:"event_time"`
}

// lookUpMentions finds where the posts count so far; only updates and deletes ask. A
// mention that this very batch took away in an earlier attempt is found too: it is taken
// away again, so that its bucket is marked even if that attempt died before its marks.
func (l *Ledger) lookUpMentions(ctx context.Context, labelSet string, posts map[postKey]*known, b *pipeline.Batch) error {
	asked := map[postKey]*known{}
	for i := range b.Records {
		p := &b.Records[i].Post
		key := postKey{p.Platform, p.ID}
		if state := posts[key]; state != nil && (p.Op == pipeline.OpUpdate || p.Op == pipeline.OpDelete) {
			asked[key] = state
		}
	}
	if len(asked) == 0 {
		return nil
	}
	var rows []storedMention
	// FINAL, because of two rows with one version (a brand that looked back) the later counts.
	ofPosts := " WHERE label_set = {label_set:String} AND (platform, id) IN wanted AND id IN (SELECT id FROM wanted)"
	query := "SELECT brand, platform, id, event_time FROM " + l.db.table("mentions") + " FINAL" + ofPosts +
		" UNION DISTINCT SELECT brand, platform, id, event_time FROM " + l.db.table("mentions") + ofPosts + " AND " + ofBatch
	args := append(batchParameters(b), Named("label_set", labelSet))
	if err := selectPairs(ctx, l.db, &rows, query, asked, args...); err != nil {
		return err
	}
	for _, row := range rows {
		event := pipeline.At(row.Event)
		asked[postKey{row.Platform, row.ID}].mentions[bucket{row.Brand, hourOf(event)}] = event
	}
	return nil
}

// lookUpAccounts finds the mentions of accounts that are being deleted, for each record
// that deletes one.
func (l *Ledger) lookUpAccounts(ctx context.Context, labelSet string, b *pipeline.Batch, gone [][]goneMention) error {
	accounts := map[postKey][]int{} // indexes of the records
	for i := range b.Records {
		if r := &b.Records[i]; deletesAccount(r) {
			key := postKey{r.Post.Platform, r.Post.ID}
			accounts[key] = append(accounts[key], i)
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	note := func(i int, row *storedMention) {
		r := &b.Records[i]
		gone[i] = append(gone[i], goneMention{row.Brand, row.ID, pipeline.At(row.Event), deletedVersion(seenAt(r), r.Position.Offset)})
	}
	var rows []struct {
		storedMention
		Author string `ch:"author_id"`
	}
	query := "SELECT brand, platform, id, event_time, author_id FROM " + l.db.table("mentions") + " FINAL" +
		" WHERE label_set = {label_set:String} AND (platform, author_id) IN wanted AND author_id IN (SELECT id FROM wanted)"
	if err := selectPairs(ctx, l.db, &rows, query, accounts, Named("label_set", labelSet)); err != nil {
		return err
	}
	for j := range rows {
		for _, i := range accounts[postKey{rows[j].Platform, rows[j].Author}] {
			note(i, &rows[j].storedMention)
		}
	}
	if !b.Retry && !b.Replayed {
		return nil
	}
	return l.takenBefore(ctx, labelSet, b, note)
}

// takenBefore finds the mentions that deletes of accounts in this batch took away in an
// earlier attempt; nothing but their position tells who did.
func (l *Ledger) takenBefore(ctx context.Context, labelSet string, b *pipeline.Batch, note func(int, *storedMention)) error {
	at := map[int64]int{}
	for i := range b.Records {
		if deletesAccount(&b.Records[i]) {
			at[b.Records[i].Position.Offset] = i
		}
	}
	var rows []struct {
		storedMention
		Offset int64 `ch:"offset"`
	}
	query := "SELECT brand, platform, id, event_time, offset FROM " + l.db.table("mentions") +
		" WHERE label_set = {label_set:String} AND is_deleted = 1 AND offset <= {last:Int64} AND " + ofBatch
	args := append(batchParameters(b), Named("label_set", labelSet), Named("last", strconv.FormatInt(b.Last, 10)))
	if err := l.db.Select(ctx, &rows, query, args...); err != nil {
		return err
	}
	for j := range rows {
		if i, ok := at[rows[j].Offset]; ok {
			note(i, &rows[j].storedMention)
		}
	}
	return nil
}
