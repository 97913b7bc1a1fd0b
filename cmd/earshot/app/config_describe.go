package app

import (
	"earshot/cmd/earshot/app/settings"
)

// ConfigSchema is the JSON Schema of the configuration.
func ConfigSchema() ([]byte, error) {
	return settings.Schema(DefaultConfig(), "Earshot configuration (earshot.yaml)")
}

const exampleHead = `# Earshot: every setting, what it means, and its default. Lines that begin with # may be
# left out. Check with ` + "`earshot config check`" + `; every mistake is shown with its place.
# Editors: the schema is schemas/config.schema.json.
`

// examples are shown where a default would show nothing.
func examples() map[string]string {
	return map[string]string{
		"brands": `# brands:
#   - name: Sony
#     query: 'sony OR @sony OR #playstation OR "play station"'
`,
		"sources": `# sources:
#   - name: tweets            # unique for ever: what was read so far goes by it
#     type: file
#     path: tweets.tsv
#     columns: {id: 3, text: 5}
#     tweet_ids: true
#   - name: market
#     type: simulate
#     rate: 200
`,
	}
}

// ConfigExample is the content of earshot.example.yaml.
func ConfigExample() string {
	return exampleHead + settings.Example(DefaultConfig(), examples())
}

const referenceHead = `# Configuration

Generated from the program's own structs (` + "`make generate`" + `); a test holds it against them.

` + "`earshot.yaml`" + ` (or the file that ` + "`--config`" + ` names) is read strictly: an unknown key is an error that
names its place and the nearest key, and ` + "`earshot config check`" + ` shows every mistake at once. What is not
there has the default below. An environment variable overrides the file; lists are comma-separated there.
A secret may stand in a file instead (` + "`password_file`" + `), and prints as ` + "`***`" + ` everywhere. ` + "`${...}`" + ` is not
expanded. Durations are written 30s, 10m, 12h or 7d; times as in 2026-01-31T00:00:00Z.

Settings of a list's entry are shown as ` + "`sources[]`" + `, those of a type of source as ` + "`sources[](file)`" + `.

`

const referenceTail = `
Other variables: ` + "`EARSHOT_LIBCHDB`" + ` names a libchdb.so to use as the embedded ClickHouse. For the tests,
` + "`EARSHOT_DATA`" + ` names the folder of test data and ` + "`EARSHOT_KAFKA_JARS`" + ` the jars of Apache Kafka.
`

// ConfigReference is the content of docs/configuration.md.
func ConfigReference() string {
	return referenceHead + settings.Reference(DefaultConfig()) + referenceTail
}
