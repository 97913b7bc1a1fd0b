package clickhouse

import (
	"context"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/sinks/clickhouse/graph"
)

// InfluenceWindow is how far back the graph of who answers whom looks.
const InfluenceWindow = 30 * 24 * time.Hour

// The graph and the facts that rest on it are computed anew every hour; after a start sooner, while there is
// most to gain; and never so often that they take more than a tenth of the time.
const (
	influenceFirst = 5 * time.Second
	influenceEvery = time.Hour
	influenceRest  = 9 // times as long as it took
)

// Influence keeps the table influence: who carries the talk, and in which circles; and after it the facts of
// mentions, which rest on it.
type Influence struct {
	db  *DB
	log zerolog.Logger
}

// OpenInfluence returns the influence of a database.
func OpenInfluence(db *DB, log zerolog.Logger) *Influence { return &Influence{db: db, log: log} }

// Run computes the graph and the facts every hour until ctx ends. Failures are logged and tried again.
func (i *Influence) Run(ctx context.Context) {
	for wait := influenceFirst; ; wait = min(wait*3/2, influenceEvery) {
		began := time.Now()
		_, err := i.Compute(ctx)
		if err == nil {
			_, err = OpenFacts(i.db).Compute(ctx)
		}
		if err != nil && ctx.Err() == nil {
			i.log.Error().Err(err).Msg("influence: the graph and the facts of mentions cannot be computed now, will try again")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(wait, influenceRest*time.Since(began))):
		}
	}
}

// tieRow is how often one account answered another.
type tieRow struct {
	Platform string `ch:"platform"`
	From     string `ch:"author_id"`
	To       string `ch:"target_author"`
	N        uint64 `ch:"n"`
}

// Compute reads who answered whom within the window, replaces the table, and returns how
// many accounts it has.
func (i *Influence) Compute(ctx context.Context) (int, error) {
	now := pipeline.At(time.Now())
	var rows []tieRow
	query := "SELECT platform, author_id, target_author, count() AS n FROM " + i.db.table("interactions_current") +
		" WHERE via != 'name' AND author_id != '' AND target_author != '' AND author_id != target_author" +
		" AND event_time > fromUnixTimestamp64Milli({since:Int64}, 'UTC') GROUP BY platform, author_id, target_author"
	since := int64(now) - InfluenceWindow.Milliseconds()
	if err := i.db.Select(ctx, &rows, query, Named("since", strconv.FormatInt(since, 10))); err != nil {
		return 0, err
	}
	ties := make([]graph.Tie, len(rows))
	for j, r := range rows {
		ties[j] = graph.Tie{From: graph.Person{Platform: r.Platform, ID: r.From}, To: graph.Person{Platform: r.Platform, ID: r.To}, Weight: float64(r.N)}
	}
	standings := graph.Standings(ties)
	if err := i.put(ctx, standings, now); err != nil {
		return 0, err
	}
	return len(standings), i.db.execWith(ctx, "DELETE FROM influence WHERE computed_at < fromUnixTimestamp64Milli({now:Int64}, 'UTC')",
		map[string]string{"now": strconv.FormatInt(int64(now), 10)})
}

// influenceRows is how many accounts go into one insert.
const influenceRows = 50_000

func (i *Influence) put(ctx context.Context, standings []graph.Standing, now pipeline.Time) error {
	b := &block{table: "influence"}
	platform, author := b.word("platform"), b.text("author_id")
	received, given, rank := b.uint64("received"), b.uint64("given"), b.float64("rank")
	circle, circles, bridging, at := b.text("circle"), b.uint32("circles"), b.float64("bridging"), b.moment("computed_at")
	for len(standings) > 0 {
		n := min(len(standings), influenceRows)
		b.reset()
		for _, s := range standings[:n] {
			platform.Append(s.Platform)
			author.Append(s.ID)
			received.Append(uint64(s.Received))
			given.Append(uint64(s.Given))
			rank.Append(s.Rank)
			circle.Append(s.Circle.Platform + ":" + s.Circle.ID)
			circles.Append(uint32(s.Circles))
			bridging.Append(s.Bridging)
			at.append(now)
		}
		if err := i.db.insert(ctx, b); err != nil {
			return err
		}
		standings = standings[n:]
	}
	return nil
}

// ClassifierError says how a sentiment model errs in one language; see the table classifier_error.
type ClassifierError struct {
	Model, Lang string // an empty language is all together
	Rows        int    // labelled posts, never trained on, behind it
	Score       [3]float64
	Inverse     [9]float64
	Variance    [3]float64
}

// PutClassifierErrors publishes how the present sentiment model errs; measures correct for it.
func (d *DB) PutClassifierErrors(ctx context.Context, errors []ClassifierError) error {
	b := &block{table: "classifier_error"}
	model, lang, rows := b.word("model"), b.word("lang"), b.uint64("rows")
	score, inverse, variance, at := b.float64s("score"), b.float64s("inverse"), b.float64s("variance"), b.moment("at")
	now := pipeline.At(time.Now())
	for _, e := range errors {
		model.Append(e.Model)
		lang.Append(e.Lang)
		rows.Append(uint64(e.Rows))
		score.Append(e.Score[:])
		inverse.Append(e.Inverse[:])
		variance.Append(e.Variance[:])
		at.append(now)
	}
	return d.insert(ctx, b)
}
