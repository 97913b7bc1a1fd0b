package grafana

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"earshot/dashboards"
)

// Export writes everything as files for Grafana's own file provisioning: dir is its
// provisioning folder, and seen is where Grafana finds the folder "boards" beside the others. The
// password of the data source is read by Grafana from the environment variable EARSHOT_READER_PASSWORD.
func Export(dir, seen string, cfg Config, boards []dashboards.Board) ([]string, error) {
	source, err := cfg.dataSource()
	if err != nil {
		return nil, err
	}
	files := map[string]any{
		"datasources/earshot.yaml": map[string]any{"apiVersion": 1, "datasources": []any{map[string]any{
			"uid": source.UID, "name": source.Name, "type": source.Type, "access": source.Access, "jsonData": source.JSONData,
			"secureJsonData": map[string]any{"password": "$EARSHOT_READER_PASSWORD"},
		}}},
		"dashboards/earshot.yaml": map[string]any{"apiVersion": 1, "providers": []any{map[string]any{
			"name": "earshot", "folder": "Earshot", "folderUid": folderUID, "type": "file", "updateIntervalSeconds": 60,
			"allowUiUpdates": true, "options": map[string]any{"path": seen + "/boards"},
		}}},
		"alerting/earshot.yaml": map[string]any{"apiVersion": 1, "groups": []any{ruleFile()}},
	}
	var written []string
	write := func(name string, content []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("grafana: export: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil { //nolint:gosec // Grafana's user reads it; it holds no secret
			return fmt.Errorf("grafana: export: %w", err)
		}
		written = append(written, name)
		return nil
	}
	for _, name := range []string{"datasources/earshot.yaml", "dashboards/earshot.yaml", "alerting/earshot.yaml"} {
		content, err := yaml.Marshal(files[name])
		if err != nil {
			return nil, fmt.Errorf("grafana: export %s: %w", name, err)
		}
		if err := write(name, content); err != nil {
			return nil, err
		}
	}
	for _, b := range boards {
		if err := write("boards/"+b.Name, b.File); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// ruleFile is the group of rules as a provisioning file spells it.
func ruleFile() map[string]any {
	group := ruleModels()
	var rules []any
	for _, r := range group.Rules {
		var data []any
		for _, q := range r.Data {
			data = append(data, map[string]any{
				"refId": q.RefID, "datasourceUid": q.DatasourceUID, "model": q.Model,
				"relativeTimeRange": map[string]any{"from": int64(q.RelativeTimeRange.From), "to": int64(q.RelativeTimeRange.To)},
			})
		}
		rules = append(rules, map[string]any{
			"uid": r.UID, "title": r.Title, "condition": r.Condition, "data": data, "for": r.For, "noDataState": r.NoDataState,
			"execErrState": r.ExecErrState, "labels": r.Labels, "annotations": map[string]any{"summary": r.Annotations["summary"]},
		})
	}
	return map[string]any{"orgId": 1, "name": group.Title, "folder": "Earshot", "interval": "1m", "rules": rules}
}
