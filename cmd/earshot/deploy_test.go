package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"earshot/cmd/earshot/app"
)

// TestDeployFilesFitTogether reads the compose file and the configuration beside it: the
// services that one names are those of the other. No container is started.
func TestDeployFilesFitTogether(t *testing.T) {
	deploy := filepath.Join("..", "..", "deploy")
	text, err := os.ReadFile(filepath.Join(deploy, "earshot.yaml"))
	require.NoError(t, err)
	cfg, err := app.LoadConfig("deploy/earshot.yaml", text, []string{"EARSHOT_CLICKHOUSE_PASSWORD=secret"})
	require.NoError(t, err)
	assert.Equal(t, "secret", cfg.ClickHouse.Password.Reveal(), "the variable of the compose file is that of the program")

	var compose struct {
		Services map[string]struct {
			Environment map[string]string `yaml:"environment"`
			Volumes     []string          `yaml:"volumes"`
			Ports       []string          `yaml:"ports"`
			Build       struct {
				Context    string `yaml:"context"`
				Dockerfile string `yaml:"dockerfile"`
			} `yaml:"build"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	text, err = os.ReadFile(filepath.Join(deploy, "compose.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &compose))
	for _, address := range []string{cfg.Kafka.Brokers[0], strings.TrimPrefix(cfg.ClickHouse.Addr, "http://")} {
		name, _, _ := strings.Cut(address, ":")
		assert.Contains(t, compose.Services, name)
	}
	assert.Contains(t, compose.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"], cfg.Kafka.Brokers[0])
	assert.Equal(t, cfg.ClickHouse.User, compose.Services["clickhouse"].Environment["CLICKHOUSE_USER"])
	assert.Contains(t, compose.Services["earshot"].Environment, "EARSHOT_CLICKHOUSE_PASSWORD")
	build := compose.Services["earshot"].Build
	assert.FileExists(t, filepath.Join(deploy, build.Context, build.Dockerfile))
	for name, service := range compose.Services {
		for _, volume := range service.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); strings.HasPrefix(source, ".") {
				assert.FileExists(t, filepath.Join(deploy, source), name)
			} else {
				assert.Contains(t, compose.Volumes, source, name)
			}
		}
		for _, port := range service.Ports {
			assert.True(t, strings.HasPrefix(port, "127.0.0.1:"), "%s publishes %s to everybody", name, port)
		}
	}
}
