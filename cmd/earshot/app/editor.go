package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"earshot/dashboards/web"
	"earshot/enrich"
	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/pipeline/query"
	"earshot/sinks/clickhouse"
)

// editor answers the web view's page of queries, with what the commands `query` and
// `brand` do.
type editor struct {
	cfg *Config
	db  *clickhouse.DB // as a user that may only read
	log zerolog.Logger

	open   func(context.Context) (*kafka.Client, error) // of the brands' topic
	mu     sync.Mutex
	client *kafka.Client            // nil before it was first needed
	book   *kafka.Table[brandEntry] // nil before too

	trying sync.Mutex // one trial reads the archive at a time
}

// table is opened when it is first needed: boards are drawn without Kafka.
func (e *editor) table(ctx context.Context) (*kafka.Table[brandEntry], error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.book == nil {
		client, err := e.open(ctx)
		if err != nil {
			return nil, fmt.Errorf("the brands stand on Kafka: %w", err)
		}
		e.client, e.book = client, bookOf(client)
	}
	return e.book, nil
}

// close ends the connection, where it was opened for the editor alone.
func (e *editor) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		e.client.Close()
	}
}

func (e *editor) entries(ctx context.Context) (map[string]brandEntry, error) {
	table, err := e.table(ctx)
	if err != nil {
		return nil, err
	}
	all, _, err := table.All(ctx)
	return all, err
}

