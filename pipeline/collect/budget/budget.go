// Package budget keeps paid reads within what an operator has set, by the hour of every
// crash. What is spent stands in the cursor of the source. Before a request its price is
// held, and the cursor that says so is saved; afterwards the hold is settled. Whatever
// was held when a run ended counts as spent: it may have been read. A source belongs to
// one worker at a time (pipeline/kafka Owners), and the next one begins with the cursor of
// the last, so two workers never spend the same unit.
package budget

import (
	"errors"
	"fmt"
	"time"
)

// Config is what an operator may set.
type Config struct {
	Reads  int64  `yaml:"reads" doc:"posts that may be read in a period, whoever they are asked for by; nothing is read beyond it"`
	Period string `yaml:"period" enum:"month,day" doc:"when the count begins anew, UTC"`
}

// The periods.
const (
	Month = "month"
	Day   = "day"
)

// Validate names the first setting that cannot be used.
func (c *Config) Validate() error {
	switch {
	case c.Reads < 0:
		return fmt.Errorf("reads: is %d; give 0 (nothing is read) or more", c.Reads)
	case c.Period != Month && c.Period != Day:
		return fmt.Errorf("period: is %.20q; give month or day", c.Period)
	}
	return nil
}

// name of the period in which now lies: names of later periods are greater.
func (c *Config) name(now time.Time) string {
	if c.Period == Day {
		return now.UTC().Format(time.DateOnly)
	}
	return now.UTC().Format("2006-01")
}

// Ends is when the period ends in which now lies.
func (c *Config) Ends(now time.Time) time.Time {
	y, m, d := now.UTC().Date()
	if c.Period == Day {
		return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)
}

// Account is what of a budget is spent. It is part of the source's cursor.
type Account struct {
	Period string `json:"period"`
	Spent  int64  `json:"spent"` // settled
	Held   int64  `json:"held"`  // may have been read
}

// turn begins a new period. A clock that goes back begins none, or it would pay twice.
func (a *Account) turn(c *Config, now time.Time) {
	if name := c.name(now); name > a.Period {
		*a = Account{Period: name, Held: a.Held} // what is under way is read in the new one
	}
}

// Open takes up the account of a run that has ended: what it held counts as spent.
func (a *Account) Open(c *Config, now time.Time) {
	a.Spent, a.Held = a.Spent+a.Held, 0
	a.turn(c, now)
}

// Left is what may still be held.
func (a *Account) Left(c *Config, now time.Time) int64 {
	a.turn(c, now)
	return max(c.Reads-a.Spent-a.Held, 0)
}

// Hold holds up to want units, and says how many. Save the account before reading.
func (a *Account) Hold(c *Config, now time.Time, want int64) int64 {
	granted := min(want, a.Left(c, now))
	a.Held += granted
	return granted
}

// Use settles n of the units held: they were read. More than were held are spent too.
func (a *Account) Use(n int64) {
	a.Spent += n
	a.Held = max(a.Held-n, 0)
}

// Release gives back what is held and was not read.
func (a *Account) Release() { a.Held = 0 }

// ErrSpent says that the budget does not allow the request in this period.
var ErrSpent = errors.New("the budget of paid reads is spent")

// String says how the account stands, for messages.
func (a *Account) String() string {
	return fmt.Sprintf("%d read and %d held in %s", a.Spent, a.Held, a.Period)
}
