package clickhouse

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// connect opens the shared server as its writer.
func connect(t testing.TB) *DB {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password = shared.Addr(), shared.Credentials().Writer, shared.Credentials().WriterPassword
	db, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// fresh returns a database of the test's own, with the schema.
func fresh(t testing.TB) *DB {
	t.Helper()
	db := connect(t)
	name := "t_" + strings.ToLower(strings.NewReplacer("/", "_", "-", "_", "#", "_", " ", "_", ",", "").Replace(t.Name()))
	if len(name) > 60 {
		name = name[:60]
	}
	require.NoError(t, Migrate(t.Context(), db, name))
	t.Cleanup(func() { _ = db.In("").Exec(context.Background(), "DROP DATABASE `"+name+"` SYNC") })
	return db.In(name)
}

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	db := connect(t)
	const name = "t_migrate"
	t.Cleanup(func() { _ = db.In("").Exec(context.Background(), "DROP DATABASE "+name+" SYNC") })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { assert.NoError(t, Migrate(t.Context(), db, name)) })
	}
	wg.Wait()
	require.NoError(t, Migrate(t.Context(), db, name))
	require.NoError(t, CheckSchema(t.Context(), db.In(name)))
	all, err := Migrations()
	require.NoError(t, err)
	applied, err := AppliedTo(t.Context(), db.In(name))
	require.NoError(t, err)
	assert.Len(t, applied, len(all))
}

func TestMigrateRefuses(t *testing.T) {
	ctx := t.Context()
	db := fresh(t)
	require.NoError(t, db.Exec(ctx, "INSERT INTO schema_migrations (number, name, checksum) VALUES (9999, '9999_future.sql', 'x')"))
	require.ErrorIs(t, CheckSchema(ctx, db), ErrSchema)
	require.ErrorContains(t, Migrate(ctx, db, db.database), "newer program")
	require.NoError(t, db.Exec(ctx, "DELETE FROM schema_migrations WHERE number = 9999"))
	require.NoError(t, CheckSchema(ctx, db))
	require.NoError(t, db.Exec(ctx, "INSERT INTO schema_migrations (number, name, checksum) VALUES (1, '0001_ledger.sql', 'edited')"))
	require.ErrorContains(t, CheckSchema(ctx, db), "never be edited")
}
