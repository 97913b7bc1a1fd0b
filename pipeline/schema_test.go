package pipeline

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/schemas"
)

var update = flag.Bool("update", false, "write the JSON Schemas anew")

// node is one JSON Schema; properties keep the order of the struct.
type node struct {
	Schema          string      `json:"$schema,omitempty"`
	Title           string      `json:"title,omitempty"`
	Description     string      `json:"description,omitempty"`
	Type            any         `json:"type,omitempty"` // a name, or several
	Format          string      `json:"format,omitempty"`
	ContentEncoding string      `json:"contentEncoding,omitempty"`
	Pattern         string      `json:"pattern,omitempty"`
	MinLength       int         `json:"minLength,omitempty"`
	MaxLength       int         `json:"maxLength,omitempty"`
	Minimum         json.Number `json:"minimum,omitempty"`
	Maximum         json.Number `json:"maximum,omitempty"`
	Enum            []string    `json:"enum,omitempty"`
	Default         any         `json:"default,omitempty"`
	MaxItems        int         `json:"maxItems,omitempty"`
	Items           *node       `json:"items,omitempty"`
	Required        []string    `json:"required,omitempty"`
	Properties      members     `json:"properties,omitempty"`
}

type member struct {
	name string
	node *node
}

type members []member

func (m members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(p.node)
		if err != nil {
			return nil, err
		}
		b.WriteString(strconv.Quote(p.name) + ":")
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// limit adds to a field's schema what Validate and fill know of it and a tag does not
// say. JSON Schema counts characters and Validate bytes: what the schema refuses
// Validate refuses too.
func limit(owner reflect.Type, name string, n *node) {
	switch owner {
	case reflect.TypeFor[Post](), reflect.TypeFor[Author](), reflect.TypeFor[Media](), reflect.TypeFor[Geo](), reflect.TypeFor[Metrics]():
	case reflect.TypeFor[DeadLetter]():
		if name == "payload" {
			n.MaxLength = (MaxDeadPayload + 2) / 3 * 4 // base64
		}
		return
	default:
		return
	}
	switch {
	case n.Type == "string" && n.Format == "" && n.Enum == nil:
		n.MaxLength = MaxString
	case n.Type == "array":
		n.MaxItems = MaxList
		if n.Items.Type == "string" {
			n.Items.MaxLength = MaxString
		}
	case n.Type == "integer":
		n.Minimum = "0"
	}
	switch owner.Name() + "." + name {
	case "Post.v":
		n.Minimum, n.Default = "1", PostVersion
	case "Post.op":
		n.Default = OpCreate
	case "Post.kind":
		n.Default = KindPost
	case "Post.platform":
		n.MinLength, n.MaxLength, n.Pattern = 1, MaxPlatform, "^[a-z0-9_-]*$"
	case "Post.id":
		n.MinLength, n.MaxLength = 1, MaxID
	case "Post.text":
		n.MaxLength = MaxText
	case "Post.title":
		n.MaxLength = MaxTitle
	case "Media.alt":
		n.MaxLength = MaxAlt
	case "Geo.country":
		n.MaxLength, n.Pattern = 2, "^([A-Z]{2})?$"
	}
}

// describe generates the schema of a type from its fields and their tags.
func describe(t *testing.T, typ reflect.Type) *node {
	t.Helper()
	switch {
	case typ == reflect.TypeFor[Time]():
		return &node{Type: "string", Format: "date-time"}
	case typ == reflect.TypeFor[[]byte]():
		return &node{Type: []string{"string", "null"}, ContentEncoding: "base64"}
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return describe(t, typ.Elem())
	case reflect.String:
		return &node{Type: "string"}
	case reflect.Bool:
		return &node{Type: "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &node{Type: "integer"}
	case reflect.Float32, reflect.Float64:
		return &node{Type: "number"}
	case reflect.Slice:
		return &node{Type: "array", Items: describe(t, typ.Elem())}
	case reflect.Struct:
		object := &node{Type: "object"}
		addFields(t, object, typ)
		return object
	}
	require.Failf(t, "no JSON Schema", "of %s", typ)
	return nil
}

func addFields(t *testing.T, object *node, typ reflect.Type) {
	t.Helper()
	for f := range typ.Fields() {
		if f.Anonymous {
			addFields(t, object, f.Type)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		require.NotEmpty(t, name, "json tag of %s.%s", typ, f.Name)
		n := describe(t, f.Type)
		n.Description = f.Tag.Get("doc")
		require.NotEmpty(t, n.Description, "doc tag of %s.%s", typ, f.Name)
		if enum := f.Tag.Get("enum"); enum != "" {
			n.Enum = strings.Split(enum, ",")
		}
		n.Minimum, n.Maximum = json.Number(f.Tag.Get("min")), json.Number(f.Tag.Get("max"))
		limit(typ, name, n)
		if options == "" && n.Default == nil {
			object.Required = append(object.Required, name)
		}
		object.Properties = append(object.Properties, member{name, n})
	}
}

func recordSchemas(t *testing.T) map[string]*node {
	t.Helper()
	all := make(map[string]*node)
	add := func(file, title, description string, typ reflect.Type) {
		n := describe(t, typ)
		n.Schema, n.Title, n.Description = "https://json-schema.org/draft/2020-12/schema", title, description
		all[file] = n
	}
	add("post.schema.json", "Post", "One public utterance, or news of one: a record of the topic posts, keyed platform/id. "+
		"Fields are only ever added; unknown ones are ignored. Sizes are further limited in bytes of UTF-8 by the same numbers.", reflect.TypeFor[Post]())
	add("mention.schema.json", "Mention", "One brand named in one post, as it is published for other consumers.", reflect.TypeFor[MentionMessage]())
	add("dead-letter.schema.json", "Dead letter", "A record that could not be processed, and why.", reflect.TypeFor[DeadLetter]())
	add("coverage.schema.json", "Coverage", "What a source saw in a minute, what it missed, or when it should run.", reflect.TypeFor[CoverageEvent]())
	return all
}

func TestSchemasMatchStructs(t *testing.T) {
	for file, n := range recordSchemas(t) {
		want, err := json.MarshalIndent(n, "", "  ")
		require.NoError(t, err)
		want = append(want, '\n')
		if *update {
			require.NoError(t, os.WriteFile(filepath.Join("..", "schemas", file), want, 0o600))
			continue
		}
		got, err := schemas.JSON.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "%s is old: go test ./pipeline -run TestSchemas -update", file)
	}
}

func compileSchema(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	data, err := schemas.JSON.ReadFile(file)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	require.NoError(t, c.AddResource(file, doc))
	s, err := c.Compile(file)
	require.NoError(t, err)
	return s
}

func validateJSON(t *testing.T, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	return s.Validate(doc)
}

func TestSchemasAcceptGolden(t *testing.T) {
	posts, err := filepath.Glob("testdata/posts/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, posts)
	s := compileSchema(t, "post.schema.json")
	for _, file := range posts {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, validateJSON(t, s, data), file)
		var p Post
		_, err = DecodePost(data, &p)
		require.NoError(t, err)
		require.NoError(t, validateJSON(t, s, p.AppendJSON(nil)), file)
	}
	largest := full()
	require.NoError(t, validateJSON(t, s, largest.AppendJSON(nil)))
	for _, name := range []string{"mention", "dead-letter", "coverage"} {
		require.NoError(t, validateJSON(t, compileSchema(t, name+".schema.json"), golden(t, name+".json")), name)
	}
}

// What Validate refuses the schema refuses too, where JSON can hold it at all.
func TestPostSchemaRefusesWhatValidateRefuses(t *testing.T) {
	s := compileSchema(t, "post.schema.json")
	for i, tt := range spoilt() {
		p := full()
		tt.spoil(&p)
		data := p.AppendJSON(nil)
		var back Post
		_, err := DecodePost(data, &back)
		require.NoError(t, err)
		if tt.between || back.Validate() == nil {
			continue
		}
		require.Error(t, validateJSON(t, s, data), "%d: %s", i, tt.field)
	}
	require.Error(t, validateJSON(t, s, []byte(`{"platform":"x"}`)))
	require.Error(t, validateJSON(t, s, []byte(`{"platform":"x","id":"1","seen_at":"yesterday"}`)))
}

func TestMessageSchemasRefuse(t *testing.T) {
	for name, changes := range map[string][][2]string{
		"mention":     {{`"via": "text"`, `"via": "guess"`}, {`"score": 0.6`, `"score": 1.6`}, {`"brand"`, `"brandt"`}, {`"offset": 1042`, `"offset": -1`}},
		"dead-letter": {{`"id"`, `"ident"`}, {`"size": 6`, `"size": "6"`}, {`eyJpZCI6`, `***`}},
		"coverage":    {{`"minute"`, `"hour"`}, {`"limited"`, `"fine"`}, {`2026-03-01T12:34:00.000Z`, `12:34`}},
	} {
		s := compileSchema(t, name+".schema.json")
		for _, change := range changes {
			changed := strings.Replace(string(golden(t, name+".json")), change[0], change[1], 1)
			require.NotEqual(t, string(golden(t, name+".json")), changed)
			assert.Error(t, validateJSON(t, s, []byte(changed)), "%s: %s", name, change[1])
		}
	}
}
