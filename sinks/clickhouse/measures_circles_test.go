package clickhouse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testNamesOfCircles holds the names of circles against the handles of the test's accounts; one who is gone has none.
func testNamesOfCircles(t *testing.T, db *DB, gone string) {
	t.Helper()
	named := func(circle string) string {
		platform, id, _ := strings.Cut(circle, ":")
		if id == gone {
			return circle
		}
		return platform + " @h-" + id
	}
	rows := answer(t, db, "SELECT circle, around, circle, around FROM circles"+wholeScope+" UNION ALL SELECT from_circle, from_around, to_circle, to_around FROM crossings"+wholeScope)
	require.NotEmpty(t, answer(t, db, "SELECT * FROM crossings"+wholeScope))
	for row := range strings.SplitSeq(rows, "\n") {
		f := strings.Split(row, "\t")
		require.Len(t, f, 4)
		assert.Equal(t, named(f[0]), f[1])
		assert.Equal(t, named(f[2]), f[3])
	}
}
