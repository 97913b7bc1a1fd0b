package detect

import (
	"maps"
	"slices"
	"strings"
	"time"

	"earshot/pipeline"
)

// DeadAfter is how long a source may see nothing of its platform, and say so or say
// nothing, before it is worth an alert.
const DeadAfter = 10 * time.Minute

// CoverageFinding says that a source is blind since a moment. Every minute of blindness
// stands alone, so its chance is not told.
func CoverageFinding(source string, since, now time.Time) Finding {
	minutes := now.Sub(since).Minutes()
	return Finding{pipeline.Evidence{Kind: pipeline.AlertCoverage, At: pipeline.At(now.Truncate(time.Minute)), Minutes: int(minutes), Observed: minutes,
		High: DeadAfter.Minutes(), Chance: 1, Score: max(1.01, min(minutes/DeadAfter.Minutes(), 2)), Subject: source}, true}
}

// fewSources that are blind at once are told one by one, more as one.
const fewSources = 3

// severalSources is the name under which many blind sources are one incident.
const severalSources = "several sources"

// BlindFinding is a finding of a source.
type BlindFinding struct {
	Source string
	Finding
}

// Blind makes findings of sources that are blind since a moment: one of each, or one of
// them all if they are many; a source that has an incident of its own keeps it.
func (t *Incidents) Blind(dead map[string]time.Time, now time.Time) []BlindFinding {
	names := slices.Sorted(maps.Keys(dead))
	rest := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return t.Ongoing("", name) != nil })
	together := len(rest) > fewSources || len(rest) > 0 && t.Ongoing("", severalSources) != nil
	var out []BlindFinding
	if together {
		f := CoverageFinding(severalSources, dead[rest[0]], now)
		f.Subject = strings.Join(rest, ", ")
		out = append(out, BlindFinding{severalSources, f})
	}
	for _, name := range names {
		if !together || !slices.Contains(rest, name) {
			out = append(out, BlindFinding{name, CoverageFinding(name, dead[name], now)})
		}
	}
	return out
}
