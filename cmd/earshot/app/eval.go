package app

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"earshot/enrich"
	"earshot/enrich/model/language"
	"earshot/enrich/model/language/measure"
	"earshot/enrich/model/sentiment"
	"earshot/pipeline"
)

// Eval measures the labels on a file of labelled texts.
type Eval struct {
	HeldOut bool // only what was kept apart: see evalRow.heldOut
	Claims  bool // what the platform's claim does, right, wrong and not made
}

// evalRow is a labelled text. What the file does not tell is empty or negative.
type evalRow struct {
	line     int
	language string
	label    int // sentiment.Negative, Neutral, Positive
	targets  []evalTarget
	text     string
}

// heldOut reports whether the row was kept apart: a quarter of the targets from the sentiment
// model, the odd lines with two brands from the rules, a fifth of other texts from the language
// tables.
func (r evalRow) heldOut() bool {
	switch {
	case len(r.targets) > 1:
		return r.line%2 == 1
	case len(r.targets) == 1:
		return sentiment.HeldOutTarget(r.targets[0].name)
	}
	return language.HeldOut(r.text)
}

// evalTarget is a brand in a text, with the label toward it.
type evalTarget struct {
	name  string
	label int
}

// evalTally is what was counted.
type evalTally struct {
	languages map[string]*languageTally
	sentiment map[string][]sentiment.Judged // by language
	toward    []sentiment.Judged            // the label toward the target
	post      []sentiment.Judged            // and that of the whole post, for the same rows
}

// languageTally counts the answers to the texts of one language.
type languageTally struct {
	n, right int
	answers  map[string]int
	judged   []measure.Judged
}

// RunEval labels the texts of a file as a stream would and prints how often it is right.
// Short texts are answered too.
func RunEval(path string, e Eval, out io.Writer) error {
	rows, err := readEval(path)
	if err != nil {
		return err
	}
	if e.HeldOut {
		rows = slices.DeleteFunc(rows, func(r evalRow) bool { return !r.heldOut() })
	}
	if e.Claims {
		return evalClaims(rows, out)
	}
	settings := enrich.DefaultLanguageConfig()
	settings.MinLetters = 0
	told, err := enrich.NewLanguage(settings)
	if err != nil {
		return err
	}
	judge, err := enrich.NewSentiment(enrich.DefaultSentimentConfig())
	if err != nil {
		return err
	}
	chain := enrich.NewChain(told, judge)
	t := &evalTally{languages: map[string]*languageTally{}, sentiment: map[string][]sentiment.Judged{}}
	for _, row := range rows {
		r := &pipeline.Record{Post: pipeline.Post{Text: row.text}, Mentions: make([]pipeline.Mention, max(1, len(row.targets)))}
		for i, t := range row.targets {
			r.Mentions[i].Spans = spansOf(row.text, t.name)
		}
		if err := chain.Enrich(r); err != nil {
			return fmt.Errorf("eval: %s: line %d: %w", path, row.line, err)
		}
		t.count(row, r)
	}
	t.print(out)
	return nil
}

// spansOf are the places where a target is named, whatever its case.
func spansOf(text, target string) (spans []pipeline.Span) {
	if target == "" || len(strings.ToLower(text)) != len(text) { // places would not fit
		return nil
	}
	low, name := strings.ToLower(text), strings.ToLower(target)
	for from := 0; ; {
		at := strings.Index(low[from:], name)
		if at < 0 {
			return spans
		}
		spans = append(spans, pipeline.Span{Field: "text", Begin: from + at, End: from + at + len(name)})
		from += at + len(name)
	}
}

