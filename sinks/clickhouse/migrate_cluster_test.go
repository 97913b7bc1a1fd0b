package clickhouse

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheVariantForAClusterIsSQL generates the schema for a cluster and has the real
// server parse every statement. Nothing is executed: there is no cluster here.
func TestTheVariantForAClusterIsSQL(t *testing.T) {
	db := fresh(t)
	all, err := Migrations()
	require.NoError(t, err)
	all = append([]Migration{{Name: "schema_migrations", SQL: migrationsTable}}, all...)
	tables := 0
	for _, m := range all {
		plain, err := m.Statements("earshot", "")
		require.NoError(t, err)
		list, err := m.Statements("earshot", "wide")
		require.NoError(t, err, m.Name)
		assert.GreaterOrEqual(t, len(list), len(plain))
		for _, s := range list {
			var tree strings.Builder
			require.NoError(t, db.Query(t.Context(), "EXPLAIN AST "+s, "TSV", &tree), "%s: %s", m.Name, s)
			require.NotEmpty(t, tree.String())
			assert.Contains(t, s, " ON CLUSTER 'wide'", m.Name)
			if !strings.HasPrefix(s, "CREATE TABLE") {
				continue
			}
			if tables++; strings.Contains(s, "ENGINE = Distributed") {
				assert.Regexp(t, `cityHash64\([a-z_, ]+\)\)`, s)
			} else {
				assert.Regexp(t, `(?s)^CREATE TABLE IF NOT EXISTS \w+_local ON CLUSTER .*ENGINE = Replicated\w*MergeTree\('/clickhouse/tables/{uuid}/{shard}', '{replica}'`, s)
				assert.NotContains(t, s, "non_replicated")
			}
		}
	}
	assert.Greater(t, tables, 30)
}

// TestShardsFoldWhole: the shard of a row is decided by columns of its key, or versions of
// one row would lie on two shards and both would count.
func TestShardsFoldWhole(t *testing.T) {
	all, err := Migrations()
	require.NoError(t, err)
	for _, m := range all {
		for _, s := range statements(m.SQL) {
			name := tableBegin.FindStringSubmatch(s)
			if name == nil || strings.Contains(s, "\nENGINE = MergeTree\n") { // which folds nothing
				continue
			}
			list, err := clustered(s, "earshot", "wide")
			require.NoError(t, err)
			require.Len(t, list, 2)
			key := regexp.MustCompile(`ORDER BY \(?([^)\n]+)`).FindStringSubmatch(s)[1]
			columns := regexp.MustCompile(`cityHash64\(([^)]+)\)`).FindStringSubmatch(list[1])[1]
			for column := range strings.SplitSeq(columns, ", ") {
				assert.Contains(t, strings.Split(key, ", "), column, name[1])
			}
		}
	}
}

func TestWhatAClusterCannotDoIsAnError(t *testing.T) {
	for _, s := range []string{"INSERT INTO posts SELECT 1", "CREATE TABLE IF NOT EXISTS t (`a` String) ENGINE = Log"} {
		_, err := clustered(s, "earshot", "wide")
		require.ErrorIs(t, err, ErrSchema, s)
	}
	list, err := clustered("ALTER TABLE posts ADD COLUMN x String COMMENT 'x'", "earshot", "wide")
	require.NoError(t, err)
	assert.Equal(t, []string{
		"ALTER TABLE posts_local ON CLUSTER 'wide' ADD COLUMN x String COMMENT 'x'", "ALTER TABLE posts ON CLUSTER 'wide' ADD COLUMN x String COMMENT 'x'",
	}, list)
	list, err = clustered("DROP TABLE IF EXISTS alerts", "earshot", "wide")
	require.NoError(t, err)
	assert.Len(t, list, 2)
}
