package clickhouse

import (
	"context"
	"time"

	"earshot/pipeline"
)

// deletedIn collects what the records of a batch delete.
func deletedIn(records []pipeline.Record) (posts, accounts map[pair]bool) {
	posts, accounts = map[pair]bool{}, map[pair]bool{}
	for i := range records {
		r := &records[i]
		if r.Dead != nil || r.Post.Op != pipeline.OpDelete {
			continue
		}
		key := pair{r.Post.Platform, r.Post.ID}
		if deletesAccount(r) {
			accounts[key] = true
		} else {
			posts[key] = true
		}
	}
	return posts, accounts
}

// markDeleted marks the buckets, of every label set, in which deleted posts and accounts
// count. It comes after the tombstones are stored: a mention that is there by then is
// found here, and one that comes later is followed by a mark of its own, whose total sees
// the tombstone. So it does not matter on which partition, in which order and by whom
// (a worker, a replay) the mentions and their delete are written.
func (d *DB) markDeleted(ctx context.Context, posts, accounts map[pair]bool, dirty *dirtyBlock, mark uint64) error {
	for column, wanted := range map[string]map[pair]bool{"id": posts, "author_id": accounts} {
		if len(wanted) == 0 {
			continue
		}
		var rows []struct {
			LabelSet string    `ch:"label_set"`
			Brand    string    `ch:"brand"`
			Hour     time.Time `ch:"hour"`
		}
		query := "SELECT DISTINCT label_set, brand, hour FROM " + d.table("mentions") +
			" WHERE (platform, " + column + ") IN wanted AND " + column + " IN (SELECT id FROM wanted)"
		if err := selectPairs(ctx, d, &rows, query, wanted); err != nil {
			return err
		}
		for _, row := range rows {
			dirty.append(row.LabelSet, row.Brand, pipeline.At(row.Hour), mark)
		}
	}
	return nil
}

// Forget makes a tombstone for a post or an account on somebody's request, as a delete by
// the platform would, and marks the totals that change. Erase takes the words away.
func (d *DB) Forget(ctx context.Context, scope pipeline.Scope, platform, id string, at pipeline.Time) error {
	b := newTombstonesBlock()
	r := pipeline.Record{Post: pipeline.Post{Op: pipeline.OpDelete, Scope: scope, Platform: platform, ID: id, SeenAt: at}}
	b.append(&r)
	if err := d.insert(ctx, &b.block); err != nil {
		return err
	}
	dirty := newDirtyBlock()
	posts, accounts := deletedIn([]pipeline.Record{r})
	if err := d.markDeleted(ctx, posts, accounts, dirty, uint64(at)); err != nil {
		return err
	}
	return d.insert(ctx, &dirty.block)
}
