package settings

import (
	"fmt"
	"reflect"
	"strings"
)

// environment sets what the environment overrides: scalars and lists of scalars
// (comma-separated) of all settings that do not stand in a list.
func (d *decoder) environment(environ []string, root reflect.Value) {
	values := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, EnvPrefix) {
			values[name] = value
		}
	}
	inFile := d.file
	d.file = "environment"
	walk(root, "", func(f field, path string) {
		name := envName(f, path)
		if text, ok := values[name]; ok {
			d.override(f, name, text)
		}
		if text, ok := values[name+"_FILE"]; ok && f.file != "" {
			d.secretFile(text, f.value, place{}, name+"_FILE")
		}
	})
	d.file = inFile
}

func (d *decoder) override(f field, name, text string) {
	var err error
	if f.value.Kind() == reflect.Slice {
		parts := list(text)
		out := reflect.MakeSlice(f.value.Type(), len(parts), len(parts))
		for i, part := range parts {
			if err = setScalar(out.Index(i), strings.TrimSpace(part)); err != nil {
				break
			}
		}
		f.value.Set(out)
	} else {
		err = setScalar(f.value, text)
	}
	if err != nil {
		d.problem(place{}, name, err.Error(), "")
		return
	}
	d.enumerated(f, place{}, name)
}

// walk visits every setting that the environment can override.
func walk(v reflect.Value, path string, visit func(f field, path string)) {
	for _, f := range fields(v) {
		at := join(path, f.name)
		switch t := f.value.Type(); {
		case scalar(t), t.Kind() == reflect.Slice && scalar(t.Elem()):
			visit(f, at)
		case t.Kind() == reflect.Struct:
			walk(f.value, at, visit)
		}
	}
}

func envName(f field, path string) string {
	if f.env != "" {
		return f.env
	}
	return EnvPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(path))
}

// validate asks every struct that has a method Validate, inner ones first, and puts
// what it says to the setting that the message names first.
func (d *decoder) validate(v reflect.Value, path string) {
	switch {
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		if !v.IsNil() {
			d.validate(v.Elem(), path)
		}
		return
	case v.Kind() == reflect.Slice && !scalar(v.Type().Elem()):
		for i := range v.Len() {
			d.validate(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
		return
	case v.Kind() != reflect.Struct || scalar(v.Type()):
		return
	}
	for _, f := range fields(v) {
		d.validate(f.value, join(path, f.name))
	}
	if !v.CanAddr() {
		return
	}
	known := fields(v)
	if u, ok := reflect.TypeAssert[Union](v.Addr()); ok {
		if inner := chosen(v, u); inner.IsValid() {
			d.validate(inner, path)
			known = append(fields(inner), known...)
		}
	}
	if c, ok := reflect.TypeAssert[interface{ Validate() error }](v.Addr()); ok {
		for _, err := range leaves(c.Validate()) {
			d.blame(err, known, path)
		}
	}
}

// chosen returns the further settings of a union.
func chosen(v reflect.Value, u Union) reflect.Value {
	for _, f := range fields(v) {
		if f.name == u.Discriminator() {
			if s := u.Settings(f.value.String()); s != nil {
				return reflect.ValueOf(s).Elem()
			}
		}
	}
	return reflect.Value{}
}

// leaves splits joined errors.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, leaves(e)...)
	}
	return out
}

func (d *decoder) blame(err error, known []field, path string) {
	text := err.Error()
	at, found := path, false
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" :,;\"'", r) }) {
		if p := deepest(word, known); p != "" {
			at, found = join(path, p), true
			break
		}
	}
	for _, p := range d.problems {
		if strings.HasSuffix(text, p.What) && strings.HasPrefix(p.Path, path) {
			return // an inner struct has said it already
		}
	}
	if found {
		if _, rest, ok := strings.Cut(text, strings.TrimPrefix(at, path+".")+": "); ok {
			text = rest
		} else if room, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(room, " ") {
			text = rest // "simulate: rate is -1": the path says it already
		}
	}
	if !d.follows(at) {
		d.problem(d.near(at), at, text, "")
	}
}

// follows reports whether what is wrong with a setting may come of something that could
// not be read: of the setting itself, of what holds it, or of its entry of a list, which
// has no defaults.
func (d *decoder) follows(path string) bool {
	for _, p := range d.unread {
		if p.Path == "" {
			continue
		}
		if i := strings.LastIndexByte(p.Path, ']'); i >= 0 && strings.HasPrefix(path+".", p.Path[:i+1]+".") {
			return true
		}
		if path == p.Path || strings.HasPrefix(path, p.Path+".") || strings.HasPrefix(path, p.Path+"[") {
			return true
		}
	}
	return false
}

// deepest returns the path if word names a setting below the given ones, by its last
// keys (brokers, sasl.user) or after the name of its room (kafka.brokers).
func deepest(word string, known []field) string {
	for word != "" {
		head, rest, more := strings.Cut(word, ".")
		name, _, _ := strings.Cut(head, "[")
		for _, f := range known {
			if f.name != name {
				continue
			}
			if p := deepest(rest, inner(f.value)); more && p != "" {
				return head + "." + p
			}
			return head
		}
		word = rest
	}
	return ""
}

// inner lists the settings of a struct, or of the entries of a list of structs.
func inner(v reflect.Value) []field {
	t := v.Type()
	if t.Kind() == reflect.Slice {
		t = t.Elem()
		v = reflect.New(t).Elem()
	}
	if t.Kind() != reflect.Struct || scalar(t) {
		return nil
	}
	return fields(v)
}

// near returns the place of the setting or of what holds it.
func (d *decoder) near(path string) place {
	for path != "" {
		if at, ok := d.places[path]; ok {
			return at
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return place{}
}
