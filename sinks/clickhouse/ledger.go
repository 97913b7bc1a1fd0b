package clickhouse

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// ErrIncomplete says that the ledger still lacks rows after everything that could be
// tried; the batch must not be committed.
var ErrIncomplete = errors.New("clickhouse: the ledger lacks rows that it acknowledged")

// Ledger is the sink that stores batches in ClickHouse: the table posts exactly once,
// by the batch's token and by asking, and from it everything that folds. It may be used
// by several workers at once.
type Ledger struct {
	db     *DB
	log    zerolog.Logger
	crash  pipeline.CrashHook
	blocks chan *blocks // that wait for their next use
}

var _ pipeline.Sink = (*Ledger)(nil)

// OpenLedger returns the ledger of a database whose schema must be this program's. The
// crash hook is nil but in tests.
func OpenLedger(ctx context.Context, db *DB, log zerolog.Logger, crash pipeline.CrashHook) (*Ledger, error) {
	if err := CheckSchema(ctx, db); err != nil {
		return nil, err
	}
	return &Ledger{db: db, log: log, crash: crash, blocks: make(chan *blocks, spareBlocks)}, nil
}

// blocks are the buffers of one Write.
type blocks struct {
	posts        *postsBlock
	mentions     *mentionsBlock
	tombstones   *tombstonesBlock
	interactions *interactionsBlock
	metrics      *metricsBlock
	authors      *authorsBlock
	dirty        *dirtyBlock
}

func newBlocks() *blocks {
	bs := &blocks{
		posts: newPostsBlock(), mentions: newMentionsBlock(), tombstones: newTombstonesBlock(),
		interactions: newInteractionsBlock(), metrics: newMetricsBlock(), authors: newAuthorsBlock(), dirty: newDirtyBlock(),
	}
	buf := new(proto.Buffer)
	bs.posts.buf = buf
	for _, b := range bs.derived() {
		b.buf = buf
	}
	return bs
}

// derived are the blocks behind the ledger's, in the order in which they are written.
// Marks of dirty buckets come last: a mark that stands promises that its mentions do.
func (bs *blocks) derived() []*block {
	return []*block{
		&bs.mentions.block, &bs.tombstones.block, &bs.interactions.block,
		&bs.metrics.block, &bs.authors.block, &bs.dirty.block,
	}
}

// spareBlocks is how many sets of blocks are kept for their next use: as many as big
// batches are in hand at once. (A sync.Pool would keep one more for each processor.)
const spareBlocks = 2

func (l *Ledger) borrow() *blocks {
	select {
	case bs := <-l.blocks:
		return bs
	default:
		return newBlocks()
	}
}

func (l *Ledger) giveBack(bs *blocks) {
	select {
	case l.blocks <- bs:
	default: // there are enough
	}
}

// Write stores a batch: the ledger once, then what is derived from it, which folds and
// is simply written again if the batch is. It rejects nothing.
func (l *Ledger) Write(ctx context.Context, b *pipeline.Batch) ([]pipeline.Reject, error) {
	if len(b.Records) == 0 {
		return nil, nil
	}
	if b.Token == "" {
		return nil, errors.New("clickhouse: a batch needs a token")
	}
	labelSet := or(b.LabelSet, pipeline.LiveLabels)
	found, err := l.resolve(ctx, labelSet, b)
	if err != nil {
		return nil, err
	}
	buffers := l.borrow()
	defer l.giveBack(buffers)
	if err := l.writePosts(ctx, b, found, buffers); err != nil {
		return nil, err
	}
	l.crash.At(pipeline.CrashLedgerInserted)
	if err := l.writeDerived(ctx, labelSet, b, found, buffers); err != nil {
		return nil, err
	}
	l.crash.At(pipeline.CrashDerivedInserted)
	return nil, nil
}

