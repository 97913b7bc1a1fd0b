package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"earshot/pipeline"
)

// Replayer reads the archive anew: it labels every post of the ledger whose words still
// stand with other brands or models, and writes the mentions into a label set.
//
// It goes through the ledger in the order of its key, page by page, and writes down where
// it is after each page; whoever kills it loses a page of work. A page that is written
// again changes nothing, because enrichment is pure and mentions fold by key and version.
// What the stream stores meanwhile is read by a second pass, which also writes the marks
// of what edits took away. Deletes need no pass: they are tombstones, which every view and
// total honours, and whoever stores one marks the totals of all label sets.
type Replayer struct {
	DB       *DB
	Chain    pipeline.Enricher
	Version  string // of the labels, by which a job is known again; empty: that of Chain
	Log      zerolog.Logger
	Parallel int                         // goroutines that enrich; 0: one
	Rows     int                         // ledger rows of a page; 0: 20,000
	Progress func(*Replay)               // called after each page; may be nil
	Catch    func(context.Context) error // called before the second pass; may be nil

	naming  map[string]bool         // only posts that name one of these brands are written; nil: all
	between func(step string) error // called between the steps of a page; tests stop it there
}

// ErrOtherLabels says that a label set was begun with other brands, models or range.
var ErrOtherLabels = errors.New("clickhouse: the label set was begun with other brands, models or another range")

const replayRows = 20_000

func (r *Replayer) rows() int {
	if r.Rows > 0 {
		return r.Rows
	}
	return replayRows
}

// Run begins the job or goes on with it, until it is done. The job's name, label set and
// range say what is to be done; its state and progress are those of the table replays.
func (r *Replayer) Run(ctx context.Context, job *Replay) error {
	stored, known, err := r.DB.FindReplay(ctx, job.Name)
	if err != nil {
		return err
	}
	job.Enrichment = or(r.Version, r.Chain.Version())
	switch {
	case known && stored.State != ReplayDropped:
		if stored.Enrichment != job.Enrichment || stored.From != job.From || stored.To != job.To {
			return fmt.Errorf("%w: %s has %s", ErrOtherLabels, job.Name, stored.Enrichment)
		}
		if stored.State != ReplayRunning {
			*job = stored
			return nil
		}
		*job = stored
	default:
		job.step, job.State = stored.step, ReplayRunning
		if err := r.begin(ctx, []*Replay{job}, 1); err != nil {
			return err
		}
	}
	return r.passes(ctx, []*Replay{job})
}

