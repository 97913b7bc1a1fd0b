package file

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"earshot/pipeline"
)

// The presets: whose export a file is. testdata/preset/README.md says where the names of
// their columns come from.
const (
	Brandwatch = "brandwatch" // CSV of "Bulk Mentions Download"
	Talkwalker = "talkwalker" // CSV of results
	Meltwater  = "meltwater"  // CSV of a content stream, also UTF-16 with tabs
	FourCAT    = "4cat"       // CSV of any data source
	Pushshift  = "pushshift"  // NDJSON of Reddit, RC_… and RS_…
)

func presetNames() []string {
	return []string{Brandwatch, Talkwalker, Meltwater, FourCAT, Pushshift}
}

// rule fills a field of a post from columns, named in lower case. Of texts the first column
// that holds something counts, of numbers the largest: a tool has a column for each
// platform, and those of the others hold 0.
type rule struct {
	field string
	from  []string
}

// preset is what one tool writes into a table.
type preset struct {
	need   [][]string // of each list the header has at least one
	rules  []rule
	reads  []string // further columns, which finish looks at
	finish func(r *row, p *pipeline.Post) error
}

// tableOf returns the preset of a tool that exports tables.
func tableOf(name string) (preset, bool) {
	switch name {
	case Brandwatch:
		return brandwatch(), true
	case Talkwalker:
		return talkwalker(), true
	case Meltwater:
		return meltwater(), true
	case FourCAT:
		return fourCAT(), true
	}
	return preset{}, false
}

// headerName is a column's name as presets know it: in lower case, blanks made one.
func headerName(cell string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.Trim(cell, "\uFEFF\" ")), " "))
}

// missing are the needs that a record does not meet as a header.
func (t preset) missing(header []string) (names []string) {
	for _, any := range t.need {
		if !slices.ContainsFunc(any, func(name string) bool { return slices.Contains(header, name) }) {
			names = append(names, strings.Join(any, " or "))
		}
	}
	return names
}

// headerAmong finds the record that names the columns, behind the lines that a tool writes
// before it. Where none does, missing is what the nearest one lacks.
func (t preset) headerAmong(records [][]string) (at int, header, missing []string) {
	for i, record := range records {
		names := make([]string, len(record))
		for k, cell := range record {
			names[k] = headerName(cell)
		}
		lacks := t.missing(names)
		if len(lacks) == 0 {
			return i, names, nil
		}
		if header == nil || len(lacks) < len(missing) {
			header, missing = names, lacks
		}
	}
	if missing == nil {
		missing = t.missing(nil)
	}
	return -1, header, missing
}

// sentence tells in one line which columns are left out.
func (t preset) sentence(name string, header []string) string {
	var left []string
	for _, column := range header {
		used := slices.Contains(t.reads, column) || slices.ContainsFunc(t.rules, func(r rule) bool { return slices.Contains(r.from, column) })
		if !used && column != "" {
			left = append(left, column)
		}
	}
	s := fmt.Sprintf("preset %s: %d of %d columns are read", name, len(header)-len(left), len(header))
	if len(left) == 0 {
		return s
	}
	const most = 12
	if len(left) > most {
		return s + ", left out are " + strings.Join(left[:most], ", ") + fmt.Sprintf(" and %d more", len(left)-most)
	}
	return s + ", left out are " + strings.Join(left, ", ")
}

// row is a record under its header.
type row struct {
	cells []string
	index map[string]int // column by name
	times clock
	names *names
}

// text of the first of the columns that holds something, as it stands there.
func (r *row) text(columns ...string) string {
	for _, column := range columns {
		if i, ok := r.index[column]; ok && i < len(r.cells) && strings.TrimSpace(r.cells[i]) != "" {
			return r.cells[i]
		}
	}
	return ""
}

// get is text without blanks and quotes around it, and without what stands for nothing.
func (r *row) get(columns ...string) string {
	for _, column := range columns {
		switch v := strings.Trim(r.text(column), " \t\r\n\""); strings.ToLower(v) {
		case "", "null", "nan", "none", "n/a", "-", "undefined", "unknown":
		default:
			return v
		}
	}
	return ""
}

// has reports whether the header has the column.
func (r *row) has(column string) bool {
	_, ok := r.index[column]
	return ok
}

// presetDecoder reads the records of a tool's table.
type presetDecoder struct {
	table preset
	comma byte
	row   row
	rules []rule
	set   map[string]setter
}

