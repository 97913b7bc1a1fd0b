package oracle

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
	"earshot/sinks/clickhouse"
)

// oldest is the schema version of the directory that is upgraded.
const oldest = 5

// TestAnOlderDataDirectory: a data directory of an earlier version is brought up to date
// by the program that meets it, with all of its rows; one of a newer version is refused.
func TestAnOlderDataDirectory(t *testing.T) {
	p := newProgram(t, acme+"simulate: off\n")
	code, _, errs := p.run("import", p.write("old.ndjson", `{"platform":"blog","id":"1","text":"acme is old"}`))
	require.Zero(t, code, errs)
	all, err := clickhouse.Migrations()
	require.NoError(t, err)
	p.tables(func(db *clickhouse.DB) {
		for _, database := range []string{"earshot", "earshot_simulated"} {
			for _, m := range all {
				if m.Number <= oldest {
					continue
				}
				for _, made := range regexp.MustCompile(`(?m)^CREATE (?:TABLE|VIEW) (\w+)`).FindAllStringSubmatch(m.SQL, -1) {
					require.NoError(t, db.In(database).Exec(t.Context(), "DROP TABLE IF EXISTS "+made[1]+" SYNC"))
				}
			}
			require.NoError(t, db.In(database).Exec(t.Context(), fmt.Sprintf("DELETE FROM schema_migrations WHERE number > %d", oldest)))
		}
	})
	code, out, errs := p.run("schema", "status")
	require.Zero(t, code, errs)
	assert.Contains(t, out, "pending")
	code, out, _ = p.run("doctor")
	assert.Equal(t, app.ExitFindings, code)
	assert.Regexp(t, `earshot lacks \d+ of \d+ migrations`, out)

	code, _, errs = p.run("import", p.write("new.ndjson", `{"platform":"blog","id":"2","text":"acme is new"}`))
	require.Zero(t, code, errs)
	assert.Equal(t, "acme is new\nacme is old", p.ask("SELECT text FROM mentions_current ORDER BY text"))
	assert.Equal(t, "2", p.ask("SELECT sum(mentions) FROM mentions_hour"))
	code, out, errs = p.run("doctor")
	require.Zero(t, code, out+errs)
	assert.Contains(t, out, "the newest")

	p.tables(func(db *clickhouse.DB) {
		require.NoError(t, db.In("earshot").Exec(t.Context(), "INSERT INTO schema_migrations (number, name, checksum) VALUES (9999, '9999_future.sql', 'x')"))
	})
	code, _, errs = p.run("import", p.path("new.ndjson"))
	assert.NotZero(t, code)
	assert.Contains(t, errs, "use the newer program")
}

// tables starts the engine of the data directory alone, as its writer.
func (p *program) tables(do func(*clickhouse.DB)) {
	server, err := clickhouse.Start(p.t.Context(), clickhouse.ServerConfig{Dir: filepath.Join(p.path("earshot-data"), "clickhouse"), Logger: zerolog.Nop()})
	require.NoError(p.t, err)
	defer func() { require.NoError(p.t, server.Close(p.t.Context())) }()
	users, cfg := server.Credentials(), clickhouse.DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password = server.Addr(), users.Writer, users.WriterPassword
	db, err := clickhouse.Open(p.t.Context(), cfg)
	require.NoError(p.t, err)
	defer func() { require.NoError(p.t, db.Close()) }()
	do(db)
}
