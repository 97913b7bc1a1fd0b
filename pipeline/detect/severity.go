package detect

import "earshot/pipeline"

// A page has to be about people: so many distinct ones more than usual, and so many times
// the usual.
const (
	warningVoices  = 10
	warningTimes   = 2
	criticalVoices = 100
	criticalTimes  = 5
	// pageChance is the chance that a surge of volume must fall below to call somebody. The
	// detector fires at some that a noisy brand has now and then; those wait until they grow.
	pageChance = 1e-5
)

// grade is the severity of so many distinct people where so many are usual.
func grade(voices, usual float64) pipeline.Severity {
	switch more := voices - usual; {
	case more >= criticalVoices && voices >= criticalTimes*usual:
		return pipeline.SeverityCritical
	case more >= warningVoices && voices >= warningTimes*usual:
		return pipeline.SeverityWarning
	}
	return pipeline.SeverityInfo
}

// SeverityOf is the severity of an incident: the highest of its kinds. It counts distinct human
// voices, so a thousand posts of ten bots are no page; a silence counts those that are
// missing; a competitor's spike never pages, and a blind source always warns.
func SeverityOf(i *pipeline.Incident) pipeline.Severity {
	out := pipeline.SeverityInfo
	x := &i.Explanation
	for _, e := range i.Evidence {
		s := pipeline.SeverityInfo
		switch e.Kind {
		case pipeline.AlertVolume:
			if e.Chance <= pageChance {
				s = grade(x.Voices, x.VoicesExpected)
			}
		case pipeline.AlertReach:
			s = grade(x.Voices, x.VoicesExpected)
		case pipeline.AlertNegative:
			s = grade(x.Negative, x.NegativeExpected)
		case pipeline.AlertTopic, pipeline.AlertCascade:
			s = grade(e.Observed, e.Expected)
		case pipeline.AlertDrop:
			s = grade(e.Expected, e.Observed)
		case pipeline.AlertCoverage:
			s = pipeline.SeverityWarning
		case pipeline.AlertRival:
		}
		if s.AtLeast(out) {
			out = s
		}
	}
	return out
}
