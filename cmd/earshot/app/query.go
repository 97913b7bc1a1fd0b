package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"earshot/pipeline"
	"earshot/pipeline/query"
)

// QueryTrial is a query that is tried before a brand gets it.
type QueryTrial struct {
	Query   string
	Context string // file of a context model; empty: none
}

// brand is the one that the query would be of.
func (t QueryTrial) brand() (query.Brand, error) {
	b := Brand{Name: "query", Query: t.Query}
	if t.Context != "" {
		if err := b.Context.UnmarshalText([]byte(t.Context)); err != nil {
			return query.Brand{}, failure(ExitConfiguration, fmt.Errorf("query: %w", err))
		}
	}
	q, err := query.Parse(t.Query)
	if err != nil {
		return query.Brand{}, failure(ExitConfiguration, err)
	}
	out := query.Brand{Name: b.Name, Query: q}
	if err := b.Context.apply(&out); err != nil {
		return query.Brand{}, failure(ExitConfiguration, err)
	}
	return out, nil
}

func (t QueryTrial) inspect() (*query.Inspector, error) {
	b, err := t.brand()
	if err != nil {
		return nil, err
	}
	in, err := query.Inspect(b)
	return in, failure(ExitConfiguration, err)
}

// Check prints how the query is read and what to be warned of. What it does is measured on
// the posts of a file (one a line), or on the archive; with neither it is not measured.
func (t QueryTrial) Check(ctx context.Context, cfg *Config, c *Console, posts string, archive Archived) error {
	b, err := t.brand()
	if err != nil {
		return err
	}
	c.print(fmt.Sprintf("reads as  %s\nversion   %s\n", b.Query, b.Version()))
	printWarnings(c, b.Query.Warnings())
	switch {
	case posts != "":
		lines, err := readLines(posts)
		if err != nil {
			return err
		}
		return measureQuery(b, c, nil, func(use func(*pipeline.Record)) error {
			for i, line := range lines {
				r, err := readPost(line)
				if err != nil {
					return fmt.Errorf("%s, line %d: %w", posts, i+1, err)
				}
				use(r)
			}
			return nil
		})
	case archive.Days > 0:
		return archive.open(ctx, cfg, c, func(a *archiveSample) error {
			return measureQuery(b, c, a, func(use func(*pipeline.Record)) error { return a.read(ctx, use) })
		})
	}
	return nil
}

// measureQuery prints what the query does on posts; sample is nil where they are no archive.
func measureQuery(b query.Brand, c *Console, sample *archiveSample, posts func(func(*pipeline.Record)) error) error {
	m, err := query.Measure(b, posts)
	if err != nil {
		return failure(ExitConfiguration, err)
	}
	c.print(fmt.Sprintf("matches   %s of the posts", share(m.Matches, m.Posts)))
	if sample != nil && m.Posts > 0 {
		c.print(fmt.Sprintf(", about %.0f a day; %s", sample.aDay(m.Matches, m.Posts), sample))
	}
	c.print("\n")
	printWarnings(c, m.Warnings)
	return nil
}

// shownWarnings is how many are printed: a list of words may earn one for each.
const shownWarnings = 20

func printWarnings(c *Console, all []query.Warning) {
	for _, w := range all[:min(len(all), shownWarnings)] {
		c.print(fmt.Sprintf("warning   %s\n", w))
	}
	if more := len(all) - shownWarnings; more > 0 {
		c.print(fmt.Sprintf("warning   and %d more\n", more))
	}
}

// Test prints precision and recall on labelled posts, and each miss with the parts of the
// query that decided it.
func (t QueryTrial) Test(out io.Writer, file string) error {
	in, err := t.inspect()
	if err != nil {
		return err
	}
	lines, err := readLines(file)
	if err != nil {
		return err
	}
	var tally tally
	err = judge(in, lines, func(j judged) {
		tally.add(j)
		switch {
		case j.wanted == j.found:
			return
		case j.found:
			fmt.Fprintf(out, "wrong   line %d: %s\n", j.line, j.text)
		default:
			fmt.Fprintf(out, "missed  line %d: %s\n", j.line, j.text)
		}
		for _, p := range in.Decided() {
			fmt.Fprintf(out, "        decided by  %s\n", describePart(p, j.record))
		}
	})
	if err != nil {
		return fmt.Errorf("%s, %w", file, err)
	}
	_, err = fmt.Fprintf(out, "precision %s, recall %s, %d posts\n", tally.precision(), tally.recall(), tally.posts)
	return err
}

// judged is a post that says yes or no, and what a query says of it.
type judged struct {
	line          int    // from 1
	text          string // the post, as it was given
	wanted, found bool
	record        *pipeline.Record
}

