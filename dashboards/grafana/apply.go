package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	gapi "github.com/grafana/grafana-api-golang-client"
	"github.com/pmezard/go-difflib/difflib"

	"earshot/dashboards"
)

// Verb says what becomes of something in Grafana.
type Verb string

// What can become of something.
const (
	Create Verb = "create"
	Update Verb = "update"
	Same   Verb = "same"
	Keep   Verb = "keep" // people changed it, and it stays as they want it
	Remove Verb = "remove"
)

// Change is one thing that apply does, or would do.
type Change struct {
	Verb Verb
	What string // kind and name
	Diff string // of an update, unified
	do   func() error
}

// Options say how far apply goes.
type Options struct {
	Overwrite bool // also what people changed
	Prune     bool // boards of ours that this version no longer has
	DryRun    bool // say what would be done, and do nothing
}

// Apply brings everything into Grafana and returns what it did, in order. It stops at the first
// error; applying again goes on from there.
func Apply(ctx context.Context, cfg Config, boards []dashboards.Board, o Options, said func(Change)) error {
	c, err := connect(ctx, cfg.URL, cfg.Token)
	if err != nil {
		return err
	}
	a := &applier{client: c, Options: o, said: said}
	if err := a.dataSource(cfg); err != nil {
		return err
	}
	if err := a.folder(); err != nil {
		return err
	}
	for i := range boards {
		if err := a.board(&boards[i]); err != nil {
			return err
		}
	}
	if o.Prune {
		if err := a.prune(boards); err != nil {
			return err
		}
	}
	if err := a.rules(); err != nil {
		return err
	}
	return a.contact(cfg)
}

type applier struct {
	*client
	Options
	said func(Change)
}

// carry does a change, unless it is only to be told, and tells it.
func (a *applier) carry(c Change) error {
	if c.do != nil && !a.DryRun && c.Verb != Same && c.Verb != Keep {
		if err := c.do(); err != nil {
			return err
		}
	}
	a.said(c)
	return nil
}

// verb compares what stands with what is wanted. touched: what stands no longer fits its mark.
func (a *applier) verb(same, touched bool) Verb {
	switch {
	case same:
		return Same
	case touched && !a.Overwrite:
		return Keep
	default:
		return Update
	}
}

func (a *applier) dataSource(cfg Config) error {
	want, err := cfg.dataSource()
	if err != nil {
		return err
	}
	what := "data source " + want.Name
	have, err := a.client.dataSource(sourceUID)
	if errors.Is(err, errAbsent) {
		return a.carry(Change{Verb: Create, What: what, do: func() error { return a.putDataSource(want, true) }})
	}
	if err != nil {
		return err
	}
	bare := map[string]any{}
	for key, v := range have.JSONData {
		if key != mark {
			bare[key] = v
		}
	}
	touched := have.JSONData[mark] != hash(bare)
	verb := a.verb(hash(have.JSONData) == hash(want.JSONData), touched)
	want.ID = have.ID
	return a.carry(Change{Verb: verb, What: what, Diff: diff(have.JSONData, want.JSONData, verb), do: func() error { return a.putDataSource(want, false) }})
}

func (a *applier) folder() error {
	_, err := a.client.folder(folderUID)
	if errors.Is(err, errAbsent) {
		return a.carry(Change{Verb: Create, What: "folder Earshot", do: func() error { return a.putFolder(folderUID, "Earshot") }})
	}
	if err != nil {
		return err
	}
	return a.carry(Change{Verb: Same, What: "folder Earshot"})
}

func (a *applier) board(b *dashboards.Board) error {
	want, err := model(b)
	if err != nil {
		return err
	}
	what := "board " + b.Title
	have, err := a.client.board(b.UID)
	if errors.Is(err, errAbsent) {
		return a.carry(Change{Verb: Create, What: what, do: func() error { return a.putBoard(folderUID, want, false) }})
	}
	if err != nil {
		return err
	}
	touched := have[mark] != hash(bareModel(have))
	verb := a.verb(hash(bareModel(have)) == hash(bareModel(want)), touched)
	want["version"] = have["version"] // Grafana refuses if somebody saves meanwhile
	delete(want, "id")
	return a.carry(Change{Verb: verb, What: what, Diff: diff(bareModel(have), bareModel(want), verb), do: func() error { return a.putBoard(folderUID, want, a.Overwrite) }})
}

