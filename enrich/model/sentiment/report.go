package sentiment

import (
	"maps"
	"slices"
	"strings"
)

// Report is what a model reaches on rows that it was not trained on.
type Report struct {
	Model string             `json:"model"`
	Train map[string]int     `json:"train"` // rows by language and source
	Val   []Score            `json:"validation"`
	Held  []Score            `json:"held_out"`
	Means map[string]float64 `json:"means"`
	// All rows of a language that the model was not trained on, but UMSAB's Hindi ones,
	// whose labels look like noise.
	Languages map[string]Language `json:"languages"`
	// The same rows as in Languages, measured.
	ByLanguage []Score `json:"by_language"`
	// How each language's calibration did on training folds that it was not fitted on.
	Crossed map[string]Crossed `json:"crossed"`
}

// Language is how the rows of a language were judged, of all sources together.
type Language struct {
	Rows      int       `json:"rows"`
	Confusion Confusion `json:"confusion"`
}

// Sets over which the report has means.
var (
	umsabLanguages = []string{"ar", "de", "en", "es", "fr", "hi", "it", "pt"}
	moreLanguages  = []string{"th", "ko", "ru", "id", "uk", "vi", "fa", "sw", "ha", "yo", "am", "pcm"}
)

// NewReport measures a model on the validation files and the tenth held out.
func NewReport(m *Model, data *Data) Report {
	r := Report{Model: m.Version(), Train: map[string]int{}, Means: map[string]float64{}, Languages: map[string]Language{}}
	for _, row := range data.Train {
		if weightOf(row.Lang, row.Source) > 0 {
			r.Train[row.Lang+" "+row.Source]++
		}
	}
	val, held := m.Judge(data.Val), m.Judge(data.Held)
	all := slices.DeleteFunc(slices.Concat(val, held), func(row Judged) bool {
		return row.Lang == "hi" && strings.EqualFold(row.Source, umsab)
	})
	for _, row := range all {
		l := r.Languages[row.Lang]
		l.Rows++
		l.Confusion[row.Label][row.Said]++
		r.Languages[row.Lang] = l
	}
	r.Crossed = map[string]Crossed{}
	for _, lang := range slices.Sorted(maps.Keys(r.Languages)) {
		r.ByLanguage = append(r.ByLanguage, Measure(lang, only(all, lang, "")))
		if c := m.calibration(lang); c.Claim != nil {
			r.Crossed[lang] = c.Claim.Crossed
		}
	}
	r.Val = scores(val, validationSets())
	for _, s := range r.Val {
		switch s.Set {
		case "en te":
			r.Means["tweeteval_recall"] = s.Recall
		case "zh reviews":
			r.Means["zh_accuracy"] = s.Accuracy
		case "en all":
		default:
			r.Means["umsab_macro_f1"] += s.MacroF1 / float64(len(umsabLanguages))
		}
	}
	r.Held = scores(held, heldSets(data.Held))
	for _, s := range r.Held {
		if lang, _, _ := strings.Cut(s.Set, " "); slices.Contains(moreLanguages, lang) {
			r.Means["more_macro_f1"] += s.MacroF1 / float64(len(moreLanguages))
		}
	}
	return r
}

// Scores measures another judge on all sets of a report.
func Scores(data *Data, judge func([]Row) ([]Judged, error)) ([]Score, error) {
	val, err := judge(data.Val)
	if err != nil {
		return nil, err
	}
	held, err := judge(data.Held)
	if err != nil {
		return nil, err
	}
	return append(scores(val, validationSets()), scores(held, heldSets(data.Held))...), nil
}

// set is a part of the rows that is measured together.
type set struct{ name, lang, source string }

func validationSets() (sets []set) {
	for _, lang := range umsabLanguages {
		sets = append(sets, set{lang + " umsab", lang, "umsab"})
	}
	return append(sets, set{"en te", "en", "te"}, set{"en all", "en", ""}, set{"zh reviews", "zh", "zh-reviews"})
}

func heldSets(rows []Row) (sets []set) {
	for _, lang := range langsOf(rows) {
		sets = append(sets, set{lang + " held", lang, ""})
	}
	return sets
}

func scores(rows []Judged, sets []set) (out []Score) {
	for _, s := range sets {
		out = append(out, Measure(s.name, only(rows, s.lang, s.source)))
	}
	return out
}

// only picks rows of a language and, unless it is empty, a source.
func only(rows []Judged, lang, source string) (out []Judged) {
	for _, r := range rows {
		if r.Lang == lang && (source == "" || strings.EqualFold(r.Source, source)) {
			out = append(out, r)
		}
	}
	return out
}

func langsOf(rows []Row) (langs []string) {
	for _, r := range rows {
		if !slices.Contains(langs, r.Lang) {
			langs = append(langs, r.Lang)
		}
	}
	slices.Sort(langs)
	return langs
}