func newPresetDecoder(c Config, p *plan, times clock) (*presetDecoder, error) {
	table, ok := tableOf(c.Preset)
	if !ok {
		return nil, fmt.Errorf("file: preset %q reads no table", c.Preset)
	}
	d := &presetDecoder{table: table, comma: p.comma(), set: map[string]setter{}, row: row{times: times, names: &names{}, index: map[string]int{}}}
	for i, name := range p.Names {
		if _, twice := d.row.index[name]; !twice && name != "" {
			d.row.index[name] = i
		}
	}
	for _, r := range table.rules {
		if c.Columns[r.field] == "" { // else the settings say it
			d.rules = append(d.rules, r)
		}
	}
	for _, field := range sortedKeys(c.Columns) {
		column := headerName(c.Columns[field])
		if column == Ignore {
			continue
		}
		if n, err := strconv.Atoi(column); err == nil && n <= len(p.Names) {
			column = p.Names[n-1]
		}
		if !d.row.has(column) {
			return nil, fmt.Errorf("file: columns: %s: no column is headed %q; the header reads %s", field, c.Columns[field], cut(strings.Join(p.Names, ", ")))
		}
		d.rules = append(d.rules, rule{field, []string{column}})
	}
	for _, r := range d.rules {
		set, ok := setterOf(r.field, times)
		if !ok {
			return nil, fmt.Errorf("file: no column can fill %q", r.field)
		}
		d.set[r.field] = set
	}
	return d, nil
}

func (d *presetDecoder) decode(record []byte, p *pipeline.Post) (err error) {
	text, _ := clean(record)
	if d.row.cells, err = fieldsCSV(text, d.comma, d.row.cells[:0]); err != nil {
		return err
	}
	if len(d.row.cells) > len(d.row.index) && strings.Join(d.row.cells[len(d.row.index):], "") != "" {
		return fmt.Errorf("the record has %d columns, the header %d; a %q within a field must be quoted", len(d.row.cells), len(d.row.index), string(d.comma))
	}
	for _, r := range d.rules {
		if err := d.fill(r, p); err != nil {
			return fmt.Errorf("%s (%s): %w", strings.Join(r.from, ", "), r.field, err)
		}
	}
	if err := d.table.finish(&d.row, p); err != nil {
		return err
	}
	if !p.CreatedAt.Known() {
		return errors.New("the record says no time")
	}
	if p.Geo.Lat != nil && p.Geo.Lon != nil && *p.Geo.Lat == 0 && *p.Geo.Lon == 0 { // tools write 0 for nothing
		p.Geo.Lat, p.Geo.Lon = nil, nil
	}
	return nil
}

// fill applies a rule.
func (d *presetDecoder) fill(r rule, p *pipeline.Post) error {
	var value string
	switch {
	case slices.Contains(countFields(), r.field):
		value = largest(&d.row, r.from)
	case r.field == "text" || r.field == "title":
		value = d.row.text(r.from...)
	case r.field == "geo.country":
		value = d.row.names.country(d.row.get(r.from...))
	case r.field == "lang":
		value = d.row.names.language(d.row.get(r.from...))
	case r.field == "links":
		value = strings.NewReplacer(",http", " http", ";http", " http").Replace(d.row.get(r.from...))
	default:
		value = d.row.get(r.from...)
	}
	if value == "" {
		return nil
	}
	return d.set[r.field](p, value)
}

// largest of the counts in the columns; what is below 0 is not known.
func largest(r *row, columns []string) string {
	best, most := "", 0.0
	for _, column := range columns {
		v := strings.ReplaceAll(r.get(column), ",", "") // 1,234
		if v == "" {
			continue
		}
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return r.get(column) // the setter says what is wrong
		}
		if f > most {
			best, most = v, f
		}
	}
	return best
}

// settlePost completes what the address of a post tells: the platform, its id there, and,
// where the address does not tell the id, the tool's own name of it or the address.
func settlePost(p *pipeline.Post, own string) error {
	at, id := postAt(p.URL)
	if p.Platform == "" {
		p.Platform = at
	}
	if p.ID == "" && p.Platform == at {
		p.ID = id
	}
	for _, name := range []string{own, p.URL} {
		if p.ID == "" && len(name) <= pipeline.MaxID {
			p.ID = name
		}
	}
	if p.ID == "" && p.URL != "" {
		p.ID = hashed(p.URL)
	}
	if p.ID == "" {
		return errors.New("the record has neither an address nor an id")
	}
	if p.Platform == "x" && p.Kind == "" && strings.HasPrefix(p.Text, "RT @") {
		p.Kind = pipeline.KindRepost
	}
	return nil
}
