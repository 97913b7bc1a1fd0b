package settings

import (
	"encoding/json"
	"reflect"
)

// Schema describes the struct that defaults points to as JSON Schema 2020-12, for
// editors: indented JSON with a final newline.
func Schema(defaults any, title string) ([]byte, error) {
	root := object(reflect.ValueOf(defaults).Elem())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = title
	out, err := json.MarshalIndent(root, "", "  ")
	return append(out, '\n'), err
}

type node = map[string]any

func object(v reflect.Value) node {
	if u, ok := reflect.TypeAssert[Union](v.Addr()); ok {
		return union(v, u)
	}
	return node{"type": []string{"object", "null"}, "properties": properties(fields(v)), "additionalProperties": false}
}

func properties(of []field) node {
	out := node{}
	for _, f := range of {
		p := property(f.value)
		if f.doc != "" {
			p["description"] = f.doc
		}
		if len(f.enum) > 0 {
			enumerate(p, f)
		}
		out[f.name] = p
		if f.file != "" {
			out[f.file] = node{"type": "string", "description": "file that holds " + f.name}
		}
	}
	return out
}

func enumerate(p node, f field) {
	if items, ok := p["items"].(node); ok {
		items["enum"] = f.enum
		return
	}
	p["enum"] = f.enum
	if f.empty {
		p["enum"] = append([]string{""}, f.enum...)
	}
}

func property(v reflect.Value) node {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
		v = reflect.New(t).Elem()
	}
	switch {
	case scalar(t):
		p := node{"type": jsonType(t)}
		if !v.IsZero() && !secret(t) {
			p["default"] = jsonDefault(v)
		}
		return p
	case t.Kind() == reflect.Slice:
		return node{"type": "array", "items": property(reflect.New(t.Elem()).Elem())}
	case t.Kind() == reflect.Map:
		return node{"type": "object", "additionalProperties": property(reflect.New(t.Elem()).Elem())}
	default:
		if !v.CanAddr() {
			v = reflect.New(t).Elem()
		}
		return object(v)
	}
}

func union(v reflect.Value, u Union) node {
	var kinds []node
	for _, kind := range u.Kinds() {
		common := fields(v)
		further := fields(reflect.ValueOf(u.Settings(kind)).Elem())
		p := properties(append(common, further...))
		p[u.Discriminator()] = node{"const": kind}
		kinds = append(kinds, node{
			"type": "object", "properties": p,
			"required": []string{u.Discriminator()}, "additionalProperties": false,
		})
	}
	return node{"oneOf": kinds}
}

// jsonType allows a number where text is wanted: YAML reads 3 as one.
func jsonType(t reflect.Type) any {
	switch {
	case t == durationType:
		return "string"
	case reflect.PointerTo(t).Implements(textType):
		return []string{"string", "number"}
	}
	switch k := t.Kind(); {
	case k == reflect.Bool:
		return "boolean"
	case k >= reflect.Int && k <= reflect.Uint64:
		return "integer"
	case k == reflect.Float32 || k == reflect.Float64:
		return "number"
	default:
		return []string{"string", "number"}
	}
}

func jsonDefault(v reflect.Value) any {
	if v.Type() == durationType || reflect.PointerTo(v.Type()).Implements(textType) {
		return format(v)
	}
	return v.Interface()
}
