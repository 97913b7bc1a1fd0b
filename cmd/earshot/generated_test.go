package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
)

var update = flag.Bool("update", false, "write the generated files anew")

// TestGenerated holds every generated file against the code that it is made from.
func TestGenerated(t *testing.T) {
	schema, err := app.ConfigSchema()
	require.NoError(t, err)
	for name, want := range map[string]string{
		"schemas/config.schema.json": string(schema),
		"earshot.example.yaml":       app.ConfigExample(),
		"docs/configuration.md":      app.ConfigReference(),
		"docs/cli.md":                reference(rootCommand()),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("..", "..", filepath.FromSlash(name))
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
				require.NoError(t, os.Chmod(path, 0o644))
			}
			have, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, want, string(have), "the file is not what the code says; run `make generate`")
		})
	}
}
