package dashboards

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Panels that the web view can draw; a board stays within them.
var drawable = []string{"timeseries", "barchart", "stat", "table", "piechart", "heatmap", "text"} //nolint:gochecknoglobals // a constant list

// The data source by its variable, so that a board fits any Grafana.
var dataSource = Source{Type: "grafana-clickhouse-datasource", UID: "${datasource}"} //nolint:gochecknoglobals // a constant

// joined finds a variable that stands in SQL without a format: the data source joins its values
// unescaped.
var joined = regexp.MustCompile(`\$\{(\w+)\}|\$(\w+)`)

// Lint returns everything that is wrong with a board; see docs/boards.md for the rules.
func (b *Board) Lint() (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, b.Name+": "+fmt.Sprintf(format, args...)) }
	if b.UID == "" || b.Title == "" || b.Description == "" {
		say("a board needs uid, title and description")
	}
	if !slices.Contains(b.Tags, "earshot") {
		say("a board needs the tag earshot, by which boards find each other")
	}
	if b.Schema < 39 {
		say("schemaVersion %d is older than Grafana 11", b.Schema)
	}
	ids := map[int]bool{}
	for i := range b.Panels {
		p := &b.Panels[i]
		if ids[p.ID] {
			say("panel %q: id %d stands twice", p.Title, p.ID)
		}
		ids[p.ID] = true
		for _, w := range p.lint(b) {
			say("panel %q: %s", p.Title, w)
		}
		for j := range b.Panels[:i] {
			if p.overlaps(&b.Panels[j]) {
				say("panel %q lies on %q", p.Title, b.Panels[j].Title)
			}
		}
	}
	for _, a := range b.Annotations.List {
		if a.Source != dataSource {
			say("annotation %q: the data source must be the variable datasource", a.Name)
		}
		for _, w := range b.lintSQL(a.Target.SQL) {
			say("annotation %q: %s", a.Name, w)
		}
	}
	for _, w := range b.lintVariables() {
		say("%s", w)
	}
	return wrong
}

func (p *Panel) lint(b *Board) (wrong []string) {
	if !slices.Contains(drawable, p.Type) {
		wrong = append(wrong, "type "+p.Type+" is not drawn by the web view; use one of "+strings.Join(drawable, ", "))
	}
	if p.Title == "" || len(p.Description) < 15 {
		wrong = append(wrong, "needs a title, and a description that says what it means and how it is computed")
	}
	if p.Grid.W <= 0 || p.Grid.H <= 0 || p.Grid.X < 0 || p.Grid.X+p.Grid.W > 24 {
		wrong = append(wrong, "does not fit the 24 columns")
	}
	if p.Type == "text" {
		return wrong
	}
	if p.Source != dataSource {
		wrong = append(wrong, "the data source must be the variable datasource")
	}
	if p.Field.Defaults.Unit == "" {
		wrong = append(wrong, "needs a unit")
	}
	if len(p.Targets) != 1 {
		return append(wrong, "needs one query")
	}
	if p.Targets[0].Source != dataSource {
		wrong = append(wrong, "the query's data source must be the variable datasource")
	}
	if (p.Type == "timeseries") != (p.Targets[0].Kind == "timeseries") {
		wrong = append(wrong, "the query's type does not fit the panel")
	}
	return append(wrong, b.lintSQL(p.Targets[0].SQL)...)
}

func (p *Panel) overlaps(q *Panel) bool {
	return p.Grid.X < q.Grid.X+q.Grid.W && q.Grid.X < p.Grid.X+p.Grid.W && p.Grid.Y < q.Grid.Y+q.Grid.H && q.Grid.Y < p.Grid.Y+p.Grid.H
}

// lintSQL checks that a text expands, and that no chosen value can break out of its quotes.
func (b *Board) lintSQL(sql string) (wrong []string) {
	hostile := Scope{From: time.Unix(0, 0), To: time.Unix(3600, 0), Step: time.Minute, Values: map[string][]string{}}
	for _, v := range b.Templating.List {
		if v.Type == "query" {
			hostile.Values[v.Name] = []string{`O'Neill\`, `'); DROP`}
		}
	}
	if _, err := b.Expand(sql, hostile); err != nil {
		wrong = append(wrong, err.Error())
	}
	for _, found := range joined.FindAllStringSubmatch(strings.ReplaceAll(sql, "$__", ""), -1) {
		for _, v := range b.Templating.List {
			if (v.Name == found[1] || v.Name == found[2]) && v.Type != "custom" {
				wrong = append(wrong, fmt.Sprintf("%s joins values without escaping them: write ${%s:sqlstring}", found[0], v.Name))
			}
		}
	}
	return wrong
}

// lintVariables checks that each variable is explained, and used.
func (b *Board) lintVariables() (wrong []string) {
	for _, v := range b.Templating.List {
		if v.Label == "" {
			wrong = append(wrong, "variable "+v.Name+" needs a label")
		}
		if !b.uses(v.Name) {
			wrong = append(wrong, "variable "+v.Name+" is not used")
		}
		if v.IncludeAll && v.AllValue != "''" && (v.AllValue != "" || !b.followsChoice(&v)) {
			wrong = append(wrong, "variable "+v.Name+": all must be an empty string, which the measures read as no bound; or it is all choices, where these follow another variable")
		}
		if v.Type == "query" {
			if v.Source != dataSource {
				wrong = append(wrong, "variable "+v.Name+": the data source must be the variable datasource")
			}
			for _, w := range b.lintSQL(v.Query) {
				wrong = append(wrong, "variable "+v.Name+": "+w)
			}
		}
	}
	return wrong
}

// uses reports whether a panel, an annotation or the choices of another variable ask for
// a variable; that a description or a link names it does not count.
func (b *Board) uses(name string) bool {
	asks := func(text string) bool {
		return strings.Contains(text, "${"+name+"}") || strings.Contains(text, "${"+name+":")
	}
	for i := range b.Panels {
		p := &b.Panels[i]
		if asks(p.Source.UID) || slices.ContainsFunc(p.Targets, func(t Target) bool { return asks(t.SQL) }) {
			return true
		}
	}
	return slices.ContainsFunc(b.Annotations.List, func(a Annotation) bool { return asks(a.Target.SQL) }) ||
		slices.ContainsFunc(b.Templating.List, func(v Variable) bool { return v.Follows(name) })
}

// followsChoice reports whether the choices of a variable depend on those of another that
// people choose several of.
func (b *Board) followsChoice(v *Variable) bool {
	return slices.ContainsFunc(b.Templating.List, func(other Variable) bool { return other.Multi && v.Follows(other.Name) })
}
