package detect

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Series is a file of counts in buckets of equal length, oldest first.
type Series struct {
	Name   string      // base name of the file
	Stamps []string    // as they stand in the file
	Times  []time.Time // the same, read
	Counts []float64
}

// layouts of timestamps that a series may have.
func layouts() []string {
	return []string{"2006-01-02 15:04:05", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"}
}

// ReadSeries reads a CSV file with the header timestamp,value. An error names the line
// and what was expected there.
func ReadSeries(name string, in io.Reader) (Series, error) {
	s := Series{Name: name}
	rows := csv.NewReader(in)
	rows.FieldsPerRecord = 2
	rows.TrimLeadingSpace = true
	head, err := rows.Read()
	if err != nil {
		return s, fmt.Errorf("%s: %w; the first line should be timestamp,value", name, noEOF(err))
	}
	if !named(strings.TrimPrefix(head[0], "\ufeff"), "timestamp") || !named(head[1], "value") {
		return s, fmt.Errorf("%s:1: the header is %q; it should be timestamp,value", name, strings.Join(head, ","))
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := rows.FieldPos(0)
		row[0], row[1] = strings.TrimSpace(row[0]), strings.TrimSpace(row[1])
		at, err := moment(row[0])
		if err != nil {
			return s, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		count, err := strconv.ParseFloat(row[1], 64)
		if err != nil || math.IsNaN(count) || math.IsInf(count, 0) || count < 0 {
			return s, fmt.Errorf("%s:%d: %q is not a count of 0 or more", name, line, row[1])
		}
		if n := len(s.Times); n > 0 && !at.After(s.Times[n-1]) {
			return s, fmt.Errorf("%s:%d: %s is not later than the line before; sort the file by time", name, line, row[0])
		}
		s.Stamps, s.Times, s.Counts = append(s.Stamps, row[0]), append(s.Times, at), append(s.Counts, count)
	}
	if len(s.Times) < 2 {
		return s, fmt.Errorf("%s: %d rows tell no bucket length; at least 2 are needed", name, len(s.Times))
	}
	return s, nil
}

// named reports whether a column has a name, however it is written.
func named(column, name string) bool { return strings.EqualFold(strings.TrimSpace(column), name) }

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	return err
}

func moment(text string) (time.Time, error) {
	for _, layout := range layouts() {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 2015-03-03 04:37:53", text)
}

// bucketRows is how many rows, at the most, tell the length of a bucket. No decision is made
// before the last of them, so that none depends on a later row.
const bucketRows = 12

// Bucket is the length of a bucket: the median distance of the first rows.
func (s Series) Bucket() time.Duration {
	var gaps []time.Duration
	for i := 1; i < min(len(s.Times), bucketRows+1); i++ {
		gaps = append(gaps, s.Times[i].Sub(s.Times[i-1]))
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// Weeks is the length of the series.
func (s Series) Weeks() float64 { return s.Times[len(s.Times)-1].Sub(s.Times[0]).Hours() / (24 * 7) }

// Backtest runs a detector over a series as if it were live and returns its alerts, with
// the rows of the file.
func Backtest(cfg Config, s Series) ([]Alert, error) {
	bucket := s.Bucket()
	d, err := New(cfg, bucket)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	var out []Alert
	for row, count := range s.Counts {
		s.pass(d, row, bucket)
		if a, ok := d.Add(count); ok && row >= bucketRows {
			a.Row = row
			out = append(out, a)
		}
	}
	return out, nil
}

// pass goes over the buckets that the file leaves out before a row. Up to the longest window
// nobody was counted there, as tables leave empty buckets out; more is a gap in what is known.
func (s Series) pass(d *Detector, row int, bucket time.Duration) {
	if row == 0 {
		return
	}
	gap := s.Times[row].Sub(s.Times[row-1])
	missing := buckets(gap, bucket) - 1
	if all := spans(); gap > all[len(all)-1] {
		d.Skip(missing)
		return
	}
	for range missing {
		d.step(0)
	}
}

// ReadWindows reads labelled windows: a JSON object of file names, each with a list of
// pairs of times.
func ReadWindows(name string, in io.Reader) (map[string][]Span, error) {
	var raw map[string][][2]string
	if err := json.NewDecoder(in).Decode(&raw); err != nil {
		return nil, fmt.Errorf("%s: %w; it should be {\"file.csv\": [[\"from\", \"to\"], ...]}", name, err)
	}
	out := make(map[string][]Span, len(raw))
	for file, pairs := range raw {
		for _, pair := range pairs {
			from, err := moment(pair[0])
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, file, err)
			}
			to, err := moment(pair[1])
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, file, err)
			}
			out[file] = append(out[file], Span{from, to})
		}
	}
	return out, nil
}