// prune removes boards that an older version made, if nobody changed them.
func (a *applier) prune(boards []dashboards.Board) error {
	there, err := a.boardsIn(folderUID)
	if err != nil {
		return err
	}
	for _, uid := range there {
		if slices.ContainsFunc(boards, func(b dashboards.Board) bool { return b.UID == uid }) {
			continue
		}
		have, err := a.client.board(uid)
		if err != nil {
			return err
		}
		if have[mark] == nil {
			continue // people made it
		}
		verb := Remove
		if have[mark] != hash(bareModel(have)) && !a.Overwrite {
			verb = Keep
		}
		if err := a.carry(Change{Verb: verb, What: fmt.Sprintf("board %v", have["title"]), do: func() error { return a.dropBoard(uid) }}); err != nil {
			return err
		}
	}
	return nil
}

// rules keeps our group; rules of other people in it stay.
func (a *applier) rules() error {
	want := ruleModels()
	what := "alert rules " + ruleGroup
	have, err := a.client.rules(folderUID, ruleGroup)
	if errors.Is(err, errAbsent) || err == nil && len(have.Rules) == 0 {
		return a.carry(Change{Verb: Create, What: what, do: func() error { return a.putRules(want) }})
	}
	if err != nil {
		return err
	}
	group := gapi.RuleGroup{Title: ruleGroup, FolderUID: folderUID, Interval: have.Interval}
	same, kept := true, []string{}
	for _, r := range want.Rules {
		i := slices.IndexFunc(have.Rules, func(h gapi.AlertRule) bool { return h.UID == r.UID })
		switch {
		case i < 0:
			same = false
			group.Rules = append(group.Rules, r)
		case have.Rules[i].Annotations[mark] == r.Annotations[mark] && ruleHash(&have.Rules[i]) == r.Annotations[mark]:
			group.Rules = append(group.Rules, have.Rules[i])
		case ruleHash(&have.Rules[i]) != have.Rules[i].Annotations[mark] && !a.Overwrite:
			kept = append(kept, have.Rules[i].Title)
			group.Rules = append(group.Rules, have.Rules[i])
		default:
			same = false
			group.Rules = append(group.Rules, r)
		}
	}
	for _, h := range have.Rules {
		if !slices.ContainsFunc(want.Rules, func(r gapi.AlertRule) bool { return r.UID == h.UID }) {
			group.Rules = append(group.Rules, h)
		}
	}
	for _, title := range kept {
		if err := a.carry(Change{Verb: Keep, What: "alert rule " + title}); err != nil {
			return err
		}
	}
	verb := Same
	if !same {
		verb = Update
	}
	return a.carry(Change{Verb: verb, What: what, do: func() error { return a.putRules(group) }})
}

// contact keeps our contact point and the route to it; the rest of the tree is other people's.
func (a *applier) contact(cfg Config) error {
	want := cfg.contactPoint()
	if want == nil {
		return nil
	}
	what := "contact point " + want.Name
	have, err := a.client.contact(contactUID)
	switch {
	case errors.Is(err, errAbsent):
		err = a.carry(Change{Verb: Create, What: what, do: func() error { return a.putContact(want, true) }})
	case err != nil:
		return err
	default:
		same := have.Type == want.Type && hash(have.Settings) == hash(want.Settings)
		err = a.carry(Change{Verb: a.verb(same, true), What: what, do: func() error { return a.putContact(want, false) }})
	}
	if err != nil {
		return err
	}
	tree, err := a.policies()
	if err != nil {
		return err
	}
	ours := route()
	i := slices.IndexFunc(tree.Routes, func(p gapi.SpecificPolicy) bool { return hash(p.ObjectMatchers) == hash(ours.ObjectMatchers) })
	verb := Create
	if i < 0 {
		tree.Routes = append(tree.Routes, ours)
	} else {
		verb = a.verb(hash(tree.Routes[i]) == hash(ours), true)
		tree.Routes[i] = ours
	}
	return a.carry(Change{Verb: verb, What: "route to Earshot", do: func() error { return a.putPolicies(&tree) }})
}

// diff shows an update or what is kept, as people compare files.
func diff(have, want any, verb Verb) string {
	if verb != Update && verb != Keep {
		return ""
	}
	lines := func(v any) []string {
		raw, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return nil
		}
		return difflib.SplitLines(string(raw))
	}
	out, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: lines(have), B: lines(want), FromFile: "in Grafana", ToFile: "wanted", Context: 1})
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(out, "\n")
}
