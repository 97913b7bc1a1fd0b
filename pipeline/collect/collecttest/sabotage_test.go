package collecttest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
)

// sabotageVar names, in a child process, what is wrong with the source.
const sabotageVar = "EARSHOT_TEST_SABOTAGE"

const samplePosts = 20

var errCut = errors.New("the connection broke")

// sample is the plainest honest source: numbered posts, of which every tenth is
// malformed; sabotage breaks one promise of it.
type sample struct {
	sabotage string
	day      collecttest.Day
}

func (s *sample) post(n int) pipeline.Post {
	p := pipeline.Post{Platform: "test", ID: strconv.Itoa(n), Text: "post", CreatedAt: pipeline.At(time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC))}
	switch {
	case s.day == collecttest.Changes && n == 5:
		p.ID, p.Op = "3", pipeline.OpUpdate
	case s.day == collecttest.Changes && n == 6:
		p.ID, p.Op = "4", pipeline.OpDelete
	case s.day == collecttest.Lies && n == 5:
		p.CreatedAt = pipeline.At(time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC))
	case s.day == collecttest.Lies && n == 6:
		p.CreatedAt = pipeline.At(time.Date(2999, 1, 2, 0, 0, 0, 0, time.UTC))
	}
	if s.sabotage == "mends the clock" && !pipeline.Believable(p.CreatedAt, pipeline.At(time.Now())) {
		p.CreatedAt = pipeline.At(time.Now())
	}
	return p
}

func (s *sample) Run(ctx context.Context, from pipeline.Cursor, out pipeline.Session) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch s.day {
	case collecttest.SlowDown:
		if s.sabotage != "ignores an order to slow down" {
			out.Limited(time.Now().Add(2*time.Minute), "the sample's order")
			return errors.New("limited")
		}
	case collecttest.Dead:
		return errCut
	}
	n, _ := strconv.Atoi(string(from))
	if s.day == collecttest.OldCursor && n < 12 {
		if s.sabotage != "hides a gap" {
			out.Gap(time.Unix(int64(n), 0), time.Unix(12, 0), "older than the platform keeps")
		}
		n = 12
	}
	if s.sabotage != "shows no life" {
		out.Alive()
	}
	return s.read(ctx, n, out)
}

func (s *sample) read(ctx context.Context, n int, out pipeline.Session) error {
	begin := n
	for ; n < samplePosts; n++ {
		if n%10 == 7 {
			if s.sabotage != "drops what it cannot read" {
				if err := out.Refuse(ctx, []byte("{"), strconv.Itoa(n), "malformed"); err != nil {
					return err
				}
			}
			continue
		}
		upTo := n + 1
		if s.sabotage == "moves its cursor too far" {
			upTo++
		}
		err := out.Emit(ctx, []pipeline.Post{s.post(n)}, pipeline.Cursor(strconv.Itoa(upTo)))
		if err != nil && s.sabotage != "goes on after a failed Emit" {
			return fmt.Errorf("sample: %w", err)
		}
		if s.day == collecttest.Cut && n == begin+3 {
			return errCut
		}
	}
	return ctx.Err()
}

func suite(t *testing.T, sabotage string) {
	t.Helper()
	want, keys := map[string]int{}, []string(nil)
	for n := range samplePosts {
		if n%10 != 7 {
			key := "test/" + strconv.Itoa(n)
			want[key], keys = 1, append(keys, key)
		}
	}
	collecttest.Source(t, collecttest.Case{Want: want, Refused: 2, New: func(testing.TB) pipeline.Source {
		return &sample{sabotage: sabotage}
	}})
	collecttest.BadDays(t, collecttest.Platform{Want: keys, Old: pipeline.Cursor("2"), Edited: "test/3", Deleted: "test/4",
		New: func(_ testing.TB, day collecttest.Day) pipeline.Source { return &sample{sabotage: sabotage, day: day} }})
}

// TestSuite runs the honest sample, or in a child process the sabotaged one.
func TestSuite(t *testing.T) { suite(t, os.Getenv(sabotageVar)) }

// TestSabotagedSourcesFail: a suite that passes everything proves nothing.
func TestSabotagedSourcesFail(t *testing.T) {
	for sabotage, promise := range map[string]string{
		"moves its cursor too far":      "goes_on_from_every_cursor",
		"goes on after a failed Emit":   "returns_the_error_of_an_Emit",
		"drops what it cannot read":     "reads_everything_and_refuses_only_what_is_malformed",
		"shows no life":                 "shows_signs_of_life",
		"hides a gap":                   "reports_a_gap_where_its_cursor_is_too_old",
		"ignores an order to slow down": "obeys_an_order_to_slow_down",
		"mends the clock":               "keeps_a_lying_clock_as_claimed",
	} {
		t.Run(sabotage, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuite$/^"+promise, "-test.v")
			cmd.Env = append(os.Environ(), sabotageVar+"="+sabotage)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the suite passes a source that %s", sabotage)
			assert.Contains(t, string(out), "--- FAIL: TestSuite/"+promise)
		})
	}
}
