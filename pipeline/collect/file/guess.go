package file

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// rival is how close the second-best column may come to the best before the guess is
// refused as ambiguous.
const rival = 0.8

// guess finds the id, the text and the time among the columns that are not decided yet.
//
//   - id: numbers of 15 digits or more (tweet ids), else the one column whose values are
//     short and all different
//   - created_at: the one column whose values are all times
//   - text: the column with the most letters in words; a script without blanks counts too
//
// It refuses, with what to say instead, where two columns would do.
func (p *plan) guess(c Config, rows [][]string) error {
	if len(rows) == 0 {
		return errors.New("file: columns: the file holds a header alone, so nothing can be guessed; set columns")
	}
	times, err := c.clock()
	if err != nil {
		return err
	}
	if err := p.guessText(c, rows); err != nil {
		return err
	}
	p.guessTweets(c, rows)
	if err := p.guessTime(c, rows, times); err != nil {
		return err
	}
	return p.guessID(c, rows)
}

// free yields the columns that are not decided yet.
func (p *plan) free(rows [][]string, yield func(i int, values []string)) {
	for i, field := range p.Columns {
		if field == "" {
			if values := column(rows, i); len(values) > 0 {
				yield(i, values)
			}
		}
	}
}

func (p *plan) guessText(c Config, rows [][]string) error {
	best, second := -1, -1
	score := make([]float64, len(p.Columns))
	p.free(rows, func(i int, values []string) {
		score[i] = wording(values) * float64(len(values)) / float64(len(rows))
		switch {
		case best < 0 || score[i] > score[best]:
			best, second = i, best
		case second < 0 || score[i] > score[second]:
			second = i
		}
	})
	switch {
	case best < 0 || score[best] == 0:
		return errors.New("file: columns: none looks like the text of a post; set columns, such as text=3")
	case second >= 0 && score[second] >= rival*score[best]:
		return fmt.Errorf("file: columns: %d and %d both look like the text of a post; set columns, such as text=%d", best+1, second+1, best+1)
	}
	if c.Columns["text"] == "" {
		p.Columns[best] = "text"
	}
	return nil
}

// guessTweets takes the column of tweet ids with the most different values.
func (p *plan) guessTweets(c Config, rows [][]string) {
	if p.has("id") || c.Columns["id"] != "" || (c.Platform != "" && c.Platform != "x") {
		return
	}
	best, most, tied := -1, 0, false
	p.free(rows, func(i int, values []string) {
		if len(values) < len(rows) || !tweetColumn(values) {
			return
		}
		switch n := distinct(values); {
		case n > most:
			best, most, tied = i, n, false
		case n == most:
			tied = true
		}
	})
	if best >= 0 && !tied {
		p.Columns[best], p.TweetIDs = "id", true
	}
}

func (p *plan) guessTime(c Config, rows [][]string, times clock) error {
	if p.has("created_at") || c.Columns["created_at"] != "" {
		return nil
	}
	var found []int
	p.free(rows, func(i int, values []string) {
		for _, v := range values {
			t, err := times.moment(v)
			if err != nil || t.Time().Year() < 1990 || t.Time().Year() > 2100 {
				return
			}
		}
		found = append(found, i)
	})
	if len(found) > 1 {
		return fmt.Errorf("file: columns: %d and %d both look like times; set columns, such as created_at=%d", found[0]+1, found[1]+1, found[0]+1)
	}
	if len(found) == 1 {
		p.Columns[found[0]] = "created_at"
	}
	return nil
}

// guessID takes the one column that names each row.
func (p *plan) guessID(c Config, rows [][]string) error {
	if p.has("id") || c.Columns["id"] != "" || len(rows) < 2 {
		return nil
	}
	var found []int
	p.free(rows, func(i int, values []string) {
		if len(values) == len(rows) && distinct(values) == len(values) && compact(values) {
			found = append(found, i)
		}
	})
	if len(found) > 1 {
		return fmt.Errorf("file: columns: %d and %d both look like ids; set columns, such as id=%d", found[0]+1, found[1]+1, found[0]+1)
	}
	if len(found) == 1 {
		p.Columns[found[0]] = "id"
	}
	return nil
}

// tweetColumn reports whether all values are numbers of at least 15 digits that are
// snowflakes.
func tweetColumn(values []string) bool {
	for _, v := range values {
		v = strings.TrimSpace(v)
		if _, ok := tweetTime(v); !ok || len(v) < 15 {
			return false
		}
	}
	return len(values) > 0
}

// wording is the mean number of letters in values that hold words: several of them, or
// letters of a script that needs no blanks.
func wording(values []string) float64 {
	sum := 0
	for _, v := range values {
		letters, wide := 0, 0
		for _, r := range v {
			if unicode.IsLetter(r) {
				letters++
				if r > unicode.MaxLatin1 {
					wide++
				}
			}
		}
		if words := len(strings.Fields(v)); words > 1 || wide > 3 {
			sum += letters
		}
	}
	return float64(sum) / float64(len(values))
}

// compact reports whether values could be ids: short, without blanks, no fractions.
func compact(values []string) bool {
	for _, v := range values {
		if len(v) > 128 || strings.ContainsAny(strings.TrimSpace(v), " \t\n") {
			return false
		}
		if _, err := strconv.ParseInt(v, 10, 64); err != nil && numeric(v) {
			return false
		}
	}
	return true
}

func distinct(values []string) int {
	seen := make(map[string]bool, len(values))
	for _, v := range values {
		seen[v] = true
	}
	return len(seen)
}
