package clickhouse

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// structure is what a database consists of: columns with types, keys and engines.
const structure = "SELECT arrayStringConcat(arraySort(groupArray(line)), '\n') FROM (" +
	"SELECT concat(table, '.', name, ' ', type, ' ', default_expression) AS line FROM system.columns WHERE database = currentDatabase() AND table != 'schema_migrations'" +
	" UNION ALL SELECT concat(name, ' ', engine, ' ', sorting_key, ' ', partition_key) FROM system.tables WHERE database = currentDatabase())"

// TestUpgrade makes a database as each earlier version left it, with rows, brings it to the
// present schema and compares it with one that was made at once.
func TestUpgrade(t *testing.T) {
	ctx, db := t.Context(), connect(t)
	all, err := Migrations()
	require.NoError(t, err)
	drop := func(name string) {
		assert.NoError(t, db.In("").Exec(ctx, "DROP DATABASE IF EXISTS "+name+" SYNC"))
	}
	defer drop("t_upgrade_whole")
	require.NoError(t, Migrate(ctx, db, "t_upgrade_whole"))
	want := answer(t, db.In("t_upgrade_whole"), structure)

	versions := map[string][]Migration{"a middle one is missing": slices.Delete(slices.Clone(all), 5, 6)} // numbers are given to branches of work
	for n := 1; n < len(all); n++ {
		versions["before "+all[n].Name] = all[:n]
	}
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			const database = "t_upgrade"
			drop(database)
			defer drop(database)
			require.NoError(t, db.In("").Exec(ctx, "CREATE DATABASE "+database))
			old := db.In(database)
			require.NoError(t, old.Exec(ctx, statements(migrationsTable)[0]))
			require.NoError(t, old.migrate(ctx, version))
			before := slices.ContainsFunc(version, func(m Migration) bool { return m.Number == 2 })
			require.NoError(t, old.Exec(ctx, "INSERT INTO posts (platform, id, op, text, seen_at) VALUES ('blog', '1', 'create', 'acme', now64(3))"))
			if before {
				require.NoError(t, old.Exec(ctx, "INSERT INTO mentions (label_set, brand, hour, platform, id, text) VALUES ('live', 'Acme', now(), 'blog', '1', 'acme')"))
			}
			require.ErrorIs(t, CheckSchema(ctx, old), ErrSchema, "workers refuse an older schema")

			require.NoError(t, Migrate(ctx, db, database))
			require.NoError(t, CheckSchema(ctx, old))
			assert.Equal(t, want, answer(t, old, structure))
			assert.Equal(t, "acme", answer(t, old, "SELECT text FROM posts_current"))
			if before {
				assert.Equal(t, "acme", answer(t, old, "SELECT text FROM mentions_current"))
			}
			l := openLedger(t, old)
			_, err := l.Write(ctx, script(0, says(pipeline.OpCreate, "2", "Acme")))
			require.NoError(t, err, "and it can be written to")
			assert.Equal(t, fmt.Sprint(len(all)), answer(t, old, "SELECT count() FROM schema_migrations FINAL"))
		})
	}
}
