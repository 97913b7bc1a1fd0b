package sentiment

import "strings"

// weightOf is how much a row of a source counts: by how far its labels are to be trusted
// as sentiment of public posts, and by how near it is to them.
func weightOf(lang, source string) float64 {
	switch {
	case source == "umsab" && lang == "hi":
		return 0 // its labels look like noise: without them Hindi is judged better
	case source == "umsab":
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
	case source == "brighter-afr":
		return 0.3
	case strings.HasPrefix(source, "brighter"):
		return 0.6
	}
	return 1
}

// calibrated reports whether a language is calibrated on a source: on UMSAB where it
// exists, as the sources there differ much in how often they have each label; but not
// in Hindi, where UMSAB's labels look like noise.
func calibrated(lang, source string) bool {
	switch lang {
	case "ar", "de", "es", "fr", "it", "pt":
		return source == "umsab"
	case "en":
		return source == "umsab" || source == "semeval"
	case "hi":
		return source != "umsab"
	}
	return true
}
