package settings_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app/settings"
	"earshot/pipeline"
)

type server struct {
	Brokers  []string        `yaml:"brokers" doc:"addresses"`
	Port     int             `yaml:"port" doc:"port"`
	Wait     time.Duration   `yaml:"wait" doc:"patience"`
	Mode     string          `yaml:"mode" doc:"how" enum:"fast,safe"`
	Password pipeline.Secret `yaml:"password" doc:"secret"`
}

func (s *server) Validate() error {
	var all []error
	if s.Port > 65535 {
		all = append(all, errors.New("server.port: 70000 is no port; take one below 32768"))
	}
	if s.Wait < 0 {
		all = append(all, errors.New("wait: is negative"))
	}
	return errors.Join(all...)
}

type fileSource struct {
	Path   string `yaml:"path" doc:"file"`
	Follow bool   `yaml:"follow" doc:"go on"`
}

type source struct {
	Name string `yaml:"name" doc:"name"`
	Type string `yaml:"type" doc:"kind"`
	file *fileSource
}

func (s *source) Discriminator() string { return "type" }
func (s *source) Kinds() []string       { return []string{"file"} }
func (s *source) Settings(kind string) any {
	if kind != "file" {
		return nil
	}
	if s.file == nil {
		s.file = &fileSource{Path: "default.tsv"}
	}
	return s.file
}

type config struct {
	Data    string            `yaml:"data" doc:"directory" env:"EARSHOT_DATA_DIR"`
	Server  server            `yaml:"server" doc:"the server"`
	Sources []source          `yaml:"sources" doc:"what is read"`
	Columns map[string]string `yaml:"columns" doc:"mapping"`
	Ratio   *float64          `yaml:"ratio" doc:"share"`
}

func defaults() *config {
	return &config{Data: "./d", Server: server{Port: 9092, Wait: 7 * 24 * time.Hour, Mode: "safe"}}
}

func load(text string, environ ...string) (*config, settings.Problems) {
	c := defaults()
	return c, settings.Load("e.yaml", []byte(text), environ, c)
}

func TestLoadFillsEveryKind(t *testing.T) {
	c, problems := load(`
data: /srv
server: {brokers: [a:1, b:2], wait: 2d, mode: fast, password: hush}
sources:
  - {name: tweets, type: file, follow: yes}
columns: {id: 3, author.handle: user}
ratio: 0.5
`)
	require.Empty(t, problems)
	half := 0.5
	want := defaults()
	want.Data = "/srv"
	want.Server.Brokers, want.Server.Wait, want.Server.Mode = []string{"a:1", "b:2"}, 48*time.Hour, "fast"
	want.Server.Password = "hush"
	want.Sources = []source{{Name: "tweets", Type: "file", file: &fileSource{Path: "default.tsv", Follow: true}}}
	want.Columns = map[string]string{"id": "3", "author.handle": "user"}
	want.Ratio = &half
	assert.Equal(t, want, c)
}

