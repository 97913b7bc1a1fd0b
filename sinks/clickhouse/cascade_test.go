package clickhouse

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// TestCascadesAreCountedWhole feeds cascades of depth 4, children before their parents,
// textless reposts and doubles among them, and holds the view against a walk in Go.
func TestCascadesAreCountedWhole(t *testing.T) {
	db := fresh(t)
	l := openLedger(t, db)
	rng := rand.New(rand.NewPCG(3, 5))
	parent, names := map[string]string{}, map[string]bool{}
	var records []pipeline.Record
	var grow func(id string, depth int)
	grow = func(id string, depth int) {
		if depth == 4 {
			return
		}
		for i := range 2 {
			child := fmt.Sprintf("%s.%d", id, i)
			parent[child] = id
			r := says(pipeline.OpCreate, child)
			switch rng.IntN(3) {
			case 0:
				r.Post.ParentID, r.Post.RootID = id, id[:2]
			case 1:
				r.Post.RepostOf, r.Post.Text, r.Post.Kind = id, "", pipeline.KindRepost
			default:
				r.Post.QuoteOf = id
			}
			records = append(records, r)
			grow(child, depth+1)
		}
	}
	for i, brands := range [][]string{{"Acme"}, nil} {
		root := fmt.Sprintf("r%d", i)
		names[root] = brands != nil
		records = append(records, says(pipeline.OpCreate, root, brands...))
		grow(root, 0)
	}
	gone := "r0.1"
	records = append(records, says(pipeline.OpDelete, gone), records[3])
	rng.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	_, err := l.Write(t.Context(), script(0, records...))
	require.NoError(t, err)

	var want []string
	for id := range parent {
		steps := 0
		for at := id; at != gone; at = parent[at] {
			if names[at] {
				want = append(want, fmt.Sprintf("Acme\t%s\t%d\tr0", id, steps))
			}
			if parent[at] == "" {
				break
			}
			steps++
		}
	}
	want = append(want, "Acme\tr0\t0\tr0")
	slices.Sort(want)
	require.Contains(t, strings.Join(want, "\n"), "\t4\t")
	assert.Equal(t, strings.Join(want, "\n"), answer(t, db, "SELECT brand, id, steps, origin FROM word_of_mouth ORDER BY brand, id"))
}
