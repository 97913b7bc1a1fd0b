package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"

	"earshot/enrich/model/language"
	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// Correct is a label that a person fixes, or takes the fix of back.
type Correct struct {
	Post      string // platform/id
	Brand     string // toward which the sentiment is fixed; empty: of the post
	Language  string // ISO 639; empty: not fixed
	Sentiment string // negative, neutral or positive; empty: not fixed
	By        string // who; empty: the user of the system
	Note      string // why
	Undo      bool   // take back what was fixed of the post, or toward the brand
	Simulated bool   // of the simulated market
}

// RunCorrect stores corrections and brings the totals up to date.
func RunCorrect(ctx context.Context, cfg *Config, c *Console, fix Correct) error {
	platform, id, err := fix.check()
	if err != nil {
		return failure(ExitUsage, fmt.Errorf("correct: %w", err))
	}
	return withStream(ctx, cfg, c, fix.Simulated, func(db *clickhouse.DB) error {
		todo := fix.overrides(platform, id)
		if fix.Undo {
			stand, err := db.Overrides(ctx, platform, id)
			if err != nil {
				return err
			}
			todo = undone(stand, fix)
			if len(todo) == 0 {
				return fmt.Errorf("correct: nothing of %s is corrected%s; earshot correct list shows what is", fix.Post, toward(fix.Brand))
			}
		}
		for _, o := range todo {
			if err := db.Correct(ctx, o); err != nil {
				return fmt.Errorf("correct: %w", err)
			}
		}
		if err := clickhouse.OpenRollups(db, c.Log).Drain(ctx); err != nil {
			return fmt.Errorf("correct: it is stored, but the totals could not be computed yet: %w", err)
		}
		for _, o := range todo {
			if o.Value == "" {
				c.print(fmt.Sprintf("%s: the correction of the %s is taken back; the label is again what the model said\n", fix.Post, whatOf(o)))
			} else {
				c.print(fmt.Sprintf("%s: the %s is %s, says %s\n", fix.Post, whatOf(o), o.Value, o.By))
			}
		}
		return nil
	})
}

// check reports the first mistake.
func (fix *Correct) check() (platform, id string, err error) {
	platform, id, ok := strings.Cut(fix.Post, "/")
	polarities := []string{string(pipeline.Negative), string(pipeline.Neutral), string(pipeline.Positive)}
	switch {
	case !ok || platform == "" || id == "":
		return "", "", errors.New("name the post as PLATFORM/ID")
	case fix.Undo && (fix.Language != "" || fix.Sentiment != ""):
		return "", "", errors.New("--undo takes back what stands; leave --language and --sentiment out")
	case !fix.Undo && fix.Language == "" && fix.Sentiment == "":
		return "", "", errors.New("give --language CODE, --sentiment LABEL or --undo")
	case fix.Sentiment != "" && !slices.Contains(polarities, fix.Sentiment):
		return "", "", fmt.Errorf("--sentiment %q; use negative, neutral or positive", fix.Sentiment)
	case fix.Language != "" && fix.Language != pipeline.Undetermined && !isLanguage(fix.Language):
		return "", "", fmt.Errorf("--language %q; use an ISO 639 code such as en, de, zh, or und", fix.Language)
	case fix.Brand != "" && fix.Language != "":
		return "", "", errors.New("a language is that of the post; leave --brand out")
	}
	if fix.By == "" {
		if u, err := user.Current(); err == nil {
			fix.By = u.Username
		}
	}
	if fix.By == "" {
		return "", "", errors.New("who corrects is not known; give --by NAME")
	}
	return platform, id, nil
}

// isLanguage also takes codes that the tables do not tell: a person may know more.
func isLanguage(code string) bool {
	return slices.Contains(language.Codes(), code) || len(code) >= 2 && len(code) <= 3 && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz") == ""
}

// overrides are the corrections to store.
func (fix *Correct) overrides(platform, id string) (out []clickhouse.Override) {
	o := clickhouse.Override{Platform: platform, ID: id, By: fix.By, Note: fix.Note}
	if fix.Language != "" {
		o.Field, o.Value = clickhouse.OverrideLanguage, fix.Language
		out = append(out, o)
	}
	if fix.Sentiment != "" {
		o.Field, o.Value, o.Brand = clickhouse.OverrideSentiment, fix.Sentiment, fix.Brand
		if fix.Brand != "" {
			o.Field = clickhouse.OverrideToward
		}
		out = append(out, o)
	}
	return out
}

