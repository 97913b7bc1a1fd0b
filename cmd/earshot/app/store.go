package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// store is where one stream ends: the tables of its database.
type store struct {
	stream  pipeline.Stream
	db      *clickhouse.DB
	ledger  *clickhouse.Ledger
	rollups *clickhouse.Rollups
	archive clickhouse.Archive
	within  time.Duration // by when deleted words are erased
	log     zerolog.Logger
}

// capEvery is how often the size of the archive is looked at.
const capEvery = 10 * time.Minute

func newStore(ctx context.Context, cfg *Config, db *clickhouse.DB, s pipeline.Stream, log zerolog.Logger) (*store, error) {
	log = log.With().Str("stream", s.Name).Logger()
	ledger, err := clickhouse.OpenLedger(ctx, db, log, cfg.Hooks.Crash)
	if err != nil {
		return nil, err
	}
	if err := clickhouse.ApplyArchive(ctx, db, cfg.Archive); err != nil {
		return nil, err
	}
	if err := cfg.publishErrors(ctx, db); err != nil {
		return nil, err
	}
	return &store{
		stream: s, db: db, ledger: ledger, rollups: clickhouse.OpenRollups(db, log), archive: cfg.Archive, within: cfg.Erase, log: log,
	}, nil
}

// total keeps the totals true until ctx ends.
func (s *store) total(ctx context.Context) {
	if err := s.rollups.Run(ctx); err != nil {
		s.log.Error().Err(err).Msg("rollups stopped")
	}
}

// limit keeps the archive within its days and its size until ctx ends.
func (s *store) limit(ctx context.Context) {
	for {
		_, err := clickhouse.EnforceDays(ctx, s.db, s.archive, time.Now(), s.log)
		if err == nil {
			_, err = clickhouse.EnforceCap(ctx, s.db, s.archive, s.log)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error().Err(err).Msg("the archive cannot be bounded now, will try again")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(capEvery):
		}
	}
}

// erase takes the words of what was deleted out of every table, four times in the time
// that it has, until ctx ends.
func (s *store) erase(ctx context.Context) {
	for {
		if _, err := clickhouse.Erase(ctx, s.db, s.log); err != nil && ctx.Err() == nil {
			s.log.Error().Err(err).Msg("deleted posts cannot be erased now, will try again")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.within / 4):
		}
	}
}

// settle waits until no bucket waits to be totalled.
func (s *store) settle(ctx context.Context) error {
	for {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		err := s.db.Select(ctx, &rows, "SELECT count() AS n FROM `"+s.db.Database()+"`.dirty FINAL WHERE done = 0")
		if err != nil && !clickhouse.Retryable(err) {
			return err
		}
		if err == nil && len(rows) == 1 && rows[0].N == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(progressPoll):
		}
	}
}

// tallied is what stands in the tables of a range of the topic.
type tallied struct {
	Posts    uint64 `ch:"posts"`
	Distinct uint64 `ch:"distinct_posts"`
	Dead     uint64 `ch:"dead"`
	Mentions uint64 `ch:"mentions"`
}

// tally counts what stands in the tables of the records between two ends of the topic.
func (s *store) tally(ctx context.Context, client *kafka.Client, from, to pipeline.Ends) (tallied, error) {
	topic := client.Name(s.stream.Topic)
	epoch, err := client.TopicEpoch(ctx, topic)
	if err != nil {
		return tallied{}, err
	}
	var ranges []string
	for partition, end := range to {
		if begin := from[partition]; end > begin {
			ranges = append(ranges, fmt.Sprintf("partition = %d AND offset >= %d AND offset < %d", partition, begin, end))
		}
	}
	if len(ranges) == 0 {
		return tallied{}, nil
	}
	slices.Sort(ranges)
	where := fmt.Sprintf("epoch = '%s' AND topic = {topic:String} AND (%s)", uuid.UUID(epoch), strings.Join(ranges, " OR "))
	database := "`" + s.db.Database() + "`."
	var rows []tallied
	err = s.db.Select(ctx, &rows, "SELECT count() AS posts, uniqExactIf((platform, id), op != 'dead') AS distinct_posts,"+
		" countIf(op = 'dead') AS dead,"+
		" (SELECT count() FROM "+database+"mentions FINAL WHERE label_set = 'live' AND is_deleted = 0 AND "+where+") AS mentions"+
		" FROM "+database+"posts WHERE "+where, clickhouse.Named("topic", topic))
	if err != nil {
		return tallied{}, err
	}
	if len(rows) != 1 {
		return tallied{}, errors.New("clickhouse: a count has no answer")
	}
	return rows[0], nil
}
