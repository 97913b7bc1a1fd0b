package clickhouse

import (
	"fmt"
	"regexp"
	"strings"
)

// The variants for a cluster are made of the same files: each table becomes a replicated
// one on every shard, named NAME_local, under a distributed one of its own name, and every
// statement runs ON CLUSTER. Rows are sharded so that whatever folds by key lies on one
// shard: by platform and id where a table has both, else by the first column of its key.

var (
	tableBegin  = regexp.MustCompile(`^CREATE TABLE IF NOT EXISTS (\w+)`)
	viewBegin   = regexp.MustCompile(`^CREATE OR REPLACE VIEW (\w+)`)
	dropBegin   = regexp.MustCompile(`^DROP (TABLE|VIEW) IF EXISTS (\w+)`)
	alterBegin  = regexp.MustCompile(`^ALTER TABLE (\w+)`)
	engineWords = regexp.MustCompile(`ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?`)
	orderWords  = regexp.MustCompile(`ORDER BY \(?(\w+)`)
)

// localSuffix names the table of a shard.
const localSuffix = "_local"

// clustered are the statements that do on a cluster what one statement of a migration does
// on a server.
func clustered(statement, database, cluster string) ([]string, error) {
	on := " ON CLUSTER '" + cluster + "'"
	if m := tableBegin.FindStringSubmatch(statement); m != nil {
		return clusteredTable(statement, m[1], database, cluster)
	}
	if m := viewBegin.FindString(statement); m != "" {
		return []string{m + on + statement[len(m):]}, nil
	}
	if m := dropBegin.FindStringSubmatch(statement); m != nil {
		out := []string{m[0] + on + " SYNC"}
		if m[1] == "TABLE" {
			out = append(out, m[0]+localSuffix+on+" SYNC")
		}
		return out, nil
	}
	if m := alterBegin.FindString(statement); m != "" {
		out := []string{m + localSuffix + on + statement[len(m):]}
		if strings.Contains(statement, " COLUMN ") { // both know the columns
			out = append(out, m+on+statement[len(m):])
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w: there is no variant for a cluster of: %.60s", ErrSchema, statement)
}

func clusteredTable(statement, name, database, cluster string) ([]string, error) {
	engine, order := engineWords.FindStringSubmatch(statement), orderWords.FindStringSubmatch(statement)
	if engine == nil || order == nil {
		return nil, fmt.Errorf("%w: table %s has no engine or order that a cluster knows", ErrSchema, name)
	}
	arguments := "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
	if engine[2] != "" {
		arguments += ", " + engine[2]
	}
	key := "cityHash64(" + order[1] + ")"
	if strings.Contains(statement, "`platform`") && strings.Contains(statement, "`id`") {
		key = "cityHash64(platform, id)"
	}
	on := " ON CLUSTER '" + cluster + "'"
	begin := tableBegin.FindString(statement)
	local := begin + localSuffix + on + statement[len(begin):]
	local = strings.Replace(local, engine[0], "ENGINE = Replicated"+engine[1]+"("+arguments+")", 1)
	local = strings.ReplaceAll(local, "non_replicated_deduplication_window", "replicated_deduplication_window")
	spread := begin + on + " AS `" + database + "`." + name + localSuffix +
		" ENGINE = Distributed('" + cluster + "', '" + database + "', '" + name + localSuffix + "', " + key + ")"
	return []string{local, spread}, nil
}

// Statements are what a migration executes in a database, on a cluster if one is named.
func (m Migration) Statements(database, cluster string) ([]string, error) {
	// A view with parameters inside another is looked for where the question is asked.
	plain := statements(strings.ReplaceAll(m.SQL, "{{database}}", "`"+database+"`"))
	if cluster == "" {
		return plain, nil
	}
	var out []string
	for _, s := range plain {
		variants, err := clustered(s, database, cluster)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		out = append(out, variants...)
	}
	return out, nil
}

// change begins a statement that changes rows or parts of a table.
func (d *DB) change(table string) string {
	if d.cluster == "" {
		return "ALTER TABLE " + table + " "
	}
	return "ALTER TABLE " + table + localSuffix + " ON CLUSTER '" + d.cluster + "' "
}