// undone are the corrections that stand, without values: all of the post, or those toward
// the brand.
func undone(stand []clickhouse.Override, fix Correct) (out []clickhouse.Override) {
	for _, o := range stand {
		if fix.Brand == "" || o.Brand == fix.Brand {
			o.Value, o.By, o.Note = "", fix.By, fix.Note
			out = append(out, o)
		}
	}
	return out
}

func toward(brand string) string {
	if brand == "" {
		return ""
	}
	return " toward " + brand
}

// whatOf names what is corrected.
func whatOf(o clickhouse.Override) string {
	if o.Field == clickhouse.OverrideLanguage {
		return "language"
	}
	return "sentiment" + toward(o.Brand)
}

// withStream opens the database of the live or the simulated stream.
func withStream(ctx context.Context, cfg *Config, c *Console, simulated bool, work func(*clickhouse.DB) error) error {
	return withStreams(ctx, cfg, c.Log, func(db *clickhouse.DB, s pipeline.Stream) error {
		if s.Simulated != simulated {
			return nil
		}
		if err := clickhouse.Migrate(ctx, db, s.Database); err != nil {
			return err
		}
		return work(db.In(s.Database))
	})
}

// CorrectList prints corrections.
type CorrectList struct {
	JSON      bool
	Simulated bool
}

// RunCorrectList prints the corrections that stand, the latest first.
func RunCorrectList(ctx context.Context, cfg *Config, c *Console, l CorrectList) error {
	return withStream(ctx, cfg, c, l.Simulated, func(db *clickhouse.DB) error {
		all, err := db.Overrides(ctx, "", "")
		if err != nil {
			return err
		}
		if l.JSON {
			encoder := json.NewEncoder(c.Out)
			for _, o := range all {
				if err := encoder.Encode(o); err != nil {
					return fmt.Errorf("correct: write: %w", err)
				}
			}
			return nil
		}
		table := tabwriter.NewWriter(c.Out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "POST\tWHAT\tIS\tBY\tAT (UTC)\tNOTE")
		for _, o := range all {
			fmt.Fprintf(table, "%s/%s\t%s\t%s\t%s\t%s\t%s\n", o.Platform, o.ID, whatOf(o), o.Value, o.By, o.At.UTC().Format("2006-01-02 15:04:05"), o.Note)
		}
		return table.Flush()
	})
}

// CorrectExport prints corrections as training data.
type CorrectExport struct {
	Kind      string // sentiment, toward or language
	Simulated bool
}

// exportSource names the rows in the files that are learnt from.
const exportSource = "correction"

// RunCorrectExport prints the corrected texts as tab-separated rows: label (0 negative, 1
// neutral, 2 positive), language, source, text; toward a brand the brand before the text;
// of languages the language and the text alone. These are the files that `earshot train
// sentiment` reads below more/sentiment, and `earshot eval`.
func RunCorrectExport(ctx context.Context, cfg *Config, c *Console, e CorrectExport) error {
	field, ok := map[string]string{
		"sentiment": clickhouse.OverrideSentiment, "toward": clickhouse.OverrideToward, "language": clickhouse.OverrideLanguage,
	}[e.Kind]
	if !ok {
		return failure(ExitUsage, fmt.Errorf("correct: --kind %q; use sentiment, toward or language", e.Kind))
	}
	return withStream(ctx, cfg, c, e.Simulated, func(db *clickhouse.DB) error {
		examples, err := db.Examples(ctx, field)
		if err != nil {
			return err
		}
		for _, x := range examples {
			c.print(exportRow(field, x) + "\n")
		}
		return nil
	})
}

// exportRow is a row of the export; white space of the text becomes single spaces.
func exportRow(field string, x clickhouse.Example) string {
	text := strings.Join(strings.Fields(x.Text), " ")
	label := map[string]string{"negative": "0", "neutral": "1", "positive": "2"}[x.Value]
	switch field {
	case clickhouse.OverrideLanguage:
		return x.Value + "\t" + text
	case clickhouse.OverrideToward:
		return strings.Join([]string{label, x.Lang, exportSource, x.Brand, text}, "\t")
	}
	return strings.Join([]string{label, x.Lang, exportSource, text}, "\t")
}
