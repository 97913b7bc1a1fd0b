package dashboards

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func boards(t testing.TB) []Board {
	t.Helper()
	list, err := Boards()
	require.NoError(t, err)
	require.Len(t, list, 9)
	return list
}

func TestBoardsAreClean(t *testing.T) {
	uids := map[string]bool{}
	for _, b := range boards(t) {
		assert.Empty(t, b.Lint())
		assert.False(t, uids[b.UID], b.UID)
		uids[b.UID] = true
	}
}

// TestLintFinds spoils a good board in every way that the rules name.
func TestLintFinds(t *testing.T) {
	good := string(boards(t)[0].File)
	for name, c := range map[string]struct{ old, spoilt, says string }{
		"no description":    {`"description": "Distinct accounts that spoke`, `"description": "", "was": "`, "needs a title"},
		"fixed source":      {`"uid": "${datasource}"`, `"uid": "P4169E866C3094E38"`, "must be the variable"},
		"no unit":           {`"unit": "percentunit"`, `"unit": ""`, "needs a unit"},
		"unknown panel":     {`"type": "piechart"`, `"type": "nodeGraph"`, "not drawn by the web view"},
		"overlap":           {`"y": 4`, `"y": 3`, "lies on"},
		"unescaped":         {`${brand:sqlstring}`, `${brand}`, "without escaping"},
		"unescaped, bare":   {`${brand:sqlstring}`, `$brand`, "without escaping"},
		"unknown macro":     {`$__timeInterval(`, `$__timeGroup(`, "is not supported"},
		"filter of nothing": {`$__timeFilter(opened_at)`, `$__timeFilter`, "needs its column"},
		"unused variable":   {`"name": "country"`, `"name": "county"`, "county is not used"},
		"all values":        {`"allValue": "''"`, `"allValue": ""`, "all must be an empty string"},
		"used in words":     {`"name": "country"`, `"name": "county", "note": "${county}"`, "county is not used"},
		"double id":         {`"id": 2,`, `"id": 1,`, "stands twice"},
		"old schema":        {`"schemaVersion": 41`, `"schemaVersion": 27`, "older than"},
	} {
		t.Run(name, func(t *testing.T) {
			spoilt := strings.Replace(good, c.old, c.spoilt, 1)
			require.NotEqual(t, good, spoilt)
			b, err := Parse("spoilt.json", []byte(spoilt))
			require.NoError(t, err)
			assert.Contains(t, strings.Join(b.Lint(), "\n"), c.says)
		})
	}
}

func TestExpand(t *testing.T) {
	b := boards(t)[0]
	s := Scope{From: time.Unix(1000, 0), To: time.Unix(5000, 0), Step: 20 * time.Second, Values: map[string][]string{
		"brand": {"O'Neill", `back\slash`}, "label_set": {"live"}, "database": {"earshot_simulated"},
	}}
	got, err := b.Expand("${database}.x(${label_set:sqlstring}, [${brand:sqlstring}], [${lang:sqlstring}]) $__timeFilter(a.b) $__timeInterval(hour) $__fromTime $__toTime", s)
	require.NoError(t, err)
	assert.Equal(t, `earshot_simulated.x('live', ['O''Neill','back\\slash'], ['']) a.b >= toDateTime(1000) AND a.b <= toDateTime(5000)`+
		` toStartOfInterval(toDateTime(hour), INTERVAL 20 second) toDateTime(1000) toDateTime(5000)`, got)
	s.Values["database"] = []string{"system"}
	_, err = b.Expand("${database}", s)
	require.ErrorContains(t, err, "none of the choices")
	_, err = b.Expand("${nobody}", s)
	require.ErrorContains(t, err, "no variable")
}

// FuzzExpand: whatever is chosen, it stays one string.
func FuzzExpand(f *testing.F) {
	f.Add(`O'Neill`)
	f.Add(`\'); DROP TABLE posts --`)
	b := boards(f)[0]
	f.Fuzz(func(t *testing.T, value string) {
		got, err := b.Expand("[${brand:sqlstring}]", Scope{Values: map[string][]string{"brand": {value}}})
		if value == all {
			return
		}
		require.NoError(t, err)
		inside := strings.TrimSuffix(strings.TrimPrefix(got, "['"), "']")
		rest := strings.NewReplacer(`\\`, "", "''", "").Replace(inside)
		if !strings.Contains(value, "$__") {
			assert.NotContains(t, rest, "'")
			assert.False(t, strings.HasSuffix(rest, `\`))
		}
	})
}
