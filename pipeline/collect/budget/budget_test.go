package budget

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestPeriods(t *testing.T) {
	c := Config{Reads: 10, Period: Month}
	assert.Equal(t, at("2027-01-01T00:00:00Z"), c.Ends(at("2026-12-31T23:00:00Z")))
	c.Period = Day
	assert.Equal(t, at("2026-03-01T00:00:00Z"), c.Ends(at("2026-02-28T23:00:00Z")))
	var a Account
	a.Open(&c, at("2026-02-28T23:00:00Z"))
	assert.EqualValues(t, 7, a.Hold(&c, at("2026-02-28T23:00:00Z"), 7))
	a.Use(7)
	assert.EqualValues(t, 3, a.Left(&c, at("2026-02-28T23:59:00Z")))
	assert.EqualValues(t, 10, a.Left(&c, at("2026-03-01T00:00:00Z")))
	a.Use(10)
	assert.Zero(t, a.Left(&c, at("2026-02-28T23:59:59Z")), "a clock that goes back gives nothing back")
	for _, bad := range []Config{{Reads: -1, Period: Day}, {Reads: 1, Period: "week"}} {
		require.Error(t, bad.Validate())
	}
}

func TestWhatWasHeldAtACrashIsSpent(t *testing.T) {
	c := Config{Reads: 100, Period: Month}
	now := at("2026-01-05T00:00:00Z")
	var a Account
	a.Open(&c, now)
	a.Hold(&c, now, 60)
	a.Open(&c, now) // the next run
	assert.EqualValues(t, 40, a.Left(&c, now))
}

// TestNoStormOverspends kills runs at any point of any request and compares with what a
// platform has billed.
func TestNoStormOverspends(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		c := Config{Reads: 500, Period: Month}
		now := at("2026-01-05T00:00:00Z")
		billed := int64(0)
		var saved Account
		for range 60 {
			a := saved // a new process
			a.Open(&c, now)
			for range 5 {
				granted := a.Hold(&c, now, 100-a.Held)
				crash := r.IntN(12)
				if crash == 0 {
					break // before the save
				}
				saved = a
				if crash == 1 || granted < 0 {
					break // after the save
				}
				used := r.Int64N(a.Held + 1) // read and billed
				billed += used
				if crash == 2 {
					break // before the answer was handed over
				}
				a.Use(used)
				if crash > 3 {
					saved = a
				}
			}
		}
		require.LessOrEqual(t, billed, c.Reads)
		require.LessOrEqual(t, billed, saved.Spent+saved.Held)
	}
}
