package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"earshot/cmd/earshot/app/settings"
)

func TestExampleFileIsTheDefaults(t *testing.T) {
	content, err := os.ReadFile(filepath.FromSlash("../../../earshot.example.yaml"))
	require.NoError(t, err)
	cfg, err := LoadConfig("earshot.example.yaml", content, nil)
	require.NoError(t, err)
	assert.Equal(t, DefaultConfig(), cfg)
}

// TestExampleFileIsTrueWithoutItsCommentSigns takes the sign away from every line that
// looks like a setting: what stands there must be accepted, and be the default.
func TestExampleFileIsTrueWithoutItsCommentSigns(t *testing.T) {
	cfg, err := LoadConfig("example", uncomment(t), nil)
	require.NoError(t, err)
	require.Len(t, cfg.Brands, 1)
	require.Len(t, cfg.Sources, 2)
	cfg.Brands, cfg.Sources = nil, nil
	assert.Equal(t, DefaultConfig(), cfg)
}

func TestExampleFileFollowsTheSchema(t *testing.T) {
	text, err := ConfigSchema()
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("config.json", doc))
	schema, err := c.Compile("config.json")
	require.NoError(t, err)
	validate := func(content []byte) error {
		var tree any
		require.NoError(t, yaml.Unmarshal(content, &tree))
		js, err := json.Marshal(tree)
		require.NoError(t, err)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(js))
		require.NoError(t, err)
		return schema.Validate(value)
	}
	require.NoError(t, validate(uncomment(t)))
	require.Error(t, validate([]byte("kafka: {broker: [a]}")))
	require.Error(t, validate([]byte("sources: [{name: a, type: other}]")))
}

// uncomment makes settings of the example's commented lines; prose stays a comment.
func uncomment(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	var keys = settingKeys()
	for line := range bytes.Lines([]byte(ConfigExample())) {
		body := bytes.TrimLeft(line, " ")
		indent := line[:len(line)-len(body)]
		setting, isComment := bytes.CutPrefix(body, []byte("# "))
		key, _, hasColon := bytes.Cut(bytes.TrimLeft(setting, " -"), []byte(":"))
		if isComment && hasColon && keys[string(key)] {
			out.Write(indent)
			out.Write(setting)
			continue
		}
		out.Write(line)
	}
	return out.Bytes()
}

func settingKeys() map[string]bool {
	keys := map[string]bool{}
	var collect func(t reflect.Type)
	collect = func(t reflect.Type) {
		if t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t.PkgPath() == "time" {
			return
		}
		for f := range t.Fields() {
			if tag := f.Tag.Get("yaml"); tag != "" {
				keys[tag] = true
			}
			collect(f.Type)
		}
	}
	collect(reflect.TypeFor[Config]())
	for _, p := range platforms() {
		collect(reflect.TypeOf(p.defaults()))
	}
	delete(keys, ",inline")
	return keys
}

func TestEverySettingIsDocumented(t *testing.T) {
	assert.NotContains(t, settings.Reference(DefaultConfig()), "|  |\n", "a setting has no `doc`")
}

// TestBadConfigurations has one bad file a mistake; each says where, what and how to mend it.
func TestBadConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			content, err := os.ReadFile(name)
			require.NoError(t, err)
			first, _, found := bytes.Cut(content, []byte("\n"))
			require.True(t, found)
			want := string(bytes.TrimPrefix(first, []byte("# ")))
			_, err = LoadConfig("f.yaml", content, nil)
			require.Error(t, err)
			assert.Equal(t, ExitConfiguration, ExitCode(err))
			assert.Equal(t, want, string(bytes.SplitN([]byte(err.Error()), []byte("\n"), 2)[0]))
		})
	}
}
