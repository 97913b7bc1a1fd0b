package file

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
)

// Tweet ids are snowflakes since 2010-11-04: 42 bits of milliseconds since twepoch, then
// worker and sequence (github.com/twitter-archive/snowflake, snowflake-2010). Ids below
// firstSnowflake were counted up and tell no time.
const (
	twepoch        = 1288834974657 // ms since the Unix epoch: 2010-11-04T01:42:54.657Z
	firstSnowflake = 29700859247
)

// tweetTime is when a tweet of that id was published, in UTC with milliseconds; false if
// the id is no snowflake.
func tweetTime(id string) (pipeline.Time, bool) {
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil || n < firstSnowflake {
		return 0, false
	}
	return pipeline.Time(n>>22 + twepoch), true
}

// clock reads times as they stand in files.
type clock struct {
	layout string // the only one, if set
	zone   *time.Location
	order  string // of day and month in dates of numbers alone
}

// The orders of day and month.
const (
	dayFirst   = "dmy"
	monthFirst = "mdy"
)

// layouts that are common in exports; those without a zone are in the zone set.
func layouts() []string {
	return []string{
		time.RFC3339Nano,
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05-0700", "2006-01-02 15:04:05 -0700",
		"2006-01-02 15:04:05 MST", "2006-01-02T15:04:05-0700",
		"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
		"2006/01/02 15:04:05", "2006/01/02", "20060102T150405Z0700",
		"Mon Jan 02 15:04:05 -0700 2006", // tweets
		"Mon Jan 02 15:04:05 MST 2006",   // Sentiment140
		time.RFC1123Z, time.RFC1123, time.RFC850,
		"Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700",
		"2006-01-02 3:04:05 PM", "2006-01-02 3:04 PM",
		"2-Jan-2006 3:04PM", "2-Jan-2006 3:04 PM", "2-Jan-2006 15:04:05", "2-Jan-2006", // Meltwater
		"2-Jan-06 3:04 PM", "2-Jan-06 15:04:05", "2-Jan-06",
		"Jan 2, 2006 3:04 PM", "Jan 2, 2006 15:04:05", "Jan 2, 2006",
	}
}

// numbered are the layouts of dates of numbers alone, as spreadsheets write them.
func (c clock) numbered() (all []string) {
	date := "2/1/"
	switch c.order {
	case dayFirst:
	case monthFirst:
		date = "1/2/"
	default:
		return nil
	}
	for _, year := range []string{"2006", "06"} {
		for _, hour := range []string{"", " 15:04", " 15:04:05", " 3:04 PM", " 3:04:05 PM"} {
			all = append(all, date+year+hour)
		}
	}
	return all
}

// slashed writes a date of numbers alone with slashes; false if it is none: 3/4/2026,
// 03.04.26 13:15, 3-4-2026.
func slashed(s string) (string, bool) {
	day, hour, _ := strings.Cut(strings.ReplaceAll(s, ",", ""), " ")
	parts := strings.FieldsFunc(day, func(r rune) bool { return r == '/' || r == '.' || r == '-' })
	if len(parts) != 3 || len(parts[0]) > 2 || strings.Trim(day, "0123456789/.-") != "" {
		return "", false
	}
	return strings.TrimSpace(strings.Join(parts, "/") + " " + hour), true
}

// moment reads a time. Numbers are Unix seconds (also with a fraction), milliseconds,
// microseconds or nanoseconds, by their size.
func (c clock) moment(s string) (pipeline.Time, error) {
	s = strings.TrimSpace(s)
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	if c.layout != "" {
		t, err := time.ParseInLocation(c.layout, s, zone)
		if err != nil {
			return 0, fmt.Errorf("%q is not a time of the layout %q", cut(s), c.layout)
		}
		return pipeline.At(t), nil
	}
	if t, ok := unixTime(s); ok {
		return t, nil
	}
	if n := len(s); n > 2 && (s[n-2:] == "am" || s[n-2:] == "pm") {
		s = s[:n-2] + strings.ToUpper(s[n-2:])
	}
	if date, ok := slashed(s); ok {
		return c.ordered(date, zone)
	}
	for _, layout := range layouts() {
		t, err := time.ParseInLocation(layout, s, zone)
		if err != nil {
			continue
		}
		if name, offset := t.Zone(); strings.Contains(layout, "MST") && offset == 0 && name != "UTC" && name != "GMT" {
			continue // Go knows the abbreviation but not its offset
		}
		return pipeline.At(t), nil
	}
	return 0, fmt.Errorf("%q is not a time in a layout that is known; set time_layout, or ignore the column with -", cut(s))
}

// ordered reads a date of numbers alone.
func (c clock) ordered(date string, zone *time.Location) (pipeline.Time, error) {
	if c.order != dayFirst && c.order != monthFirst {
		return 0, fmt.Errorf("%q does not tell day from month; set date_order to dmy or mdy", cut(date))
	}
	for _, layout := range c.numbered() {
		if t, err := time.ParseInLocation(layout, date, zone); err == nil {
			return pipeline.At(t), nil
		}
	}
	return 0, fmt.Errorf("%q is not a date in the order %s", cut(date), c.order)
}

// unixTime reads a number as time since the Unix epoch, in the unit its size suggests.
func unixTime(s string) (pipeline.Time, bool) {
	if s == "" || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	whole, fraction, fractional := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || (fractional && strings.Contains(fraction, ".")) {
		return 0, false
	}
	switch {
	case len(whole) < 9: // a year, a day, a count
		return 0, false
	case n < 1e11:
		f, err := strconv.ParseFloat("0."+fraction+"0", 64)
		if err != nil {
			return 0, false
		}
		return pipeline.Time(n*1000 + int64(f*1000+0.5)), true
	case n < 1e14:
		return pipeline.Time(n), true
	case n < 1e17:
		return pipeline.Time(n / 1000), true
	}
	return pipeline.Time(n / 1e6), true
}

// cut shortens a value for a message.
func cut(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
