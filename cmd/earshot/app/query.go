package app

import (
	"fmt"
	"io"
	"os"
	"strings"

	"earshot/pipeline"
	"earshot/pipeline/query"
)

// CheckQuery prints how a query is read and what to be warned of; posts may name a file of
// texts on which its terms are measured.
func CheckQuery(out io.Writer, source, posts string) error {
	q, err := query.Parse(source)
	if err != nil {
		return failure(ExitConfiguration, err)
	}
	fmt.Fprintf(out, "reads as  %s\nversion   %s\n", q, q.Version())
	warnings := q.Warnings()
	if posts != "" {
		texts, err := readLines(posts)
		if err != nil {
			return err
		}
		records := make([]pipeline.Record, len(texts))
		for i, text := range texts {
			records[i].Post.Text = text
		}
		measured, err := query.Measure(q, records)
		if err != nil {
			return err
		}
		warnings = append(warnings, measured...)
	}
	for _, w := range warnings {
		fmt.Fprintf(out, "warning   %s\n", w)
	}
	return nil
}

// TestQuery prints precision and recall on labelled texts, and each miss.
func TestQuery(out io.Writer, source, file string) error {
	explain, err := newExplainer(source)
	if err != nil {
		return err
	}
	lines, err := readLines(file)
	if err != nil {
		return err
	}
	var hit, wrong, missed int
	for i, line := range lines {
		label, text, ok := strings.Cut(line, "\t")
		label = strings.ToLower(label)
		if !ok || label != "yes" && label != "no" {
			return failure(ExitConfiguration, fmt.Errorf("%s, line %d: expected yes or no, a tab and a text", file, i+1))
		}
		found, why := explain(text)
		switch {
		case found && label == "yes":
			hit++
		case found:
			wrong++
			fmt.Fprintf(out, "wrong   line %d: %s\n%s", i+1, text, why)
		case label == "yes":
			missed++
			fmt.Fprintf(out, "missed  line %d: %s\n%s", i+1, text, why)
		}
	}
	fmt.Fprintf(out, "precision %s, recall %s, %d texts\n", share(hit, hit+wrong), share(hit, hit+missed), len(lines))
	return nil
}

func share(part, whole int) string {
	if whole == 0 {
		return "- (0 of 0)"
	}
	return fmt.Sprintf("%.3f (%d of %d)", float64(part)/float64(whole), part, whole)
}

// ExplainQuery prints why a text matches or not.
func ExplainQuery(out io.Writer, source, text string) error {
	explain, err := newExplainer(source)
	if err != nil {
		return err
	}
	found, why := explain(text)
	_, err = fmt.Fprintf(out, "match: %v\n%s", found, why)
	return err
}

// newExplainer returns a function that matches a text and says which parts held.
func newExplainer(source string) (func(text string) (bool, string), error) {
	q, err := query.Parse(source)
	if err != nil {
		return nil, failure(ExitConfiguration, err)
	}
	parts, err := query.Explain(q)
	if err != nil {
		return nil, failure(ExitConfiguration, err)
	}
	return func(text string) (bool, string) {
		return parts(&pipeline.Record{Post: pipeline.Post{Text: text}})
	}, nil
}

// DiffQueries prints the texts that one of two queries matches.
func DiffQueries(out io.Writer, before, after, file string) error {
	first, err := newExplainer(before)
	if err != nil {
		return err
	}
	second, err := newExplainer(after)
	if err != nil {
		return err
	}
	lines, err := readLines(file)
	if err != nil {
		return err
	}
	both, gone, came := 0, 0, 0
	for _, text := range lines {
		old, _ := first(text)
		now, _ := second(text)
		switch {
		case old && now:
			both++
		case old:
			gone++
			fmt.Fprintf(out, "- %s\n", text)
		case now:
			came++
			fmt.Fprintf(out, "+ %s\n", text)
		}
	}
	fmt.Fprintf(out, "%d in both, %d no longer, %d new\n", both, gone, came)
	return nil
}

func readLines(file string) ([]string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, failure(ExitConfiguration, fmt.Errorf("query: %w", err))
	}
	return strings.Split(strings.TrimRight(strings.ReplaceAll(string(content), "\r\n", "\n"), "\n"), "\n"), nil
}
