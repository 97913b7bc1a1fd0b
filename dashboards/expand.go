package dashboards

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scope is what the reader of a board has chosen.
type Scope struct {
	From, To time.Time
	Step     time.Duration       // width of a point of a time series
	Values   map[string][]string // of each variable; none or ["$__all"] is all
}

// all is Grafana's name for every value of a variable.
const all = "$__all"

var (
	placeholder = regexp.MustCompile(`\$\{(\w+)(?::(\w+))?\}`)
	macro       = regexp.MustCompile(`\$__(\w+)`)
)

// Expand makes SQL of a panel's text, as Grafana and its ClickHouse data source do: macros of
// time, ${name:sqlstring} as quoted strings joined by commas, and ${name} as it stands, which is allowed
// for the fixed choices of a custom variable alone.
func (b *Board) Expand(text string, s Scope) (string, error) {
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		parts := placeholder.FindStringSubmatch(found)
		value, err := b.value(parts[1], parts[2], s)
		if err != nil && failed == nil {
			failed = err
		}
		return value
	})
	if failed != nil {
		return "", fmt.Errorf("dashboards: %s: %w", b.UID, failed)
	}
	out, err := expandMacros(out, s)
	if err != nil {
		return "", fmt.Errorf("dashboards: %s: %w", b.UID, err)
	}
	return out, nil
}

func (b *Board) value(name, format string, s Scope) (string, error) {
	i := slices.IndexFunc(b.Templating.List, func(v Variable) bool { return v.Name == name })
	if i < 0 {
		return "", fmt.Errorf("there is no variable %s", name)
	}
	v := &b.Templating.List[i]
	values := s.Values[name]
	if len(values) == 0 || slices.Contains(values, all) {
		switch {
		case v.IncludeAll && v.AllValue == "":
			return quote(""), nil // all choices, if there were any: Grafana and the web view name them
		case v.IncludeAll:
			return v.AllValue, nil // as it stands: Grafana does not format it
		case v.Type == "custom":
			values = v.Choices()[:1]
		default:
			return "", fmt.Errorf("variable %s has no value", name)
		}
	}
	if !v.Multi {
		values = values[:1]
	}
	switch format {
	case "sqlstring":
		quoted := make([]string, len(values))
		for i, value := range values {
			quoted[i] = quote(value)
		}
		return strings.Join(quoted, ","), nil
	case "":
		if v.Type != "custom" || !slices.Contains(v.Choices(), values[0]) {
			return "", fmt.Errorf("%q is none of the choices of %s", values[0], name)
		}
		return values[0], nil
	default:
		return "", fmt.Errorf("format %s of variable %s is not supported; write ${%s:sqlstring}", format, name, name)
	}
}

// Follows reports whether what can be chosen depends on what is chosen of another one.
func (v *Variable) Follows(other string) bool {
	return other != v.Name && (strings.Contains(v.Query, "${"+other+"}") || strings.Contains(v.Query, "${"+other+":"))
}

// Choices are the values of a custom variable: "text : value, value".
func (v *Variable) Choices() []string {
	var out []string
	for choice := range strings.SplitSeq(v.Query, ",") {
		_, value, named := strings.Cut(choice, " : ")
		if !named {
			value = choice
		}
		out = append(out, strings.TrimSpace(value))
	}
	return out
}

// quote writes a string as ClickHouse reads it: Grafana doubles quotes, and a backslash
// would escape what follows.
func quote(s string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(s) + "'"
}

// expandMacros replaces the macros that our boards may use; their arguments hold no comma.
func expandMacros(text string, s Scope) (string, error) {
	from, to := seconds(s.From), seconds(s.To)
	var out strings.Builder
	for {
		at := macro.FindStringSubmatchIndex(text)
		if at == nil {
			out.WriteString(text)
			return out.String(), nil
		}
		out.WriteString(text[:at[0]])
		name, rest := text[at[2]:at[3]], text[at[1]:]
		argument := ""
		if name == "timeFilter" || name == "timeInterval" {
			end := strings.IndexByte(rest, ')')
			if !strings.HasPrefix(rest, "(") || end < 0 {
				return "", fmt.Errorf("$__%s needs its column in brackets", name)
			}
			argument, rest = rest[1:end], rest[end+1:]
		}
		switch name {
		case "timeFilter":
			out.WriteString(argument + " >= " + from + " AND " + argument + " <= " + to)
		case "timeInterval":
			out.WriteString("toStartOfInterval(toDateTime(" + argument + "), INTERVAL " + strconv.Itoa(max(1, int(s.Step/time.Second))) + " second)")
		case "fromTime":
			out.WriteString(from)
		case "toTime":
			out.WriteString(to)
		default:
			return "", fmt.Errorf("macro $__%s is not supported", name)
		}
		text = rest
	}
}

func seconds(t time.Time) string { return "toDateTime(" + strconv.FormatInt(t.Unix(), 10) + ")" }
