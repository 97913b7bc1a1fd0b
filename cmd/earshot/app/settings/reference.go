package settings

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Reference describes every setting as a row of a Markdown table: key, type, default,
// environment override, meaning.
func Reference(defaults any) string {
	var b strings.Builder
	b.WriteString("| setting | type | default | environment | meaning |\n|---|---|---|---|---|\n")
	rows(&b, fields(reflect.ValueOf(defaults).Elem()), "", true)
	return b.String()
}

func rows(b *strings.Builder, of []field, path string, overridable bool) {
	for _, f := range of {
		at := join(path, f.name)
		t := f.value.Type()
		env := ""
		if overridable && (scalar(t) || t.Kind() == reflect.Slice && scalar(t.Elem())) {
			env = "`" + envName(f, at) + "`"
		}
		meaning := f.doc
		if len(f.enum) > 0 {
			meaning += " (" + strings.Join(f.enum, ", ") + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", at, typeName(t), code(inline(f.value)), env, escape(meaning))
		if f.file != "" {
			if env != "" {
				env = strings.TrimSuffix(env, "`") + "_FILE`"
			}
			fmt.Fprintf(b, "| `%s` | text |  | %s | file that holds %s |\n", join(path, f.file), env, f.name)
		}
		switch {
		case t.Kind() == reflect.Struct && !scalar(t):
			rows(b, fields(f.value), at, overridable)
		case t.Kind() == reflect.Slice && !scalar(t.Elem()):
			entry(b, reflect.New(t.Elem()), at+"[]")
		case t.Kind() == reflect.Map && !scalar(t.Elem()):
			entry(b, reflect.New(t.Elem()), at+".*")
		}
	}
}

// entry describes one entry of a list.
func entry(b *strings.Builder, v reflect.Value, path string) {
	rows(b, fields(v.Elem()), path, false)
	u, ok := reflect.TypeAssert[Union](v)
	if !ok {
		return
	}
	for _, kind := range u.Kinds() {
		further := fields(reflect.ValueOf(u.Settings(kind)).Elem())
		rows(b, further, fmt.Sprintf("%s(%s)", path, kind), false)
	}
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func escape(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// inline writes scalars and lists of scalars on one line; others are "".
func inline(v reflect.Value) string {
	t := v.Type()
	switch {
	case scalar(t):
		return format(v)
	case t.Kind() == reflect.Slice && scalar(t.Elem()) && v.Len() > 0:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = format(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return ""
	}
}

// Example writes the documented example file: every setting with its meaning above it
// and its default as a comment. In examples a list of structs may have the lines to
// show instead, by path.
func Example(defaults any, examples map[string]string) string {
	var b strings.Builder
	example(&b, fields(reflect.ValueOf(defaults).Elem()), "", "", examples)
	return b.String()
}

func example(b *strings.Builder, of []field, path, indent string, examples map[string]string) {
	for _, f := range of {
		at := join(path, f.name)
		if path == "" {
			b.WriteByte('\n')
		}
		meaning := f.doc
		if len(f.enum) > 0 {
			meaning += " (" + strings.Join(f.enum, ", ") + ")"
		}
		fmt.Fprintf(b, "%s# %s\n", indent, meaning)
		t := f.value.Type()
		switch shown, ok := examples[at]; {
		case ok:
			for line := range strings.Lines(shown) {
				b.WriteString(indent + line)
			}
		case t.Kind() == reflect.Struct && !scalar(t):
			fmt.Fprintf(b, "%s%s:\n", indent, f.name)
			example(b, fields(f.value), at, indent+"  ", examples)
		default:
			fmt.Fprintf(b, "%s# %s: %s\n", indent, f.name, quoted(f.value))
		}
	}
}

func quoted(v reflect.Value) string {
	if s := inline(v); s != "" {
		if v.Kind() == reflect.String && strings.ContainsAny(s, ":#{}[]&*!|>'\"%@`") {
			return fmt.Sprintf("%q", s)
		}
		return s
	}
	switch v.Kind() {
	case reflect.Slice:
		return "[]"
	case reflect.Map:
		return "{}"
	default:
		return `""`
	}
}

// Print writes the settings in effect as YAML; secrets hide themselves.
func Print(of any) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(tree(reflect.ValueOf(of).Elem())); err != nil {
		return nil, fmt.Errorf("settings: print: %w", err)
	}
	return out.Bytes(), nil
}

func tree(v reflect.Value) *yaml.Node {
	t := v.Type()
	switch {
	case scalar(t):
		n := &yaml.Node{Kind: yaml.ScalarNode, Value: format(v)}
		if t.Kind() == reflect.String {
			n.SetString(format(v))
		}
		return n
	case t.Kind() == reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if v.Len() == 0 || scalar(t.Elem()) {
			n.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			n.Content = append(n.Content, tree(v.Index(i)))
		}
		return n
	case t.Kind() == reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		if err := n.Encode(v.Interface()); err != nil {
			n.Style = yaml.FlowStyle
		}
		return n
	default:
		return mappingNode(v)
	}
}

func mappingNode(v reflect.Value) *yaml.Node {
	of := fields(v)
	if u, ok := reflect.TypeAssert[Union](v.Addr()); ok {
		if inner := chosen(v, u); inner.IsValid() {
			of = append(of, fields(inner)...)
		}
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range of {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: f.name}, tree(f.value))
	}
	return n
}
