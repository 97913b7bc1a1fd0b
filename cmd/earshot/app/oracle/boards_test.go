package oracle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/dashboards"
	"earshot/pipeline"
	"earshot/pipeline/testclaim"
	"earshot/sinks/clickhouse"
)

// Panels that rightly have nothing to show where nothing went wrong, where no brand has a channel, or
// where tweets without followers, threads and countries are all there is.
var (
	quietBoards = map[string]bool{"earshot-alerts": true}
	quietPanels = map[string]bool{"Gaps": true, "Dead letters": true, "Links": true, "Annotation Alerts": true, "Annotation Coverage gaps": true}
	flatPanels  = map[string]bool{ // of plain tweets, before which there are none
		"Against the time before": true,
		"Half-life of a post":     true, "Largest cascade": true, "Deepest cascade": true, "Cascades": true, "Circles": true, "Crossings": true, "Fast posts": true,
		"Countries": true, "New topics": true, "Topics": true, "Topics over time": true, "Said with each other": true,
		"Minutes covered": true, "Posts by source": true, "Lag by source": true, "Sources": true, "Posts stored": true, "Influencers": true,
		"Net sentiment by brand": true, "Negative share by brand": true, "Positive share by brand": true,
	}
)

// reader connects as the user that boards have.
func (p *program) reader(database string) *clickhouse.DB {
	p.t.Helper()
	rt, ok := p.runtime()
	require.True(p.t, ok)
	cfg := clickhouse.DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password, cfg.Database = rt.ClickHouse, rt.Reader.User, pipeline.Secret(rt.Reader.Password), database
	db, err := clickhouse.Open(p.t.Context(), cfg)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { _ = db.Close() })
	return db
}

// computed waits until the totals and the facts of mentions hold all that is stored.
func (p *program) computed(o *outcome, db *clickhouse.DB) {
	p.t.Helper()
	p.eventually("the totals and the facts hold all mentions", o, func() bool {
		time.Sleep(200 * time.Millisecond)
		var b strings.Builder
		err := db.Query(p.t.Context(), "SELECT (SELECT dirty_buckets FROM watermark) = 0 AND (SELECT argMax(mentions, generation) FROM computations) = count() AND count() > 0 FROM mentions_alive", "TSV", &b)
		return err == nil && strings.TrimSpace(b.String()) == "1"
	})
}

// question is a panel's or an annotation's SQL.
type question struct{ board, name, text string }

func questions(t *testing.T) (out []question) {
	t.Helper()
	boards, err := dashboards.Boards()
	require.NoError(t, err)
	for _, b := range boards {
		for _, p := range b.Panels {
			for _, target := range p.Targets {
				out = append(out, question{b.UID, p.Title, target.SQL})
			}
		}
		for _, a := range b.Annotations.List {
			out = append(out, question{b.UID, "Annotation " + a.Name, a.Target.SQL})
		}
	}
	return out
}

// drawn runs every panel of every board and returns those without a row.
func drawn(t *testing.T, db *clickhouse.DB, scope dashboards.Scope) (empty []string) {
	t.Helper()
	boards, err := dashboards.Boards()
	require.NoError(t, err)
	by := map[string]*dashboards.Board{}
	for i := range boards {
		by[boards[i].UID] = &boards[i]
	}
	for _, q := range questions(t) {
		sql, err := by[q.board].Expand(q.text, scope)
		require.NoError(t, err)
		var rows strings.Builder
		if !assert.NoError(t, db.Query(t.Context(), sql, "TSV", &rows), "%s: %s", q.board, q.name) {
			continue
		}
		answer := strings.TrimSpace(rows.String())
		if answer == "" || answer == `\N` || answer == "nan" {
			empty = append(empty, q.board+": "+q.name)
		}
	}
	return empty
}

// TestBoardsOverSimulatedPosts fills the tables with a week of the simulation and asks what
// every panel asks, as the user of boards: all of them, and one brand with a quote in its name.
func TestBoardsOverSimulatedPosts(t *testing.T) {
	to := time.Now().UTC().Truncate(time.Hour)
	from := to.AddDate(0, 0, -6)
	p := newProgram(t, fmt.Sprintf("simulate: \"on\"\nsources:\n- {name: market, type: simulate, brand_names: [\"O'Neill\", Acme, Bolt], mentions: 0.6, from: %s, limit: 12000, rate: 0.03}\n", from.Format(time.RFC3339)))
	o := p.start("run")
	p.eventually("all of it is stored", o, func() bool {
		_, ok := p.runtime()
		return ok && strings.Contains(o.errs.String(), `"posts":12000,`)
	})
	db := p.reader("earshot_simulated")
	p.computed(o, db)
	scope := dashboards.Scope{From: from.AddDate(0, 0, 2), To: time.Now(), Step: time.Hour, Values: map[string][]string{"label_set": {"live"}, "database": {"earshot_simulated"}}}
	for _, name := range drawn(t, db, scope) {
		board, panel, _ := strings.Cut(name, ": ")
		quiet := quietBoards[board] || quietPanels[panel] || board == "earshot-coverage" || panel == "Time to our reply"
		assert.True(t, quiet, "%s has no row", name)
	}
	scope.Values["brand"] = []string{"O'Neill"}
	scope.Values["platform"] = []string{"x", "reddit"}
	assert.Less(t, len(drawn(t, db, scope)), 40)
	o.signal(syscall.SIGTERM)
	assert.Zero(t, o.code(t), o.errs.String())
}

// TestBoardsOverRealTweets does the same with tweets of some brands.
func TestBoardsOverRealTweets(t *testing.T) {
	path := testclaim.Data(t, "sentiment/target.tsv")
	raw, err := os.ReadFile(filepath.Clean(path))
	require.NoError(t, err)
	require.NotEmpty(t, raw)
	var config strings.Builder
	config.WriteString("simulate: \"off\"\nbrands:\n")
	for _, name := range targets[:8] {
		fmt.Fprintf(&config, "- {name: %s, query: '\"%s\"'}\n", name, name)
	}
	p := newProgram(t, config.String())
	code, _, errs := p.run("import", path)
	require.Zero(t, code, errs)
	o := p.start("run")
	p.eventually("earshot runs", o, func() bool { return strings.Contains(o.errs.String(), "earshot runs") })
	db := p.reader("earshot")
	p.computed(o, db)
	scope := dashboards.Scope{
		From: time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Now(), Step: 7 * 24 * time.Hour,
		Values: map[string][]string{"label_set": {"live"}, "database": {"earshot"}},
	}
	for _, name := range drawn(t, db, scope) {
		board, panel, _ := strings.Cut(name, ": ")
		quiet := quietBoards[board] || quietPanels[panel] || flatPanels[panel] || board == "earshot-care"
		assert.True(t, quiet, "%s has no row", name)
	}
	o.signal(syscall.SIGTERM)
	assert.Zero(t, o.code(t), o.errs.String())
}