// Brands are those of the topic, or of the simulation.
func (e *editor) Brands(ctx context.Context, simulated bool) ([]web.EditedBrand, error) {
	var out []web.EditedBrand
	if simulated {
		for _, b := range e.cfg.simulatedBrands() {
			out = append(out, web.EditedBrand{Name: b.Name, Query: b.Query, Version: b.version(), State: "simulated", Exclusions: []string{}})
		}
		return out, nil
	}
	all, err := e.entries(ctx)
	if err != nil {
		return nil, err
	}
	for _, entry := range all {
		if entry.Mute == nil && !entry.Removed {
			b := entry.Brand
			out = append(out, web.EditedBrand{Name: b.Name, Query: b.Query, Version: b.version(), State: entry.state(), Exclusions: some(b.Exclusions)})
		}
	}
	slices.SortFunc(out, func(x, y web.EditedBrand) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

// asked is a trial, understood.
type asked struct {
	now    query.Brand
	before *query.Brand // as the brand is now; nil: it is new, or this program does not understand it
	mutes  *enrich.Mutes
}

// understand makes a trial's query the brand's: its other settings stay.
func (e *editor) understand(ctx context.Context, t web.Trial) (asked, error) {
	out := asked{mutes: enrich.NewMutes(nil)}
	brand := Brand{Name: strings.TrimSpace(t.Brand)}
	known := false
	switch {
	case t.Simulated:
		list := e.cfg.simulatedBrands()
		if i := slices.IndexFunc(list, func(b Brand) bool { return brandKey(b.Name) == brandKey(t.Brand) }); i >= 0 {
			brand, known = list[i], true
		}
	case brand.Name != "":
		all, err := e.entries(ctx)
		if err != nil {
			return out, err
		}
		out.mutes = enrich.NewMutes(activeMutes(all))
		if entry := all[brandKey(brand.Name)]; entry.Brand.Name != "" && !entry.Removed {
			brand, known = entry.Brand, true
		}
	}
	if known {
		if before, err := brand.Compile(); err == nil {
			out.before = &before
		}
	}
	if brand.Name == "" {
		brand.Name = "query"
	}
	brand.Query = t.Query
	if _, err := query.Parse(t.Query); err != nil { // also where channels would do without
		return out, refused(err)
	}
	now, err := brand.Compile()
	out.now = now
	return out, refused(err)
}

// refused marks an error as one of whoever asks.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", web.ErrRefused, err)
}

// Check reads a query as `earshot query check` does.
func (e *editor) Check(ctx context.Context, t web.Trial) (web.Checked, error) {
	out := web.Checked{Warnings: []web.Warning{}}
	a, err := e.understand(ctx, t)
	var place *query.Error
	switch {
	case errors.As(err, &place):
		out.Mistake = &web.Mistake{Line: place.Line, Column: place.Column, Problem: place.Problem, Text: place.Error()}
		return out, nil
	case errors.Is(err, web.ErrRefused):
		text := strings.TrimPrefix(err.Error(), web.ErrRefused.Error()+": ")
		out.Mistake = &web.Mistake{Text: text, Problem: text}
		return out, nil
	case err != nil:
		return out, err
	}
	out.Reads, out.Version = a.now.Query.String(), a.now.Version()
	out.Warnings = warned(out.Warnings, a.now.Query.Warnings())
	verb := "set"
	if a.before == nil {
		verb = "add"
	}
	if !t.Simulated {
		out.Command = fmt.Sprintf("%s brand %s %s %s", e.cfg.Invocation, verb, shellWord(a.now.Name), shellWord(t.Query))
	}
	return out, nil
}

func warned(out []web.Warning, list []query.Warning) []web.Warning {
	for _, w := range list {
		out = append(out, web.Warning(w))
	}
	return out
}

// shellWord quotes a word for a shell of the POSIX kind.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Without excludes a word. Brackets are added only where the query means something else
// without them.
func (e *editor) Without(source, word string) (string, error) {
	if _, err := query.Parse(source); err != nil {
		return "", refused(err)
	}
	term := word
	if q, err := query.Parse(word); err != nil || q.Outline().Op != query.OutlineWords {
		term = `"` + strings.ReplaceAll(word, `"`, " ") + `"`
		if _, err := query.Parse(term); err != nil {
			return "", refused(fmt.Errorf("%q cannot be excluded: %w", word, err))
		}
	}
	safe := "(" + source + ") NOT " + term
	want, err := query.Parse(safe)
	if err != nil {
		return "", refused(err)
	}
	short := strings.TrimRight(source, " \t\r\n") + " NOT " + term
	if q, err := query.Parse(short); err == nil && q.String() == want.String() {
		return short, nil
	}
	return safe, nil
}

// Save makes the query the brand's, as `earshot brand set` and `add` do, if the brand is
// still what the page began with.
func (e *editor) Save(ctx context.Context, t web.Trial) (string, error) {
	if t.Simulated {
		return "", refused(errors.New("the simulation invents its brands: choose the real posts"))
	}
	table, err := e.table(ctx)
	if err != nil {
		return "", err
	}
	all, _, err := table.All(ctx)
	if err != nil {
		return "", err
	}
	change := BrandChange{Verb: "add", Name: t.Brand, Query: t.Query}
	version := ""
	if old := all[brandKey(t.Brand)]; old.Brand.Name != "" && !old.Removed {
		change.Verb, version = "set", old.Brand.version()
	}
	if version != t.Version {
		return "", fmt.Errorf("%s: %w; load it again", t.Brand, web.ErrChanged)
	}
	entry, err := change.apply(ctx, table)
	if err != nil {
		return "", refusedChange(err)
	}
	e.log.Info().Str("brand", entry.Brand.Name).Str("version", entry.Brand.version()).Msg("web: a query was saved")
	return fmt.Sprintf("%s: version %s counts from the next batch on; the archive is searched for its past", entry.Brand.Name, entry.Brand.version()), nil
}

// Mute is `earshot brand mute author`.
func (e *editor) Mute(ctx context.Context, platform, author, brand string) (string, error) {
	table, err := e.table(ctx)
	if err != nil {
		return "", err
	}
	said, err := MuteChange{Kind: "author", Value: platform + "/" + author, Brand: brand, Who: "web"}.apply(ctx, table)
	if err == nil {
		e.log.Info().Str("platform", platform).Str("brand", brand).Msg("web: an author was muted")
	}
	return said, refusedChange(err)
}

// refusedChange tells a change that makes no sense from one that could not be made.
func refusedChange(err error) error {
	var f *Failure
	if errors.As(err, &f) && f.Code != ExitUnreachable {
		return refused(err)
	}
	return err
}

// editing is the editor of a process that has Kafka open.
func (l *line) editing(db *clickhouse.DB) *editor {
	return &editor{cfg: l.cfg, db: db, log: l.log, open: func(context.Context) (*kafka.Client, error) { return l.client, nil }}
}

// database is that of the posts of a trial.
func (e *editor) database(simulated bool) *clickhouse.DB {
	live, invented := streams(e.cfg)
	s := live
	if simulated {
		s = invented
	}
	return e.db.In(s.Database)
}

// muted reports whether a post of the brand does not count.
func (a *asked) muted(r *pipeline.Record) bool {
	r.Mentions = append(r.Mentions[:0], pipeline.Mention{Brand: a.now.Name})
	err := a.mutes.Enrich(r)
	return err == nil && len(r.Mentions) == 0
}
