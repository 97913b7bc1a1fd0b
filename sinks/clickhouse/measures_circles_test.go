package clickhouse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testNamesOfCircles holds the names of circles against the handles of the test's accounts: the foremost that names a
// brand; one who is gone names none.
func testNamesOfCircles(t *testing.T, db *DB, gone string) {
	t.Helper()
	named := map[string]string{}
	for row := range strings.SplitSeq(answer(t, db, "SELECT circle, platform, author_id FROM account_facts ORDER BY standing"), "\n") {
		f := strings.Split(row, "\t")
		require.Len(t, f, 3)
		if named[f[0]] == "" && f[2] != gone {
			named[f[0]] = f[1] + " @h-" + f[2]
		}
	}
	require.NotEmpty(t, answer(t, db, "SELECT * FROM crossings"+wholeScope))
	rows := answer(t, db, "SELECT circle, around, circle, around FROM circles"+wholeScope+" UNION ALL SELECT from_circle, from_around, to_circle, to_around FROM crossings"+wholeScope)
	for row := range strings.SplitSeq(rows, "\n") {
		f := strings.Split(row, "\t")
		require.Len(t, f, 4)
		for i := 0; i < len(f); i += 2 {
			want := named[f[i]]
			if want == "" {
				want = f[i] // nobody in it names a brand
			}
			assert.Equal(t, want, f[i+1])
		}
	}
}
