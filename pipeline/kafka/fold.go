package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// Fold brings dead letters and coverage into a store, at least once: rows fold by key
// there, so a repetition changes nothing. Fill its fields and call Run.
type Fold struct {
	Client      *Client
	DeadLetters func(ctx context.Context, letters []pipeline.DeadLetter) error
	Coverage    func(ctx context.Context, events []pipeline.CoverageEvent) error
	Log         zerolog.Logger
	Session     time.Duration // as of Worker
}

// FoldGroup is the consumer group of Fold, without prefix.
const FoldGroup = "earshot-fold"

const (
	foldRecords = 1000
	foldBytes   = 4 << 20
)

// Run folds until ctx ends. Functions that fail are called again with the same rows.
func (f *Fold) Run(ctx context.Context) error {
	if f.Client == nil || f.DeadLetters == nil || f.Coverage == nil {
		return errors.New("kafka: fold: client and both functions are needed")
	}
	letters, coverage := f.Client.Name(DeadLetterTopic), f.Client.Name(CoverageTopic)
	m := &membership{
		client: f.Client, group: f.Client.Name(FoldGroup), topics: []string{letters, coverage}, session: f.Session, log: f.Log,
	}
	return m.run(ctx, func(stop context.Context, a *assignment) error {
		if a.topic == letters {
			return fold(stop, a, f.Log, f.DeadLetters)
		}
		return fold(stop, a, f.Log, f.Coverage)
	})
}

// fold reads one partition, hands its rows to store and commits what is stored.
func fold[Row any](stop context.Context, a *assignment, log zerolog.Logger, store func(context.Context, []Row) error) error {
	work, cancel := draining(stop, drainTime)
	defer cancel()
	wait := retryBackoff()
	var f *fetcher
	for stop.Err() == nil {
		err := func() (err error) {
			if f == nil {
				if f, err = a.resume(stop); err != nil {
					return err
				}
			}
			rows, err := readRows[Row](stop, f, log)
			if err != nil || len(rows) == 0 {
				return err
			}
			if err := store(work, rows); err != nil {
				return fmt.Errorf("kafka: fold %s: %w", a.topic, err)
			}
			return a.commit(work, f.next, mark{})
		}()
		switch {
		case err == nil:
			wait.reset()
		case errors.Is(err, errStale), errors.Is(err, errUnknownCommit):
			return err
		case stop.Err() == nil:
			f = nil // what was read but not stored is read again
			log.Warn().Err(err).Msg("folding is delayed; trying again")
			if wait.sleep(stop) != nil {
				return nil
			}
		}
	}
	return nil
}

// resume returns a fetcher at the group's committed offset, or at what is left of the log.
func (a *assignment) resume(ctx context.Context) (*fetcher, error) {
	at, err := a.client.committed(ctx, a.gen.GroupID, a.topic, a.partition)
	if err != nil {
		return nil, err
	}
	ranges, err := a.client.logRanges(ctx, a.topic, a.partition)
	if err != nil {
		return nil, err
	}
	from, log := at.offset, ranges[a.partition]
	if from < log.start || from > log.end { // new, overtaken by retention, or created anew
		from = log.start
	}
	return newFetcher(a.client, a.topic, a.partition, from, scanBytes), nil
}

// readRows returns the rows of one answer of the broker, none if nothing came in time.
func readRows[Row any](ctx context.Context, f *fetcher, log zerolog.Logger) ([]Row, error) {
	var rows []Row
	bytes := 0
	for {
		m, err := f.read()
		if err != nil {
			return nil, err
		}
		if m == nil {
			if len(rows) > 0 {
				return rows, nil
			}
			if err := f.fetch(ctx, 1, fetchWait); err != nil {
				return nil, err
			}
			if len(f.batches) == 0 {
				return nil, nil
			}
			continue
		}
		var row Row
		if err := json.Unmarshal(m.value, &row); err != nil {
			log.Error().Err(err).Str("topic", f.topic).Int64("offset", m.offset).Msg("a foreign record is skipped")
			continue
		}
		rows = append(rows, row)
		if bytes += len(m.value); len(rows) >= foldRecords || bytes >= foldBytes {
			return rows, nil
		}
	}
}