// writePosts brings the batch into the ledger, each record once.
func (l *Ledger) writePosts(ctx context.Context, b *pipeline.Batch, found *resolution, buffers *blocks) error {
	if !b.Retry && !b.Replayed {
		return l.insertPosts(ctx, b, nil, b.Token, b.Pending, found, buffers)
	}
	missing, err := l.missing(ctx, b)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		if b.Pending != nil {
			return b.Pending(ctx)
		}
		return nil
	}
	if b.Replayed { // the whole range would be rows that stand under other tokens
		return l.topUp(ctx, b, missing, found, buffers)
	}
	// The whole range under its own token first: whatever of it is stored, or still on
	// its way from another worker, is recognised by the server.
	if err := l.insertPosts(ctx, b, nil, b.Token, b.Pending, found, buffers); err != nil {
		return err
	}
	if missing, err = l.missing(ctx, b); err != nil || len(missing) == 0 {
		return err
	}
	// A token without its rows: the server died between the two.
	l.log.Warn().Str("token", b.Token).Int("missing", len(missing)).Msg("clickhouse: a token stood without its rows; they are inserted again")
	return l.topUp(ctx, b, missing, found, buffers)
}

// insertPosts inserts the records of the batch (those of only, if it is not nil) as one
// block under a token, behind the fence of the pending commit.
func (l *Ledger) insertPosts(
	ctx context.Context, b *pipeline.Batch, only map[int]bool, token string,
	pending func(context.Context) error, found *resolution, buffers *blocks,
) error {
	posts := buffers.posts
	posts.reset()
	for i := range b.Records {
		if only == nil || only[i] {
			posts.append(&b.Records[i], found.events[i])
		}
	}
	data, err := posts.encode()
	if err != nil {
		return err
	}
	return l.db.insertFenced(ctx, posts.statement(), token, data, pending)
}

// bucket is a brand's hour.
type bucket struct {
	brand string
	hour  pipeline.Time
}

// writeDerived inserts everything that folds.
func (l *Ledger) writeDerived(ctx context.Context, labelSet string, b *pipeline.Batch, found *resolution, buffers *blocks) error {
	all := buffers.derived()
	for _, one := range all {
		one.reset()
	}
	touched := map[bucket]bool{}
	for i := range b.Records {
		if b.Records[i].Dead == nil {
			buffers.derive(labelSet, &b.Records[i], found.events[i], found.gone[i], touched)
		}
	}
	buffers.authors.fill()
	mark := rand.Uint64() //nolint:gosec // a name, not a secret
	for at := range touched {
		buffers.dirty.append(labelSet, at.brand, at.hour, mark)
	}
	for _, one := range all {
		if one == &buffers.dirty.block { // the last: what it marks stands by now
			posts, accounts := deletedIn(b.Records)
			if err := l.db.markDeleted(ctx, posts, accounts, buffers.dirty, mark); err != nil {
				return err
			}
		}
		if err := l.db.insert(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// derive adds the rows that follow from one record.
func (bs *blocks) derive(labelSet string, r *pipeline.Record, event pipeline.Time, gone []goneMention, touched map[bucket]bool) {
	for _, g := range gone {
		bs.mentions.appendDeleted(labelSet, g, r)
		touched[bucket{g.brand, hourOf(g.event)}] = true
	}
	p := &r.Post
	switch p.Op {
	case pipeline.OpDelete:
		bs.tombstones.append(r)
		return
	case pipeline.OpMetrics:
		bs.metrics.append(r)
		bs.authors.note(r)
		return
	case pipeline.OpCreate, pipeline.OpUpdate:
	}
	for i := range r.Mentions {
		bs.mentions.append(labelSet, r, &r.Mentions[i], event)
		touched[bucket{r.Mentions[i].Brand, hourOf(event)}] = true
	}
	bs.interactions.append(r, event)
	bs.authors.note(r)
	if p.Metrics != (pipeline.Metrics{}) {
		bs.metrics.append(r)
	}
}