func TestProblems(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"unknown key":     {"server:\n  broker: [a]\n", `e.yaml:2:3: server.broker: unknown key; did you mean "brokers"?`},
		"far from any":    {"zzzzzzzzz: 1\n", `e.yaml:1:1: zzzzzzzzz: unknown key; known are data, server, sources, columns, ratio`},
		"twice":           {"data: a\ndata: b\n", `e.yaml:2:1: data: this key stands twice; remove one`},
		"number":          {"server:\n  port: many\n", `e.yaml:2:9: server.port: expected whole number, found "many"`},
		"list for text":   {"data: [a]\n", `e.yaml:1:7: data: expected text, found a list`},
		"text for map":    {"server: x\n", `e.yaml:1:9: server: expected keys and values, found "x"`},
		"duration":        {"server: {wait: soon}\n", `e.yaml:1:16: server.wait: expected a duration such as 30s, 10m, 12h or 7d, found "soon"`},
		"enum":            {"server: {mode: safer}\n", `e.yaml:1:16: server.mode: "safer" is not known here; did you mean "safe"?`},
		"kind":            {"sources: [{name: a, type: fil}]\n", `e.yaml:1:27: sources[0].type: unknown type "fil"; did you mean "file"?`},
		"kind missing":    {"sources: [{name: a}]\n", `e.yaml:1:11: sources[0]: type is missing; one of file`},
		"key of a kind":   {"sources:\n- type: file\n  folow: true\n", `e.yaml:3:3: sources[0].folow: unknown key; did you mean "follow"?`},
		"validation":      {"server:\n  port: 70000\n", `e.yaml:2:9: server.port: 70000 is no port; take one below 32768`},
		"secret file":     {"server: {password_file: /nonexistent}\n", `e.yaml:1:25: server.password_file: the file with the secret cannot be read: open /nonexistent: no such file or directory`},
		"two documents":   {"data: a\n---\ndata: b\n", `e.yaml:2:1: a second document begins here; remove the line ---`},
		"not a list":      {"sources: {a: 1}\n", `e.yaml:1:10: sources: expected a list, found keys and values; begin each entry with a dash`},
		"entry not a map": {"sources: [x]\n", `e.yaml:1:11: sources[0]: expected keys and values, found "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := load(tc.text)
			assert.Equal(t, tc.want, problems.Error())
		})
	}
}

// A mistake in one setting hides no other; what only follows from it is not told.
func TestEveryMistakeIsTold(t *testing.T) {
	_, problems := load("sever: {}\nserver:\n  port: 70000\n  wait: soon\nsources:\n- {name: a, type: fil}\n", "EARSHOT_SERVER_MODE=slow")
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	assert.ElementsMatch(t, []string{"sever", "server.port", "server.wait", "sources[0].type", "EARSHOT_SERVER_MODE"}, paths)
	_, problems = load("server: {port: 70000, port: many}\n")
	require.Len(t, problems, 1, "%s", problems.Error())
	assert.Equal(t, "server.port", problems[0].Path)
}

func TestBrokenYAMLNamesTheLine(t *testing.T) {
	_, problems := load("data: a\nserver: [\n")
	require.Len(t, problems, 1)
	assert.Positive(t, problems[0].Line)
	assert.Contains(t, problems[0].What, "not YAML")
}

func TestAllProblemsAtOnceInOrder(t *testing.T) {
	_, problems := load("server:\n  port: x\n  wait: y\nbogus: 1\n")
	require.Len(t, problems, 3)
	assert.Equal(t, []int{2, 3, 4}, []int{problems[0].Line, problems[1].Line, problems[2].Line})
}

func TestEmptyFileAndEmptyKeysKeepDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "data:\nserver:\n"} {
		c, problems := load(text)
		require.Empty(t, problems)
		assert.Equal(t, defaults(), c)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("hush\n"), 0o600))
	c, problems := load("data: a\n", "EARSHOT_DATA_DIR=b", "EARSHOT_SERVER_BROKERS=x:1, y:2",
		"EARSHOT_SERVER_WAIT=30s", "EARSHOT_SERVER_PASSWORD_FILE="+file, "EARSHOT_OTHER=1", "PATH=/bin")
	require.Empty(t, problems)
	assert.Equal(t, "b", c.Data)
	assert.Equal(t, []string{"x:1", "y:2"}, c.Server.Brokers)
	assert.Equal(t, 30*time.Second, c.Server.Wait)
	assert.Equal(t, "hush", c.Server.Password.Reveal())

	_, problems = load("", "EARSHOT_SERVER_PORT=x")
	assert.Equal(t, `environment: EARSHOT_SERVER_PORT: expected whole number, found "x"`, problems.Error())
}

func TestPrintRoundTripsAndHidesSecrets(t *testing.T) {
	c, problems := load("server: {password: hush}\nsources: [{name: a, type: file, path: x}]\ncolumns: {id: 3}\n")
	require.Empty(t, problems)
	text, err := settings.Print(c)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "hush")
	again, problems := load(strings.ReplaceAll(string(text), "'***'", "hush"))
	require.Empty(t, problems)
	assert.Equal(t, c, again)
}

func TestExampleIsTheDefaults(t *testing.T) {
	text := settings.Example(defaults(), map[string]string{"sources": "# sources:\n#   - {name: a, type: file, path: x}\n"})
	c, problems := load(text)
	require.Empty(t, problems)
	assert.Equal(t, defaults(), c)
	for _, line := range []string{"# data: ./d", "  # wait: 7d", "  # brokers: []", "# sources:"} {
		assert.Contains(t, text, line+"\n")
	}
}

func TestSchemaNamesEverySetting(t *testing.T) {
	text, err := settings.Schema(defaults(), "test")
	require.NoError(t, err)
	var s map[string]any
	require.NoError(t, json.Unmarshal(text, &s))
	for _, want := range []string{`"brokers"`, `"password_file"`, `"oneOf"`, `"const": "file"`, `"default": "7d"`, `"follow"`} {
		assert.Contains(t, string(text), want)
	}
	assert.Contains(t, settings.Reference(defaults()), "| `server.wait` | duration | `7d` | `EARSHOT_SERVER_WAIT` | patience |")
}

func FuzzLoad(f *testing.F) {
	f.Add("data: a\nserver: {brokers: [x], wait: 2d}\nsources: [{type: file, path: x}]\n")
	f.Add("a: &x [1]\nb: *x\n")
	f.Add("server:\n  ? [a]\n  : b\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := load(text)
		if len(problems) > 0 {
			return
		}
		printed, err := settings.Print(c)
		require.NoError(t, err)
		_, problems = load(string(printed))
		assert.Empty(t, problems)
	})
}
