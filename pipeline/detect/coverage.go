package detect

import (
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
