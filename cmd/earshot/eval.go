package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"earshot/enrich"
	"earshot/pipeline"
)

const evalLong = `Labels the texts of a file whose languages, and sentiments if there is such a column, are
known, and prints how often it is right.

The file has tab-separated columns: language and text; or label (0 negative, 1 neutral, 2
positive), language, source and text. Short texts are answered too, to be comparable with
other detectors: language.min_letters is taken as 0.`

func evalCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "eval FILE.tsv",
		Short:   "Measure the labels on texts that are labelled",
		Long:    evalLong,
		Example: "  earshot eval language/sentences.tsv\n  earshot eval sentiment/val.tsv",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return evaluate(c, args[0]) },
	}
}

// tally counts the answers to the texts of one language.
type tally struct {
	n, right, und int
	cells         [3][3]int // sentiment: gold, answer
}

func evaluate(c *cobra.Command, path string) error {
	settings := enrich.DefaultLanguageConfig()
	settings.MinLetters = 0
	language, err := enrich.NewLanguage(settings)
	if err != nil {
		return err
	}
	sentiment, err := enrich.NewSentiment(enrich.DefaultSentimentConfig())
	if err != nil {
		return err
	}
	chain := enrich.NewChain(language, sentiment)
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	each, all, labels := map[string]*tally{}, &tally{}, false
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for number := 1; lines.Scan(); number++ {
		columns := strings.SplitN(lines.Text(), "\t", 4)
		if len(columns) != 2 && len(columns) != 4 {
			return fmt.Errorf("eval: %s: line %d: %d columns; 2 (language, text) or 4 (label, language, source, text) are expected", path, number, len(columns))
		}
		gold := -1
		if len(columns) == 4 {
			gold = strings.Index("012", columns[0])
			columns = []string{columns[1], columns[3]}
		}
		r := &pipeline.Record{Post: pipeline.Post{Text: columns[1]}, Mentions: make([]pipeline.Mention, 1)}
		if err := chain.Enrich(r); err != nil {
			return fmt.Errorf("eval: %s: line %d: %w", path, number, err)
		}
		if each[columns[0]] == nil {
			each[columns[0]] = &tally{}
		}
		labels = labels || gold >= 0
		for _, t := range []*tally{all, each[columns[0]]} {
			t.count(r, columns[0], gold)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("eval: %s: %w", path, err)
	}
	printTally(c, each, all, labels)
	return nil
}

func (t *tally) count(r *pipeline.Record, code string, gold int) {
	t.n++
	switch r.Language.Code {
	case code:
		t.right++
	case pipeline.Undetermined:
		t.und++
	}
	answer := slices.Index([]pipeline.Polarity{pipeline.Negative, pipeline.Neutral, pipeline.Positive}, r.Mentions[0].Sentiment.Label)
	if gold >= 0 && answer >= 0 {
		t.cells[gold][answer]++
	}
}

// scores are macro-F1 and macro-recall in percent, over the labels that occur.
func (t *tally) scores() (f1, recall float64) {
	present := 0.0
	for k := range 3 {
		hit, gold, answered := float64(t.cells[k][k]), 0.0, 0.0
		for j := range 3 {
			gold += float64(t.cells[k][j])
			answered += float64(t.cells[j][k])
		}
		if gold == 0 {
			continue
		}
		present++
		f1 += 200 * hit / (gold + answered)
		recall += 100 * hit / gold
	}
	return f1 / max(present, 1), recall / max(present, 1)
}

func printTally(c *cobra.Command, each map[string]*tally, all *tally, labels bool) {
	out := c.OutOrStdout()
	fmt.Fprintf(out, "%-8s %8s %10s %6s", "language", "texts", "right, %", "und, %")
	if labels {
		fmt.Fprintf(out, " %10s %14s", "macro-F1", "macro-recall")
	}
	fmt.Fprintln(out)
	row := func(name string, t *tally) {
		fmt.Fprintf(out, "%-8s %8d %10.2f %6.2f", name, t.n, 100*float64(t.right)/float64(t.n), 100*float64(t.und)/float64(t.n))
		if labels {
			f1, recall := t.scores()
			fmt.Fprintf(out, " %10.2f %14.2f", f1, recall)
		}
		fmt.Fprintln(out)
	}
	for _, code := range slices.Sorted(maps.Keys(each)) {
		row(code, each[code])
	}
	if all.n > 0 {
		row("all", all)
	}
}
