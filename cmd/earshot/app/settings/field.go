package settings

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Union is a struct whose further keys depend on the value of one of them. It is
// implemented by the pointer type.
type Union interface {
	Discriminator() string    // the deciding key, itself a field of the struct
	Kinds() []string          // its values
	Settings(kind string) any // pointer to the struct with the further keys, kept by the receiver; nil if unknown
}

type field struct {
	name  string
	doc   string
	env   string
	enum  []string
	empty bool   // its default is the empty text
	file  string // key that names a file with the value, of secrets; empty if the struct has such a field itself
	value reflect.Value
}

// fields lists the settings of a struct in the order in which they are declared; those
// of embedded structs and of a union's kind stand with them.
func fields(v reflect.Value) []field {
	var out []field
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if options == "inline" || (f.Anonymous && name == "") {
			out = append(out, fields(v.Field(i))...)
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		out = append(out, field{
			name: name, doc: f.Tag.Get("doc"), env: f.Tag.Get("env"),
			enum: list(f.Tag.Get("enum")), value: v.Field(i),
			empty: v.Field(i).Kind() == reflect.String && v.Field(i).Len() == 0,
		})
	}
	for i := range out {
		own := out[i].name + "_file"
		declared := slices.ContainsFunc(out, func(f field) bool { return f.name == own })
		if secret(out[i].value.Type()) && !declared {
			out[i].file = own
		}
	}
	return out
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// scalar reports whether a value of this type is written as one word.
func scalar(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(textType) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map, reflect.Interface, reflect.Array, reflect.Func, reflect.Chan:
		return false
	default:
		return true
	}
}

// secret reports whether values of this type hide themselves when printed: they may be
// named by a file instead.
func secret(t reflect.Type) bool { return t.Kind() == reflect.String && t.Name() == "Secret" }

// typeName says in words what is expected, for errors and the reference.
func typeName(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t == durationType:
		return "duration"
	case secret(t):
		return "secret"
	case t == timeType:
		return "time"
	case t.Kind() == reflect.Slice:
		return "list of " + typeName(t.Elem())
	case t.Kind() == reflect.Map:
		return "map of " + typeName(t.Elem())
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		return "whole number"
	case t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64:
		return "whole number"
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textType):
		return "keys and values"
	default:
		return "text"
	}
}