// judge asks about each line of yes or no, a tab and a post. Until use returns, the
// inspector speaks of that post.
func judge(in *query.Inspector, lines []string, use func(judged)) error {
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		label, text, ok := strings.Cut(line, "\t")
		label = strings.ToLower(strings.TrimSpace(label))
		if !ok || label != "yes" && label != "no" {
			return fmt.Errorf("line %d: expected yes or no, a tab and a post", i+1)
		}
		r, err := readPost(text)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		use(judged{line: i + 1, text: text, wanted: label == "yes", found: in.Match(r), record: r})
	}
	return nil
}

// tally counts how often a query is right.
type tally struct{ posts, hit, wrong, missed int }

func (t *tally) add(j judged) {
	t.posts++
	switch {
	case j.found && j.wanted:
		t.hit++
	case j.found:
		t.wrong++
	case j.wanted:
		t.missed++
	}
}

func (t *tally) precision() string { return share(t.hit, t.hit+t.wrong) }
func (t *tally) recall() string    { return share(t.hit, t.hit+t.missed) }

func share(part, whole int) string {
	if whole == 0 {
		return "- (0 of 0)"
	}
	return fmt.Sprintf("%.3f (%d of %d)", float64(part)/float64(whole), part, whole)
}

// describePart says how a part of a query stands to a record, with the words that matched.
func describePart(p query.Part, r *pipeline.Record) string {
	var b strings.Builder
	b.WriteString(p.Text)
	if !p.Holds {
		b.WriteString("  (does not hold)")
	}
	for _, s := range p.Spans {
		fmt.Fprintf(&b, "  %s[%d:%d]", s.Field, s.Begin, s.End)
		switch s.Field {
		case "text":
			fmt.Fprintf(&b, " %q", r.Post.Text[s.Begin:s.End])
		case "title":
			fmt.Fprintf(&b, " %q", r.Post.Title[s.Begin:s.End])
		}
	}
	return b.String()
}

// Explain prints why a post matches or not: what decided, and how each part stands.
func (t QueryTrial) Explain(out io.Writer, post string) error {
	in, err := t.inspect()
	if err != nil {
		return err
	}
	r, err := readPost(post)
	if err != nil {
		return failure(ExitUsage, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "match: %v\n", in.Match(r))
	for _, p := range in.Decided() {
		fmt.Fprintf(&b, "decided by  %s\n", describePart(p, r))
	}
	for _, p := range in.Parts() {
		sign := "no "
		if p.Holds {
			sign = "yes"
		}
		p.Holds = true // the sign says it
		fmt.Fprintf(&b, "  %s  %s\n", sign, describePart(p, r))
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// DiffQueries prints the posts of a file (one a line) that one of two queries matches, and
// the parts that decided.
func DiffQueries(out io.Writer, before, after QueryTrial, file string) error {
	first, err := before.inspect()
	if err != nil {
		return err
	}
	second, err := after.inspect()
	if err != nil {
		return err
	}
	lines, err := readLines(file)
	if err != nil {
		return err
	}
	both, gone, came := 0, 0, 0
	for i, line := range lines {
		r, err := readPost(line)
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", file, i+1, err)
		}
		old, now := first.Match(r), second.Match(r)
		sign := "+"
		switch {
		case old && now:
			both++
			continue
		case old:
			gone++
			sign = "-"
		case now:
			came++
		default:
			continue
		}
		fmt.Fprintf(out, "%s %s\n", sign, line)
		for _, p := range second.Decided() {
			fmt.Fprintf(out, "    decided by  %s\n", describePart(p, r))
		}
	}
	_, err = fmt.Fprintf(out, "%d in both, %d no longer, %d new\n", both, gone, came)
	return err
}

// readPost reads a post as the JSON of its record, else as a bare text.
func readPost(line string) (*pipeline.Record, error) {
	r := &pipeline.Record{}
	if !strings.HasPrefix(line, `{"`) {
		r.Post.Text = line
		return r, nil
	}
	if _, err := pipeline.DecodePost([]byte(line), &r.Post); err != nil {
		return nil, fmt.Errorf("what begins with {\" is read as the JSON of a post: %w", err)
	}
	return r, nil
}

// maxLine bounds a line of a file of posts, in bytes.
const maxLine = 4 << 20

func readLines(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	var out []string
	for lines.Scan() {
		out = append(out, lines.Text())
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("query: %s, line %d: %w", file, len(out)+1, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("query: %s: %w", file, errNoPosts)
	}
	return out, nil
}

var errNoPosts = errors.New("there are no posts in it")
