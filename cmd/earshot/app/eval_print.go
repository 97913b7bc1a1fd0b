package app

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"earshot/enrich/model/language/measure"
	"earshot/enrich/model/sentiment"
	"earshot/pipeline"
)

func (t *evalTally) print(out io.Writer) {
	if len(t.languages) > 0 {
		t.printLanguages(out)
	}
	if len(t.sentiment) > 0 {
		t.printSentiment(out)
	}
	if len(t.toward) > 0 {
		t.printToward(out)
	}
}

func (t *evalTally) printSentiment(out io.Writer) {
	fmt.Fprintf(out, "\nSentiment of the post, in %%\n")
	sentimentHeader(out)
	var all []sentiment.Judged
	for _, code := range slices.Sorted(maps.Keys(t.sentiment)) {
		all = append(all, t.sentiment[code]...)
		if len(t.sentiment) > 1 {
			sentimentRow(out, code, t.sentiment[code])
		}
	}
	printConfusion(out, sentimentRow(out, "all", all))
}

// printToward compares the label toward the brand with that of the whole post, on the same
// rows.
func (t *evalTally) printToward(out io.Writer) {
	fmt.Fprintf(out, "\nToward the brand, in %%\n")
	sentimentHeader(out)
	sentimentRow(out, "post", t.post)
	printConfusion(out, sentimentRow(out, "toward", t.toward))
	p := sentiment.Compare(t.post, t.toward)
	fmt.Fprintf(out, "\ntoward - post, of the same rows (95 %% of 1,000 paired bootstrap samples): macro-F1 %+.2f (%+.2f to %+.2f), accuracy %+.2f (%+.2f to %+.2f)\n",
		100*p.F1, 100*p.F1Low, 100*p.F1High, 100*p.Accuracy, 100*p.AccuracyLow, 100*p.AccuracyHigh)
}

func (t *evalTally) printLanguages(out io.Writer) {
	fmt.Fprintf(out, "Language, in %%\n%-8s %8s %8s %6s %6s  %s\n", "", "texts", "right", "und", "ECE", "most often taken for")
	all, mean := &languageTally{answers: map[string]int{}}, 0.0
	for _, code := range slices.Sorted(maps.Keys(t.languages)) {
		l := t.languages[code]
		printLanguage(out, code, l)
		all.n, all.right = all.n+l.n, all.right+l.right
		all.answers[pipeline.Undetermined] += l.answers[pipeline.Undetermined]
		all.judged = append(all.judged, l.judged...)
		mean += 100 * float64(l.right) / float64(l.n) / float64(len(t.languages))
	}
	printLanguage(out, "all", all)
	fmt.Fprintf(out, "%-8s %8s %8.2f\n", "mean", "", mean)
}

func printLanguage(out io.Writer, code string, l *languageTally) {
	of := func(n int) float64 { return 100 * float64(n) / float64(max(1, l.n)) }
	ece, _ := measure.Calibration(l.judged)
	fmt.Fprintf(out, "%-8s %8d %8.2f %6.2f %6.2f ", code, l.n, of(l.right), of(l.answers[pipeline.Undetermined]), 100*ece)
	wrong := slices.DeleteFunc(slices.Collect(maps.Keys(l.answers)), func(a string) bool { return a == code || a == pipeline.Undetermined })
	slices.SortFunc(wrong, func(a, b string) int { return cmp.Or(cmp.Compare(l.answers[b], l.answers[a]), cmp.Compare(a, b)) })
	for _, a := range wrong[:min(3, len(wrong))] {
		fmt.Fprintf(out, " %s %d", a, l.answers[a])
	}
	fmt.Fprintln(out)
}

func sentimentHeader(out io.Writer) {
	fmt.Fprintf(out, "%-8s %8s %9s %15s %13s %9s %6s\n", "", "texts", "macro-F1", "95 % interval", "macro-recall", "accuracy", "ECE")
}

func sentimentRow(out io.Writer, name string, rows []sentiment.Judged) sentiment.Score {
	s := sentiment.Measure(name, rows)
	fmt.Fprintf(out, "%-8s %8d %9.2f %15s %13.2f %9.2f %6.2f\n", name, s.Rows, 100*s.MacroF1,
		fmt.Sprintf("%.2f–%.2f", 100*s.Low, 100*s.High), 100*s.Recall, 100*s.Accuracy, 100*s.ECE)
	return s
}

// printConfusion counts true labels by line and answers by column.
func printConfusion(out io.Writer, s sentiment.Score) {
	names := []string{"negative", "neutral", "positive"}
	fmt.Fprintf(out, "\n%-16s %10s %10s %10s\n", "true \\ answered", names[0], names[1], names[2])
	for i, row := range s.Confusion {
		fmt.Fprintf(out, "%-16s %10d %10d %10d\n", names[i], row[0], row[1], row[2])
	}
}
