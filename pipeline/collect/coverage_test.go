package collect_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect"
	"earshot/pipeline/collect/collecttest"
)

// minutes returns the last row of each minute of a source.
func minutes(k *collecttest.Kafka, source string) map[pipeline.Time]pipeline.CoverageEvent {
	rows := map[pipeline.Time]pipeline.CoverageEvent{}
	for _, ev := range k.Reports() {
		if ev.Type == "minute" && ev.Source == source {
			rows[ev.From] = ev
		}
	}
	return rows
}

func TestEveryMinuteHasARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(10 * 365 * 24 * time.Hour) // the bubble begins in 2000, when no claim of a time is believed
		k := &collecttest.Kafka{}
		began := pipeline.At(time.Now().Truncate(time.Minute))
		src := &script{run: func(ctx context.Context, n int, _ pipeline.Cursor, s pipeline.Session) error {
			if n == 1 {
				s.Alive()
				time.Sleep(90 * time.Second) // minute 0 is quiet
				all := posts(0, 3)
				all[2].CreatedAt = pipeline.At(time.Now().Add(-5 * time.Second))
				require.NoError(t, s.Emit(ctx, all, pipeline.Cursor("1"))) // minute 1
				time.Sleep(30 * time.Second)
				s.Limited(time.Now().Add(2*time.Minute), "asked to wait") // minutes 2 and 3
				time.Sleep(2 * time.Minute)
				s.Gap(time.Now().Add(-time.Hour), time.Now(), "too old a cursor")
				return errors.New("cut off") // minutes 4 and 5 at the latest begin again
			}
			time.Sleep(4 * time.Minute) // connecting: no sign of life
			return nil
		}}
		require.NoError(t, start(t, parts(k), entry("one", src)).Run(t.Context()))
		rows := minutes(k, "one")
		at := func(minute int) pipeline.CoverageEvent {
			row, ok := rows[began+pipeline.Time(minute*60_000)]
			require.True(t, ok, "minute %d has no row", minute)
			return row
		}
		assert.Equal(t, pipeline.CoverageOK, at(0).State)
		assert.EqualValues(t, 3, at(1).Posts)
		assert.Equal(t, int64(5000), at(1).LagMillis)
		assert.Equal(t, pipeline.CoverageLimited, at(2).State)
		assert.Equal(t, "asked to wait", at(2).Reason)
		assert.Equal(t, pipeline.CoverageLimited, at(3).State)
		assert.EqualValues(t, 1, at(4).Errors)
		assert.Equal(t, pipeline.CoverageDown, at(5).State)
		assert.Equal(t, pipeline.CoverageDown, at(7).State)
		assert.Equal(t, pipeline.CoverageDone, at(8).State)

		var kinds []string
		for _, ev := range k.Reports() {
			assert.Equal(t, "test", ev.Collector)
			if ev.Type != "minute" {
				kinds = append(kinds, ev.Type+" "+ev.Reason)
			}
		}
		assert.Equal(t, []string{"expected ", "gap too old a cursor", "expected done"}, kinds)
	})
}

func TestCoverageThatCannotBeWrittenWaitsAndHindersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		k := &collecttest.Kafka{OnReport: func(pipeline.CoverageEvent) error {
			if away.Load() {
				return collecttest.ErrInjected
			}
			return nil
		}}
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			for i := range 200 {
				require.NoError(t, s.Emit(ctx, posts(i, 1), nil))
				time.Sleep(time.Minute)
			}
			assert.Empty(t, k.Reports())
			away.Store(false)
			time.Sleep(time.Minute)
			return nil
		}}
		require.NoError(t, start(t, parts(k), entry("one", src)).Run(t.Context()))
		rows := minutes(k, "one")
		assert.Len(t, rows, 202)
		var sum int64
		for _, row := range rows {
			sum += row.Posts
		}
		assert.EqualValues(t, 200, sum)
	})
}

func TestCoverageOfAStopSaysWhatWasExpected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		ctx, cancel := context.WithCancel(t.Context())
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			s.Alive()
			<-ctx.Done()
			return nil // says that it is exhausted, but was only told to stop
		}}
		began := pipeline.At(time.Now())
		r := start(t, parts(k), entry("one", src))
		var done sync.WaitGroup
		done.Go(func() { assert.NoError(t, r.Run(ctx)) })
		time.Sleep(90 * time.Second)
		cancel()
		done.Wait()
		all := k.Reports()
		last := all[len(all)-1]
		assert.Equal(t, "expected", last.Type)
		assert.Equal(t, began, last.From)
		assert.Equal(t, pipeline.At(time.Now()), last.To)
		assert.Empty(t, last.Reason)
		assert.Len(t, minutes(k, "one"), 2)
	})
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		var r *collect.Runner
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			for range 20 {
				require.NoError(t, s.Emit(ctx, posts(0, 50), nil))
				time.Sleep(time.Second)
			}
			status := r.Status()[0]
			assert.InDelta(t, 50, status.Rate, 5)
			assert.EqualValues(t, 1000, status.Posts)
			assert.Equal(t, pipeline.CoverageOK, status.State)
			assert.True(t, status.Owned)
			time.Sleep(time.Hour)
			assert.Zero(t, r.Status()[0].Rate)
			return nil
		}}
		r = start(t, parts(k), entry("one", src))
		require.NoError(t, r.Run(t.Context()))
		assert.Equal(t, pipeline.CoverageDone, r.Status()[0].State)
		assert.False(t, r.Status()[0].Owned)
	})
}

// handoff is an Owners that takes a source away and gives it back.
type handoff struct{ rounds int }

func (h handoff) Run(ctx context.Context, names []string, start func(context.Context, string)) error {
	for range h.rounds {
		mine, cancel := context.WithTimeout(ctx, 30*time.Second)
		start(mine, names[0])
		cancel()
	}
	return nil
}

func TestOwnershipMovesAndTheMinuteKeepsItsPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		src := &script{run: func(ctx context.Context, n int, from pipeline.Cursor, s pipeline.Session) error {
			if n == 2 {
				assert.Equal(t, pipeline.Cursor("1"), from)
			}
			if err := s.Emit(ctx, posts(n, 1), pipeline.Cursor{byte('0' + n)}); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		p := parts(k)
		p.Owners = handoff{rounds: 4}
		require.NoError(t, start(t, p, entry("one", src)).Run(t.Context()))
		assert.Len(t, k.Records(), 4)
		var sum int64
		for _, row := range minutes(k, "one") { // of two rows of a minute the later one counts all of it
			sum += row.Posts
		}
		assert.EqualValues(t, 4, sum)
	})
}
