package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/detect"
	"earshot/sinks/clickhouse"
)

// quietBrands is so many brands with one mention every two hours each.
const quietBrands = 10_000

// BenchmarkQuietBrands is what the role detect costs beside ten thousand quiet brands:
// each iteration is a minute of looks, with the mentions of a minute between them. It
// prints the share of a core that our process and the server's each take.
func BenchmarkQuietBrands(b *testing.B) {
	ctx := b.Context()
	server, err := clickhouse.Start(ctx, clickhouse.ServerConfig{Dir: b.TempDir(), HTTPPort: 20000 + rand.IntN(10000), Logger: zerolog.Nop()})
	require.NoError(b, err)
	defer func() { require.NoError(b, server.Close(ctx)) }()
	users := server.Credentials()
	cfg := clickhouse.DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password = server.Addr(), users.Writer, users.WriterPassword
	db, err := clickhouse.Open(ctx, cfg)
	require.NoError(b, err)
	defer func() { require.NoError(b, db.Close()) }()
	require.NoError(b, clickhouse.Migrate(ctx, db, "quiet"))
	db = db.In("quiet")
	exec := func(statement string) { require.NoError(b, db.Exec(ctx, statement)) }
	exec(fmt.Sprintf(`INSERT INTO rollup_minute (label_set, brand, minute, platform, mentions, computed)
SELECT 'live', concat('brand ', toString(number %% %[1]d)), now() - toUInt32(rand(number) %% (14 * 86400)), 'x', 1, 1 FROM numbers(%[1]d * 168)`, quietBrands))
	exec(`INSERT INTO rollup_hour (label_set, brand, hour, platform, mentions, computed)
SELECT label_set, brand, toStartOfHour(minute), platform, sum(mentions), 1 FROM rollup_minute GROUP BY ALL`)

	now := time.Now().UTC()
	runner := &detect.Runner{Config: detect.DefaultConfig(), Kinds: pipeline.AlertKinds(), Counts: clickhouse.OpenCounts(db), Store: clickhouse.OpenAlerts(db),
		Log: zerolog.Nop(), Now: func() time.Time { return now }}
	begun := time.Now()
	require.NoError(b, runner.Look(ctx))
	b.Logf("first look: %s", time.Since(begun).Round(time.Millisecond))
	next := 0
	var own, theirs time.Duration
	for b.Loop() {
		for range 12 {
			now = now.Add(5 * time.Second)
			var rows, marks []string
			for range quietBrands / 120 / 12 {
				brand := fmt.Sprintf("brand %d", next*7919%quietBrands)
				next++
				rows = append(rows, fmt.Sprintf("('live', '%s', toStartOfHour(toDateTime(%d)), 'x', '%d', 1, toDateTime64(%d, 3), now64(3))", brand, now.Unix(), next, now.Unix()))
				marks = append(marks, fmt.Sprintf("('live', '%s', toStartOfHour(toDateTime(%d)), %d, 0, toDateTime64(%d, 3))", brand, now.Unix(), next, now.Unix()))
			}
			exec("INSERT INTO mentions (label_set, brand, hour, platform, id, version, event_time, seen_at) VALUES " + strings.Join(rows, ","))
			exec("INSERT INTO dirty (label_set, brand, hour, mark, done, at) VALUES " + strings.Join(marks, ","))
			us, it := ownCPU(), processCPU(server.PID())
			require.NoError(b, runner.Look(ctx))
			own, theirs = own+ownCPU()-us, theirs+processCPU(server.PID())-it
		}
	}
	b.ReportMetric(100*own.Minutes()/float64(b.N), "%core-detect")
	b.ReportMetric(100*theirs.Minutes()/float64(b.N), "%core-clickhouse")
}