func (t *evalTally) count(row evalRow, r *pipeline.Record) {
	if row.language != "" {
		l := t.languages[row.language]
		if l == nil {
			l = &languageTally{answers: map[string]int{}}
			t.languages[row.language] = l
		}
		right := r.Language.Code == row.language
		l.n++
		l.answers[r.Language.Code]++
		if right {
			l.right++
		}
		if r.Language.Code != pipeline.Undetermined {
			l.judged = append(l.judged, measure.Judged{Confidence: float64(r.Language.Confidence), Right: right})
		}
	}
	code := cmp.Or(row.language, r.Language.Code)
	of := func(s pipeline.Sentiment, label int) sentiment.Judged {
		return sentiment.Judged{
			Row:  sentiment.Row{Label: label, Lang: code},
			P:    [3]float64{float64(s.Negative), float64(s.Neutral), float64(s.Positive)},
			Said: sentiment.Class(string(s.Label)),
		}
	}
	if row.label >= 0 {
		t.sentiment[code] = append(t.sentiment[code], of(r.Mentions[0].Sentiment, row.label))
	}
	for i, target := range row.targets {
		t.post = append(t.post, of(r.Mentions[i].Sentiment, target.label))
		t.toward = append(t.toward, of(r.Mentions[i].Toward, target.label))
	}
}

// evalClaims prints what the platform's claim does to the languages.
func evalClaims(rows []evalRow, out io.Writer) error {
	d, err := language.New()
	if err != nil {
		return err
	}
	var texts []measure.Text
	for _, r := range rows {
		if r.language != "" {
			texts = append(texts, measure.Text{Code: r.language, Words: r.text})
		}
	}
	fmt.Fprintf(out, "Languages right in %% of %d texts, by what the platform claims.\n%-12s %8s %8s %18s %16s\n",
		len(texts), "claim weighs", "nothing", "right", "unchanged setting", "any other wrong")
	for _, points := range []int{0, language.ClaimPoints / 2, language.ClaimPoints, 2 * language.ClaimPoints} {
		c := measure.NewClaims(d, points, texts)
		fmt.Fprintf(out, "%12d %8.2f %8.2f %18.2f %16.2f\n", points, 100*c.None, 100*c.Right, 100*c.Wrong, 100*c.Other)
	}
	fmt.Fprintf(out, "The weight in use is %d points of half a nat.\n", language.ClaimPoints)
	return nil
}

// readEval reads a file of any of the known kinds.
func readEval(path string) (rows []evalRow, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for number := 1; lines.Scan(); number++ {
		row, err := parseEval(strings.Split(lines.Text(), "\t"))
		if err != nil {
			return nil, fmt.Errorf("eval: %s: line %d: %w", path, number, err)
		}
		row.line = number
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("eval: %s: %w", path, err)
	}
	return rows, nil
}

// parseEval tells the kinds apart by the number of columns, and those of five by what
// stands in the third: the id of a tweet, or the name of a source.
func parseEval(c []string) (row evalRow, err error) {
	switch {
	case len(c) == 2:
		return evalRow{language: c[0], label: -1, text: c[1]}, nil
	case len(c) == 5 && digitsOnly(c[2]):
		toward, err := strconv.Atoi(c[0])
		if err != nil || toward < -2 || toward > 2 {
			return row, fmt.Errorf("label %q; -2 to 2 is expected", c[0])
		}
		label := sentiment.Neutral + cmp.Compare(toward, 0)
		return evalRow{label: label, targets: []evalTarget{{c[1], label}}, text: c[4]}, nil //nolint:gosec // there are five columns
	case len(c) == 6:
		row = evalRow{language: c[0], label: -1, text: c[5]}
		for _, at := range []int{1, 3} {
			t := evalTarget{c[at], strings.Index("012", c[at+1])}
			if len(c[at+1]) != 1 || t.label < 0 {
				return row, fmt.Errorf("label %q; 0 (negative), 1 (neutral) or 2 (positive) is expected", c[at+1])
			}
			row.targets = append(row.targets, t)
		}
		return row, nil
	case len(c) == 4 || len(c) == 5:
		row = evalRow{language: c[1], label: strings.Index("012", c[0]), text: c[len(c)-1]}
		if len(c) == 5 {
			row.targets = []evalTarget{{c[3], row.label}}
		}
		if len(c[0]) != 1 || row.label < 0 {
			return row, fmt.Errorf("label %q; 0 (negative), 1 (neutral) or 2 (positive) is expected", c[0])
		}
		return row, nil
	}
	return row, fmt.Errorf("%d columns; expected are 2 (language, text), 4 (label, language, source, text) 5 "+
		"(label, language, source, brand, text; or label from -2 to 2, target, id, part, text) or 6 (language, brand, label, brand, label, text)", len(c))
}

func digitsOnly(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
