package sentiment

import (
	"fmt"
	"strings"
)

// mostECE is the expected calibration error that is wanted.
const mostECE = 0.03

const calibrationHead = `
## Calibration: expected calibration error (ECE), percent

15 bins of equal mass of the label's probability. On few rows the plain estimate is large whatever the model does: "by chance" is
what a perfectly calibrated model with the same probabilities would show on as many rows, in the mean and 95 times in 100 (200
draws). "Debiased" is the root mean square error without what chance adds (Kumar, Liang and Ma 2019). An ECE of at most 3 holds
only if the plain figure says so; "chance" marks a miss that is no larger than 95 of 100 perfect models would show. One in
twenty perfectly calibrated languages misses even that.

### By language

All rows of a language that the model was not trained on, of ` + "`val.tsv`, `zh_val.tsv`" + ` and the tenth held out, but UMSAB's Hindi ones, whose
labels look like noise (they are a set of their own below). "Folds": the training rows, five folds, each judged by models that were trained, and
a calibration that was fitted, without it; enough rows to tell 3 from less. The calibration was chosen by the folds.

| language | rows | ECE | by chance | 95 % | debiased | at most 3 | rows of folds | ECE | by chance |
|---|---|---|---|---|---|---|---|---|---|
`

// verdict says whether an ECE is as small as wanted, plainly or as far as chance lets see.
func verdict(s Score) string {
	switch {
	case s.ECE <= mostECE:
		return "holds"
	case s.ECE <= s.ECEChance:
		return "missed: chance"
	}
	return "**missed**"
}

func calibrationByLanguage(b *strings.Builder, r Report) {
	b.WriteString(calibrationHead)
	var holds, beyond, unclear, folds, foldsOver []string
	for _, s := range r.ByLanguage {
		x := r.Crossed[s.Set]
		fmt.Fprintf(b, "| %s | %d | %.1f | %.1f | %.1f | %.1f | %s | %d | %.1f | %.1f |\n", s.Set, s.Rows,
			100*s.ECE, 100*s.ECEFloor, 100*s.ECEChance, 100*s.ECEDebiased, verdict(s), x.Rows, 100*x.ECE, 100*x.Floor)
		switch verdict(s) {
		case "holds":
			holds = append(holds, s.Set)
		case "**missed**":
			beyond = append(beyond, fmt.Sprintf("%s (%.1f; 95 of 100 perfect models stay below %.1f)", s.Set, 100*s.ECE, 100*s.ECEChance))
		default:
			unclear = append(unclear, s.Set)
		}
		if x.ECE <= mostECE {
			folds = append(folds, s.Set)
		} else {
			foldsOver = append(foldsOver, fmt.Sprintf("%s (%.1f; by chance %.1f)", s.Set, 100*x.ECE, 100*x.Floor))
		}
	}
	listed := func(what string, languages []string) {
		if len(languages) == 0 {
			languages = []string{"none"}
		}
		fmt.Fprintf(b, "- %s: %s.\n", what, strings.Join(languages, ", "))
	}
	b.WriteString("\n")
	listed(fmt.Sprintf("At most 3 plainly, on the rows of validation (%d of %d languages)", len(holds), len(r.ByLanguage)), holds)
	listed("Above 3, and no more than a perfect model might show: the rows are too few to tell", unclear)
	listed("Above 3, and beyond what 95 of 100 perfect models would show", beyond)
	listed(fmt.Sprintf("At most 3 on the training folds (%d of %d)", len(folds), len(r.ByLanguage)), folds)
	listed("Above 3 there", foldsOver)
}

func calibrationBySet(b *strings.Builder, scores []Score) {
	b.WriteString("\n### By set\n\nA language's calibration is one for all its sources, which have other shares of the labels: a part of them may miss where the whole holds.\n\n" +
		"| set | rows | ECE | by chance | 95 % | debiased | at most 3 |\n|---|---|---|---|---|---|---|\n")
	for _, s := range scores {
		fmt.Fprintf(b, "| %s | %d | %.1f | %.1f | %.1f | %.1f | %s |\n", s.Set, s.Rows,
			100*s.ECE, 100*s.ECEFloor, 100*s.ECEChance, 100*s.ECEDebiased, verdict(s))
	}
	b.WriteString("\nCurves, claimed → right in percent, of the sets that the validation files name:\n\n| set | bins |\n|---|---|\n")
	for _, s := range scores {
		if !strings.HasSuffix(s.Set, " held") {
			curveRow(b, s)
		}
	}
}

func curveRow(b *strings.Builder, s Score) {
	fmt.Fprintf(b, "| %s |", s.Set)
	for _, bin := range s.Curve {
		fmt.Fprintf(b, " %.0f→%.0f", 100*bin.Claimed, 100*bin.Accuracy)
	}
	b.WriteString(" |\n")
}
