package simulate

import "time"

const (
	quarter     = int64(15 * 60 * 1000) // ms
	day         = int64(24 * 3600 * 1000)
	week        = 7 * day
	quarters    = 7 * 24 * 4
	weekBegin   = 4 * day // 1970-01-01 was a Thursday; the first Monday came four days later
	saleFactor  = 1.35
	quietFactor = 0.75
)

// hourly is how much people post in each hour of their own day: asleep at four, busy
// at lunch and most of all in the evening. The shape follows what is commonly reported
// of public feeds; it is not fitted to data.
func hourly() [24]float64 {
	return [24]float64{
		0.45, 0.28, 0.18, 0.14, 0.14, 0.2, 0.4, 0.7, 0.92, 1.02, 1.08, 1.14,
		1.28, 1.22, 1.1, 1.08, 1.12, 1.2, 1.34, 1.52, 1.66, 1.62, 1.3, 0.82,
	}
}

// rhythm holds for each quarter of an hour of the week how many posts there are (mean
// 1 over the week), and from which countries.
type rhythm struct {
	level [quarters + 1]float64
	share [quarters][]float64 // cumulative over countries, ends at 1
}

func newRhythm(places []country) *rhythm {
	var r rhythm
	hours := hourly()
	total := 0.0
	for q := range quarters {
		sums := make([]float64, len(places))
		sum := 0.0
		for i, p := range places {
			local := (int64(q)*quarter + int64(p.zone)*60000 + week) % week
			hour, next := local/3600000%24, (local/3600000+1)%24
			part := float64(local%3600000) / 3600000
			activity := hours[hour]*(1-part) + hours[next]*part
			if local/day >= 5 { // Saturday and Sunday: later in the day, and less about goods
				activity = 0.86 * (0.7*activity + 0.3*hours[(hour+22)%24])
			}
			sum += p.weight * activity
			sums[i] = sum
		}
		for i := range sums {
			sums[i] /= sum
		}
		r.level[q], r.share[q] = sum, sums
		total += sum
	}
	for q := range quarters {
		r.level[q] *= quarters / total
	}
	r.level[quarters] = r.level[0]
	return &r
}

// at is the level of activity at a moment (ms since 1970), mean 1 over a week without
// holidays.
func (r *rhythm) at(ms int64) float64 {
	in := (ms - weekBegin) % week
	q := in / quarter
	part := float64(in%quarter) / float64(quarter)
	level := r.level[q]*(1-part) + r.level[q+1]*part
	switch holidayOn(ms) {
	case saleDay:
		level *= saleFactor
	case quietDay:
		level *= quietFactor
	}
	return level
}

// country draws from where a post comes at a moment.
func (r *rhythm) country(ms int64, u float64) int {
	share := r.share[(ms-weekBegin)%week/quarter]
	for i, s := range share {
		if u < s {
			return i
		}
	}
	return len(share) - 1
}

// holiday is a day of the calendar, in UTC, that is unlike others.
type holiday uint8

const (
	plainDay holiday = iota
	quietDay         // 25 December and 1 January: fewer posts, many of them greetings
	saleDay          // last Friday of November: more posts, many of them about buying
)

// holidayOn costs a comparison on most days: only two months have holidays.
func holidayOn(ms int64) holiday {
	yearDay := ms % (day * 1461 / 4) / day // roughly: 0 is 1 January, give or take two
	if yearDay > 3 && yearDay < 320 {
		return plainDay
	}
	t := time.UnixMilli(ms).UTC()
	switch {
	case t.Month() == time.December && t.Day() == 25, t.Month() == time.January && t.Day() == 1:
		return quietDay
	case t.Month() == time.November && t.Weekday() == time.Friday && t.Day() >= 24:
		return saleDay
	}
	return plainDay
}
