package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"earshot/enrich/namesake"
	"earshot/pipeline"
)

const trainContextLong = `Learns the words that go with a brand and with its namesakes from posts that somebody
marked, one a line: yes or no, a tab, the text. Prints what the query NAME AND
context:>n would find of posts that it was not learnt from (cross-validation in ten
parts) and writes the model, which is the same for the same file. Yes and no weigh alike,
however many of each were marked; it takes five of each at least. Beside a query that a
person wrote the model serves best as a veto: (QUERY) AND context:>0.15. Alone it wants
some hundred posts of each kind.`

const contextFolds = 10

func trainContextCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:     "context NAME FILE",
		Short:   "Learn to tell a brand from its namesakes",
		Long:    trainContextLong,
		Example: "  earshot train context milan marked.tsv --out milan.context.json",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			examples, err := readMarked(args[1])
			if err != nil {
				return err
			}
			return trainContext(c.OutOrStdout(), args[0], examples, out)
		},
	}
	c.Flags().StringVar(&out, "out", "context.json", "`FILE` for the model")
	return c
}

func trainContext(w io.Writer, name string, examples []namesake.Example, out string) error {
	scores, err := namesake.CrossValidate(name, examples, contextFolds)
	if err != nil {
		return err
	}
	m, err := namesake.Learn(name, examples)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d posts, %d of them yes\n\nquery          precision  recall\n", len(examples), m.Yes)
	for _, limit := range []float64{0.15, 0.3, 0.5, 0.7, 0.9} {
		found, right := 0, 0
		for i, e := range examples {
			if scores[i] > limit {
				found++
				if e.Yes {
					right++
				}
			}
		}
		fmt.Fprintf(w, "context:>%-4g %10.3f  %6.3f\n", limit, float64(right)/float64(max(found, 1)), float64(right)/float64(m.Yes))
	}
	b, err := m.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, b, 0o600); err != nil {
		return fmt.Errorf("train context: %w", err)
	}
	fmt.Fprintf(w, "\nwritten: %s, version %s\n", out, m.Version())
	return nil
}

// readMarked reads lines of yes or no, a tab, and a text.
func readMarked(path string) ([]namesake.Example, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("train context: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	var out []namesake.Example
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		mark, text, ok := strings.Cut(lines.Text(), "\t")
		mark = strings.ToLower(strings.TrimSpace(mark))
		if !ok || mark != "yes" && mark != "no" {
			return nil, fmt.Errorf("train context: %s: line %d: expected yes or no, a tab and a text", path, n)
		}
		post := &pipeline.Post{ID: strconv.Itoa(n), Text: text}
		out = append(out, namesake.Example{Post: post, Yes: mark == "yes"})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("train context: %s: %w", path, err)
	}
	return out, nil
}
