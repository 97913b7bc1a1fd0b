package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"
)

// BenchmarkLine prints two tables: what each part takes, and what the whole line takes
// beside the plainest program that copies the same posts.
func BenchmarkLine(b *testing.B) {
	posts, rounds := setting(b, postsVar, 500_000), setting(b, roundsVar, 5)
	s := start(b, false)
	out := os.Stdout
	fmt.Fprintf(out, "\n%d posts through %s and an embedded ClickHouse, on %d cores shared with both ...\n", posts, s.kind, runtime.NumCPU())
	mean := fill(b.Context(), b, s.client, posts)
	parts := s.parts(b)
	fmt.Fprintf(out, "\nThe parts, one at a time (%d bytes of JSON a post)\n\n", mean)
	require.NoError(b, printParts(out, parts))

	var line, floor []cost
	for round := range rounds {
		// In turn, so that what the machine does beside falls on both.
		measure := []func(){
			func() { line = append(line, s.run(b, s.line(b, round), posts)) },
			func() { floor = append(floor, s.run(b, s.floor(b, posts), posts)) },
		}
		if round%2 == 1 {
			slices.Reverse(measure)
		}
		for _, m := range measure {
			m()
		}
		fmt.Fprintf(os.Stderr, "round %d of %d: line %.1f, floor %.1f µs of CPU a post\n", round+1, rounds,
			each(line[round].cpu, posts), each(floor[round].cpu, posts))
	}
	fmt.Fprintf(out, "\nThe whole line and the floor: median of %d rounds (least to most)\n\n", rounds)
	require.NoError(b, printRounds(out, line, floor, posts))
}

func setting(tb testing.TB, name string, fallback int) int {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	require.NoError(tb, err, name)
	require.Positive(tb, n, name)
	return n
}

func printParts(out io.Writer, parts []part) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "µs of CPU\ta second on one core\tof a\tpart")
	for _, p := range parts {
		fmt.Fprintf(w, "%.2f\t%.0f\t%s\t%s\n", p.cpu, 1e6/p.cpu, p.unit, p.name)
	}
	return w.Flush()
}

func printRounds(out io.Writer, line, floor []cost, posts int) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "\tearshot\tfloor")
	rows := []struct {
		name string
		of   func(cost) float64
		form string
	}{
		{"µs of CPU a post, of the program", func(c cost) float64 { return each(c.cpu, posts) }, "%.1f (%.1f to %.1f)"},
		{"posts a second, start to end", func(c cost) float64 { return float64(posts) / c.wall.Seconds() }, "%.0f (%.0f to %.0f)"},
		{"MiB of memory at the peak", func(c cost) float64 { return float64(c.memory) / (1 << 20) }, "%.0f (%.0f to %.0f)"},
		{"µs a post more, of ClickHouse", func(c cost) float64 { return each(c.clickhouseCPU, posts) }, "%.1f (%.1f to %.1f)"},
		{"µs a post more, of Kafka", func(c cost) float64 { return each(c.kafkaCPU, posts) }, "%.1f (%.1f to %.1f)"},
	}
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.name, spread(r.form, line, r.of), spread(r.form, floor, r.of))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	ratios := make([]float64, len(line))
	for i := range line {
		ratios[i] = line[i].cpu.Seconds() / floor[i].cpu.Seconds()
	}
	slices.Sort(ratios)
	_, err := fmt.Fprintf(out, "\nCPU of earshot over that of the floor, round by round: %.2f (%.2f to %.2f)\n"+
		"earshot: checked posts, 20 brands, all tables, exactly once; without language and sentiment.\n"+
		"floor: kafka-go Reader, encoding/json, clickhouse-go batch of 12 columns; doubles rows after a crash.\n\n",
		ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
	return err
}

func spread(form string, all []cost, of func(cost) float64) string {
	values := make([]float64, len(all))
	for i, c := range all {
		values[i] = of(c)
	}
	slices.Sort(values)
	return fmt.Sprintf(form, values[len(values)/2], values[0], values[len(values)-1])
}
