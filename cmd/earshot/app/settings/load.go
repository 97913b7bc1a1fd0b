package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// EnvPrefix begins the name of every environment override.
const EnvPrefix = "EARSHOT_"

// Load reads the file's content and then the environment (entries NAME=value) over
// what into, a pointer to a struct, holds already: its defaults. It validates the
// result and reports every mistake, or nil.
func Load(file string, content []byte, environ []string, into any) Problems {
	d := &decoder{file: file, places: map[string]place{}}
	root := reflect.ValueOf(into).Elem()
	n := d.parse(content)
	if n == nil && len(d.problems) > 0 {
		return d.problems // nothing was read, so nothing more can be said
	}
	if n != nil {
		d.value(n, root, "")
	}
	d.environment(environ, root)
	d.unread = d.problems
	d.validate(root, "")
	return d.problems.sorted()
}

type place struct{ line, column int }

type decoder struct {
	file     string
	places   map[string]place // of each setting that the file names
	problems Problems
	unread   Problems // what could not be read at all: what follows from that is not told
}

func (d *decoder) problem(at place, path, what, mend string) {
	d.problems = append(d.problems, Problem{
		File: d.file, Line: at.line, Column: at.column, Path: path, What: what, Mend: mend,
	})
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// parse returns the root of the only document, or nil.
func (d *decoder) parse(content []byte) *yaml.Node {
	in := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := in.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			d.syntax(err)
		}
		return nil
	}
	var second yaml.Node
	if err := in.Decode(&second); err == nil {
		d.problem(place{second.Line, second.Column}, "", "a second document begins here", "remove the line ---")
	}
	return doc.Content[0]
}

func (d *decoder) syntax(err error) {
	text := err.Error()
	m := yamlLine.FindStringSubmatch(text)
	at := place{}
	if m != nil {
		at.line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	if at.line > 0 {
		at.column = 1
	}
	d.problem(at, "", "not YAML: "+text, "look at the indentation, the colons and the quotes of this line and the one above")
}

// value decodes one node.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	at := place{n.Line, n.Column}
	d.places[path] = at
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // a key without a value keeps the default
	}
	switch t := v.Type(); {
	case t.Kind() == reflect.Pointer:
		fresh := reflect.New(t.Elem())
		d.value(n, fresh.Elem(), path)
		v.Set(fresh)
	case scalar(t):
		if n.Kind != yaml.ScalarNode {
			d.problem(at, path, "expected "+typeName(t)+", found "+nodeName(n), "")
		} else if err := setScalar(v, n.Value); err != nil {
			d.problem(at, path, err.Error(), "")
		}
	case t.Kind() == reflect.Struct:
		d.structure(n, v, path)
	case t.Kind() == reflect.Slice:
		d.list(n, v, path)
	case t.Kind() == reflect.Map:
		d.mapping(n, v, path)
	default:
		panic(fmt.Sprintf("settings: %s has the unsupported type %s", path, t))
	}
}

func nodeName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	default:
		return strconv.Quote(n.Value)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.ScalarNode && scalar(v.Type().Elem()) {
		one := reflect.MakeSlice(v.Type(), 1, 1) // a list of one may stand without dash
		d.value(n, one.Index(0), path+"[0]")
		v.Set(one)
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.problem(place{n.Line, n.Column}, path, "expected a list, found "+nodeName(n), "begin each entry with a dash")
		return
	}
	if len(n.Content) == 0 {
		v.SetZero()
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.value(c, out.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(out)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.problem(place{n.Line, n.Column}, path, "expected keys and values, found "+nodeName(n), "")
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := 0; i < len(n.Content); i += 2 {
		key, val := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if err := setScalar(key, n.Content[i].Value); err != nil {
			d.problem(place{n.Content[i].Line, n.Content[i].Column}, path, err.Error(), "")
			continue
		}
		d.value(n.Content[i+1], val, join(path, n.Content[i].Value))
		out.SetMapIndex(key, val)
	}
	v.Set(out)
}

// structure decodes the keys of a struct, and of a union's kind.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.problem(place{n.Line, n.Column}, path, "expected keys and values, found "+nodeName(n), "")
		return
	}
	known := fields(v)
	if u, ok := reflect.TypeAssert[Union](v.Addr()); ok {
		further, found := d.kind(n, u, path)
		if !found {
			return
		}
		known = append(known, further...)
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		at := place{k.Line, k.Column}
		if seen[k.Value] {
			d.problem(at, join(path, k.Value), "this key stands twice", "remove one")
			continue
		}
		seen[k.Value] = true
		d.key(k.Value, val, at, known, path)
	}
}

func (d *decoder) key(name string, val *yaml.Node, at place, known []field, path string) {
	names := make([]string, 0, len(known))
	for _, f := range known {
		if f.name == name {
			before := len(d.problems)
			d.value(val, f.value, join(path, name))
			if len(d.problems) == before {
				d.enumerated(f, place{val.Line, val.Column}, join(path, name))
			}
			return
		}
		if f.file != "" && name == f.file {
			d.secretFile(val.Value, f.value, place{val.Line, val.Column}, join(path, name))
			return
		}
		names = append(names, f.name)
	}
	mend := "known are " + strings.Join(names, ", ")
	if like := nearest(name, names); like != "" {
		mend = fmt.Sprintf("did you mean %q?", like)
	}
	d.problem(at, join(path, name), "unknown key", mend)
}

// kind finds the further keys of a union.
func (d *decoder) kind(n *yaml.Node, u Union, path string) ([]field, bool) {
	key := u.Discriminator()
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			continue
		}
		val := n.Content[i+1]
		if s := u.Settings(val.Value); s != nil {
			return fields(reflect.ValueOf(s).Elem()), true
		}
		mend := "known are " + strings.Join(u.Kinds(), ", ")
		if like := nearest(val.Value, u.Kinds()); like != "" {
			mend = fmt.Sprintf("did you mean %q?", like)
		}
		d.problem(place{val.Line, val.Column}, join(path, key), fmt.Sprintf("unknown %s %q", key, val.Value), mend)
		return nil, false
	}
	d.problem(place{n.Line, n.Column}, path, key+" is missing", "one of "+strings.Join(u.Kinds(), ", "))
	return nil, false
}

func (d *decoder) enumerated(f field, at place, path string) {
	if len(f.enum) == 0 {
		return
	}
	values := []reflect.Value{f.value}
	if f.value.Kind() == reflect.Slice {
		values = values[:0]
		for i := range f.value.Len() {
			values = append(values, f.value.Index(i))
		}
	}
	for _, v := range values {
		got := format(v)
		ok := f.empty && got == ""
		for _, e := range f.enum {
			ok = ok || e == got
		}
		if !ok {
			mend := "one of " + strings.Join(f.enum, ", ")
			if like := nearest(got, f.enum); like != "" && got != "" {
				mend = fmt.Sprintf("did you mean %q?", like)
			}
			d.problem(at, path, fmt.Sprintf("%q is not known here", got), mend)
		}
	}
}

func (d *decoder) secretFile(name string, v reflect.Value, at place, path string) {
	content, err := os.ReadFile(name)
	if err != nil {
		d.problem(at, path, "the file with the secret cannot be read: "+err.Error(), "")
		return
	}
	v.SetString(strings.TrimRight(string(content), "\r\n"))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
