package sentiment

import "strings"

// umsab is the source with as many posts of each label in each of its languages.
const umsab = "umsab"

// weightOf is how much a row of a source counts: by how far its labels are to be trusted
// as sentiment of public posts, and by how near it is to them.
func weightOf(lang, source string) float64 {
	switch {
	case source == umsab && lang == "hi":
		return 0 // its labels look like noise: without them Hindi is judged better
	case source == umsab:
		return 7
	case source == "sentipolc16", source == "sb10k":
		return 6 // what UMSAB's Italian and German were drawn from
	case source == "semeval":
		return 1
	case source == "target":
		return 0.5
	case source == "zh-reviews":
		return 0.7
	case source == "sentimix", source == "vsfc", source == "potts", source == "brighter-esp":
		return 0.5
	case strings.HasPrefix(source, "emotion-"):
		return 0.4
	case strings.HasPrefix(source, "aspect-"):
		return 0.3 // reviews, of one aspect or a few
	case source == "brighter-afr":
		return 0.3
	case strings.HasPrefix(source, "brighter"):
		return 0.6
	}
	return 1
}

// Sources of a calibration.
const (
	notCalibrated = iota // a source is not asked
	mainSource
	otherSource // together the other sources of a language count half as much as the main ones
)

// calibrated tells whether a language is calibrated on a source. The sources differ much in how
// often they have each label. Where UMSAB exists, it is the main one; but not in Hindi, where
// its labels look like noise.
func calibrated(lang, source string) int {
	switch lang {
	case "ar", "de", "es", "fr", "it", "pt":
		if source != umsab {
			return otherSource
		}
	case "en":
		if source != umsab && source != "semeval" {
			return notCalibrated
		}
	case "hi":
		if source == umsab {
			return notCalibrated
		}
	}
	return mainSource
}
