package collect_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"earshot/pipeline"
	"earshot/pipeline/collect"
	"earshot/pipeline/collect/collecttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a source made of one function a run.
type script struct {
	runs          atomic.Int32
	deterministic bool
	run           func(ctx context.Context, n int, from pipeline.Cursor, s pipeline.Session) error
}

func (s *script) Run(ctx context.Context, from pipeline.Cursor, to pipeline.Session) error {
	return s.run(ctx, int(s.runs.Add(1)), from, to)
}
func (s *script) Deterministic() bool { return s.deterministic }

func parts(k *collecttest.Kafka) collect.Parts {
	return collect.Parts{Publisher: k, Ends: k.Ends, Cursors: k, DeadLetters: k, Reporter: k, Collector: "test", Logger: zerolog.Nop()}
}

func entry(name string, src pipeline.Source) collect.Entry {
	return collect.Entry{Name: name, Platform: "test", Stream: pipeline.LiveStream(), Source: src}
}

func post(id int) pipeline.Post {
	return pipeline.Post{Platform: "test", ID: fmt.Sprint(id), Text: "a post"}
}

func posts(from, n int) []pipeline.Post {
	all := make([]pipeline.Post, n)
	for i := range all {
		all[i] = post(from + i)
	}
	return all
}

func start(t *testing.T, p collect.Parts, entries ...collect.Entry) *collect.Runner {
	t.Helper()
	r, err := collect.New(p, entries)
	require.NoError(t, err)
	return r
}

func TestEmitStampsAndKeepsTheCursorAfterKafka(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		src := &script{run: func(ctx context.Context, _ int, from pipeline.Cursor, s pipeline.Session) error {
			assert.Nil(t, from)
			return s.Emit(ctx, posts(0, 2500), pipeline.Cursor("a"))
		}}
		k.OnSave = func(pipeline.Cursor) (bool, error) {
			assert.Len(t, k.Records(), 2500, "the cursor moves only after all posts are acknowledged")
			return true, nil
		}
		require.NoError(t, start(t, parts(k), entry("one", src)).Run(t.Context()))
		for _, r := range k.Records() {
			assert.Equal(t, pipeline.At(time.Now()), r.Post.SeenAt)
			assert.Equal(t, pipeline.PostVersion, r.Post.V)
			assert.Equal(t, pipeline.OpCreate, r.Post.Op)
		}
		assert.Equal(t, []pipeline.Cursor{nil, pipeline.Cursor("a")}, k.Saved())
	})
}

func TestBackoffGrowsWithJitterAndStartsAgainAfterAHealthyStretch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		src := &script{run: func(ctx context.Context, n int, _ pipeline.Cursor, s pipeline.Session) error {
			starts = append(starts, time.Now())
			switch n {
			case 12: // a healthy stretch
				s.Alive()
				time.Sleep(2 * time.Minute)
			case 14:
				return nil
			}
			return errors.New("refused")
		}}
		require.NoError(t, start(t, parts(&collecttest.Kafka{}), entry("one", src)).Run(t.Context()))
		require.Len(t, starts, 14)
		want := time.Second
		for i := range 11 {
			pause := starts[i+1].Sub(starts[i])
			assert.GreaterOrEqual(t, pause, want/2, "pause %d", i)
			assert.LessOrEqual(t, pause, want, "pause %d", i)
			want = min(2*want, 5*time.Minute)
		}
		assert.LessOrEqual(t, starts[12].Sub(starts[11]), 2*time.Minute+time.Second, "begins again after a healthy stretch")
	})
}

func TestPanicStaysInItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		bad := &script{run: func(_ context.Context, n int, _ pipeline.Cursor, _ pipeline.Session) error {
			if n < 3 {
				panic("boom")
			}
			return nil
		}}
		good := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			return s.Emit(ctx, posts(0, 5), pipeline.Cursor("end"))
		}}
		r := start(t, parts(k), entry("bad", bad), entry("good", good))
		require.NoError(t, r.Run(t.Context()))
		assert.EqualValues(t, 3, bad.runs.Load())
		assert.EqualValues(t, 1, good.runs.Load())
		assert.Len(t, k.Records(), 5)
		assert.Contains(t, r.Status()[0].LastError, "boom")
	})
}

func TestSilentSourceIsCancelledAndRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		began := time.Now()
		src := &script{run: func(ctx context.Context, n int, _ pipeline.Cursor, s pipeline.Session) error {
			if n == 2 {
				return nil
			}
			time.Sleep(20 * time.Second)
			s.Alive()
			s.Limited(time.Now().Add(time.Hour), "asked to wait")
			<-ctx.Done()
			return ctx.Err()
		}}
		e := entry("one", src)
		e.Deadline = 30 * time.Second
		r := start(t, parts(k), e)
		require.NoError(t, r.Run(t.Context()))
		assert.GreaterOrEqual(t, time.Since(began), time.Hour+50*time.Second, "a limit is no silence")
		assert.Less(t, time.Since(began), time.Hour+2*time.Minute)
		assert.Contains(t, r.Status()[0].LastError, "no sign of life for 30s")
		assert.EqualValues(t, 2, src.runs.Load())
	})
}