// begin notes what is stored now and saves the jobs at the begin of a pass.
func (r *Replayer) begin(ctx context.Context, jobs []*Replay, pass int) error {
	now, err := r.DB.positions(ctx)
	if err != nil {
		return err
	}
	at := Positions{Until: now}
	if pass > 1 {
		at.Since = jobs[0].Positions.Until
	}
	jobs[0].Positions = at
	total, err := r.archive(jobs[0]).size(ctx)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		job.Pass, job.After, job.Read, job.Total, job.Positions = pass, PostName{}, 0, total, at
		if pass == 1 {
			job.Mentions, job.Failed = 0, 0
		}
		if err := r.save(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

func (r *Replayer) archive(job *Replay) *archive {
	return openArchive(r.DB, job.From, job.To, job.Positions.Since, selection{})
}

func (r *Replayer) save(ctx context.Context, job *Replay) error {
	if err := r.DB.PutReplay(ctx, job); err != nil {
		return err
	}
	if r.Progress != nil {
		r.Progress(job)
	}
	return nil
}

// lastPass is the one that reads what was stored while the first one read.
const lastPass = 2

// passes works on jobs that go through the archive together, step in step: the first
// tells where they are.
func (r *Replayer) passes(ctx context.Context, jobs []*Replay) error {
	first := jobs[0]
	for {
		if err := r.pass(ctx, jobs); err != nil {
			return err
		}
		if first.Pass >= lastPass {
			break
		}
		if r.Catch != nil {
			if err := r.Catch(ctx); err != nil {
				return err
			}
		}
		if err := r.begin(ctx, jobs, first.Pass+1); err != nil {
			return err
		}
	}
	for _, job := range jobs {
		if job.Kind == KindReplay {
			job.State = ReplayDone
			if err := r.save(ctx, job); err != nil {
				return err
			}
		}
	}
	return nil
}

// pass goes through the archive from where the jobs stand to its end.
func (r *Replayer) pass(ctx context.Context, jobs []*Replay) error {
	first := jobs[0]
	from := r.archive(first)
	for {
		posts, to, last, err := from.page(ctx, first.After, r.rows())
		if err != nil {
			return err
		}
		written, failed, err := r.relabel(ctx, posts, first)
		if err != nil {
			return err
		}
		read := uint64(0)
		for i := range posts {
			read += uint64(len(posts[i].records))
		}
		for _, job := range jobs {
			job.Read += read
			job.Mentions += written
			job.Failed += failed
			if !last || len(posts) > 0 {
				job.After = to
			}
			if err := r.save(ctx, job); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
		if err := r.step("saved"); err != nil {
			return err
		}
	}
}

func (r *Replayer) step(name string) error {
	if r.between == nil {
		return nil
	}
	return r.between(name)
}

// relabel enriches a page of posts and writes what stands of them.
func (r *Replayer) relabel(ctx context.Context, posts []archived, job *Replay) (written, failed uint64, err error) {
	if failed, err = r.enrich(ctx, posts); err != nil {
		return 0, failed, err
	}
	mentions, dirty, touched := newMentionsBlock(), newDirtyBlock(), map[bucket]bool{}
	var beside []neighbour
	for i := range posts {
		keys, stands := posts[i].fold()
		if r.naming != nil && !slices.ContainsFunc(keys, func(at bucket) bool { return r.naming[at.brand] }) {
			continue
		}
		for _, at := range keys {
			s := stands[at]
			if r.naming != nil && !r.naming[at.brand] {
				// Others are the stream's, and may have gone since this look back began; but the
				// sentiment toward them depends on who else is named.
				if s.mention != nil {
					beside = append(beside, neighbour{at, posts[i].name, s})
				}
				continue
			}
			if !within(s.event, job.From, job.To) {
				continue
			}
			if s.mention == nil {
				// The first pass of a set of its own has nothing to take away.
				if job.Pass == 1 && job.Kind == KindReplay {
					continue
				}
				mentions.appendDeleted(job.LabelSet, goneMention{at.brand, posts[i].name.ID, s.event, s.version}, s.record)
			} else {
				mentions.append(job.LabelSet, s.record, s.mention, s.event)
				written++
			}
			touched[at] = true
		}
	}
	standing, err := r.standing(ctx, job.LabelSet, beside)
	if err != nil {
		return 0, failed, err
	}
	for _, n := range standing {
		mentions.append(job.LabelSet, n.record, n.mention, n.event)
		touched[n.at] = true
	}
	if err := r.DB.insert(ctx, &mentions.block); err != nil {
		return 0, failed, err
	}
	if err := r.step("mentions written"); err != nil {
		return 0, failed, err
	}
	mark := rand.Uint64() //nolint:gosec // a name, not a secret
	for at := range touched {
		dirty.append(job.LabelSet, at.brand, at.hour, mark)
	}
	if err := r.DB.insert(ctx, &dirty.block); err != nil {
		return 0, failed, err
	}
	return written, failed, r.step("buckets marked")
}

// neighbour is a mention of another brand in a post that a look back labels.
type neighbour struct {
	at   bucket
	name PostName
	standing
}

// standing returns those whose mention stands in the store now.
func (r *Replayer) standing(ctx context.Context, labelSet string, beside []neighbour) ([]neighbour, error) {
	if len(beside) == 0 {
		return nil, nil
	}
	wanted := map[postKey]struct{}{}
	for _, n := range beside {
		wanted[postKey{n.name.Platform, n.name.ID}] = struct{}{}
	}
	var rows []storedMention
	query := "SELECT brand, platform, id, event_time FROM " + r.DB.table("mentions") +
		" FINAL WHERE label_set = {label_set:String} AND is_deleted = 0 AND (platform, id) IN wanted AND id IN (SELECT id FROM wanted)"
	if err := selectPairs(ctx, r.DB, &rows, query, wanted, Named("label_set", labelSet)); err != nil {
		return nil, err
	}
	stands := map[neighbourKey]bool{}
	for _, row := range rows {
		stands[neighbourKey{postKey{row.Platform, row.ID}, bucket{row.Brand, hourOf(pipeline.At(row.Event))}}] = true
	}
	return slices.DeleteFunc(beside, func(n neighbour) bool {
		return !stands[neighbourKey{postKey{n.name.Platform, n.name.ID}, n.at}]
	}), nil
}

type neighbourKey struct {
	post postKey
	at   bucket
}

// relabelAll labels the posts of an archive as a job says, from its begin to its end.
func (r *Replayer) relabelAll(ctx context.Context, from *archive, job *Replay) error {
	for after := (PostName{}); ; {
		posts, to, last, err := from.page(ctx, after, r.rows())
		if err != nil {
			return err
		}
		if _, _, err := r.relabel(ctx, posts, job); err != nil {
			return err
		}
		if after = to; last {
			return nil
		}
	}
}

func within(t, from, to pipeline.Time) bool {
	return (!from.Known() || t >= from) && (!to.Known() || t < to)
}

// enrich labels the records of posts. A record at which enrichment fails has no mention;
// the stream would have made it a dead letter.
func (r *Replayer) enrich(ctx context.Context, posts []archived) (uint64, error) {
	var failed atomic.Uint64
	group, ctx := errgroup.WithContext(ctx)
	workers := max(r.Parallel, 1)
	for w := range workers {
		group.Go(func() error {
			for i := w; i < len(posts); i += workers {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				for j := range posts[i].records {
					record := &posts[i].records[j]
					if err := r.Chain.Enrich(record); err != nil {
						record.Mentions = nil
						failed.Add(1)
						r.Log.Debug().Err(err).Str("platform", record.Post.Platform).Str("id", record.Post.ID).Msg("replay: a record cannot be enriched")
					}
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return failed.Load(), err
}
