package dashboards

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

//go:embed boards/*.json
var files embed.FS

// Board is what we read of a board; File is the whole of it, as Grafana does.
type Board struct {
	UID         string   `json:"uid"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
	Schema      int      `json:"schemaVersion"`
	Time        struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"time"`
	Templating  struct{ List []Variable }   `json:"templating"`
	Annotations struct{ List []Annotation } `json:"annotations"`
	Panels      []Panel                     `json:"panels"`

	Name string          `json:"-"` // of the file
	File json.RawMessage `json:"-"`
}

// Source is a data source as a panel names it.
type Source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Target is a panel's question.
type Target struct {
	Source Source `json:"datasource"`
	SQL    string `json:"rawSql"`
	Kind   string `json:"queryType"` // table or timeseries
	Ref    string `json:"refId"`
}

// Panel is one picture of a board.
type Panel struct {
	ID          int                      `json:"id"`
	Type        string                   `json:"type"`
	Title       string                   `json:"title"`
	Description string                   `json:"description"`
	Source      Source                   `json:"datasource"`
	Grid        struct{ X, Y, W, H int } `json:"gridPos"`
	Targets     []Target                 `json:"targets"`
	Interval    string                   `json:"interval"`
	Options     json.RawMessage          `json:"options"`
	Field       struct {
		Defaults  FieldDefaults   `json:"defaults"`
		Overrides []FieldOverride `json:"overrides"`
	} `json:"fieldConfig"`
}

// FieldDefaults are how the values of a panel are shown.
type FieldDefaults struct {
	Unit     string          `json:"unit"`
	Decimals *int            `json:"decimals"`
	Min      *float64        `json:"min"`
	Custom   json.RawMessage `json:"custom"`
}

// FieldOverride changes how a column is shown.
type FieldOverride struct {
	Matcher struct {
		ID      string `json:"id"`
		Options string `json:"options"`
	} `json:"matcher"`
	Properties []struct {
		ID    string          `json:"id"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
}

// Variable is a choice that a board offers.
type Variable struct {
	Name       string `json:"name"`
	Label      string `json:"label"`
	Type       string `json:"type"` // datasource, custom or query
	Query      string `json:"query"`
	Multi      bool   `json:"multi"`
	IncludeAll bool   `json:"includeAll"`
	AllValue   string `json:"allValue"`
	Hide       int    `json:"hide"`
	Source     Source `json:"datasource"` // of a query
}

// Annotation marks moments on the panels of a board.
type Annotation struct {
	Name   string `json:"name"`
	Source Source `json:"datasource"`
	Target Target `json:"target"`
}

// Boards returns the boards in their order. An error is a mistake in the program.
func Boards() ([]Board, error) {
	names, err := fs.Glob(files, "boards/*.json")
	if err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	slices.Sort(names)
	out := make([]Board, 0, len(names))
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("dashboards: %w", err)
		}
		b, err := Parse(path.Base(name), raw)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Parse reads a board.
func Parse(name string, raw []byte) (Board, error) {
	b := Board{Name: name, File: bytes.Clone(raw)}
	if err := json.Unmarshal(raw, &b); err != nil {
		return b, fmt.Errorf("dashboards: %s: %w", name, err)
	}
	return b, nil
}