func TestKafkaAwayBlocksTheSourceAndCountsAsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := time.Now().Add(10 * time.Minute)
		k := &collecttest.Kafka{OnPublish: func(_ context.Context, n int) (int, error) {
			if time.Now().Before(away) {
				return 0, collecttest.ErrInjected
			}
			return n, nil
		}}
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			return s.Emit(ctx, posts(0, 10), pipeline.Cursor("end"))
		}}
		e := entry("one", src)
		e.Deadline = 30 * time.Second
		require.NoError(t, start(t, parts(k), e).Run(t.Context()))
		assert.EqualValues(t, 1, src.runs.Load(), "the source waited")
		assert.Len(t, k.Records(), 10)
		down := 0
		for _, ev := range k.Reports() {
			if ev.Type == "minute" && ev.State == pipeline.CoverageDown {
				down++
				assert.Contains(t, ev.Reason, "injected failure")
			}
		}
		assert.Equal(t, 10, down, "minutes in which nothing could be handed over are down")
	})
}

func TestAbsurdPostsBecomeDeadLettersAndNeighboursGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			all := posts(0, 5)
			all[1].ID = ""
			all[2].Text = strings.Repeat("x", 10<<20)
			all[3].Simulated = true
			if err := s.Refuse(ctx, []byte("{oops"), "line 7", "not JSON"); err != nil {
				return err
			}
			return s.Emit(ctx, all, pipeline.Cursor("end"))
		}}
		r := start(t, parts(k), entry("one", src))
		require.NoError(t, r.Run(t.Context()))
		assert.Equal(t, map[string]int{"test/0": 1, "test/4": 1}, k.Count())
		reasons := map[string]string{}
		for _, l := range k.Letters() {
			reasons[l.Origin] = l.Reason
			assert.LessOrEqual(t, len(l.Payload), pipeline.MaxDeadPayload)
			assert.Len(t, l.SHA256, 64)
		}
		require.Len(t, reasons, 4)
		assert.Contains(t, reasons["one test/"], "id")
		assert.Contains(t, reasons["one test/2"], "text")
		assert.Contains(t, reasons["one test/3"], "simulated")
		assert.Equal(t, "not JSON", reasons["one line 7"])
		assert.EqualValues(t, 4, r.Status()[0].Refused)
		assert.EqualValues(t, 2, r.Status()[0].Posts)
	})
}

func TestSimulatedStreamMarksItsPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			return s.Emit(ctx, posts(0, 1), nil)
		}}
		e := entry("one", src)
		e.Stream = pipeline.SimulatedStream()
		require.NoError(t, start(t, parts(k), e).Run(t.Context()))
		require.Len(t, k.Records(), 1)
		assert.True(t, k.Records()[0].Post.Simulated)
	})
}

// fatal is an error that no repetition mends.
type fatal struct{ error }

func (fatal) Permanent() bool { return true }

func TestASourceThatGivesUpIsReportedAndStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{}
		bad := &script{run: func(context.Context, int, pipeline.Cursor, pipeline.Session) error {
			return fatal{errors.New("damaged")}
		}}
		good := &script{run: func(ctx context.Context, n int, _ pipeline.Cursor, s pipeline.Session) error {
			time.Sleep(5 * time.Minute)
			return s.Emit(ctx, posts(0, 5), pipeline.Cursor("end"))
		}}
		err := start(t, parts(k), entry("bad", bad), entry("good", good)).Run(t.Context())
		require.ErrorContains(t, err, "source bad: damaged")
		assert.EqualValues(t, 1, bad.runs.Load())
		assert.Len(t, k.Records(), 5)
	})
}

func TestAFailedEmitEndsTheSessionSoThatNoLaterCursorSkipsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &collecttest.Kafka{OnPublish: func(context.Context, int) (int, error) { return 0, collecttest.ErrInjected }}
		ctx, cancel := context.WithCancel(t.Context())
		src := &script{run: func(ctx context.Context, _ int, _ pipeline.Cursor, s pipeline.Session) error {
			require.Error(t, s.Emit(ctx, posts(0, 1), pipeline.Cursor("1")))
			require.Error(t, s.Emit(context.WithoutCancel(ctx), nil, pipeline.Cursor("2")))
			return nil // a source that swallows errors
		}}
		var done sync.WaitGroup
		r := start(t, parts(k), entry("one", src))
		done.Go(func() { assert.NoError(t, r.Run(ctx)) })
		time.Sleep(time.Minute)
		cancel()
		done.Wait()
		assert.Equal(t, []pipeline.Cursor{nil}, k.Saved())
		for _, ev := range k.Reports() {
			assert.NotEqual(t, pipeline.CoverageDone, ev.State, "it is not exhausted")
		}
	})
}
