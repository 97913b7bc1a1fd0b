package pipeline

import "time"

// Time is a moment in UTC as milliseconds since the Unix epoch. Zero means
// unknown. Posts carry it instead of time.Time because it is a third of the size
// and is what both JSON (RFC 3339, milliseconds) and ClickHouse (DateTime64(3)) hold.
type Time int64

// At returns t cut to milliseconds; the zero time.Time gives the zero Time.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// Time returns t in UTC; an unknown time gives the zero time.Time.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

// Known reports whether the time is set.
func (t Time) Known() bool { return t != 0 }

// Believable bounds of a platform's claim: no social platform of today existed
// before 2004, and a post cannot be older than tomorrow (clocks differ by zones).
const (
	EarliestBelievable Time = 1072915200000 // 2004-01-01T00:00:00Z
	futureTolerance         = Time(24 * time.Hour / time.Millisecond)
)

// Believable reports whether claimed can be trusted as the time of a post that was
// seen at seen: not before 2004 and at most a day after it was seen.
func Believable(claimed, seen Time) bool {
	return claimed >= EarliestBelievable && claimed <= seen+futureTolerance
}
