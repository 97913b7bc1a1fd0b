package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func person(id string) Person { return Person{"x", id} }

func tie(from, to string, weight float64) Tie { return Tie{person(from), person(to), weight} }

func byID(t *testing.T, ties []Tie) map[string]Standing {
	t.Helper()
	out := map[string]Standing{}
	for _, s := range Standings(ties) {
		out[s.ID] = s
	}
	return out
}

// TestRanks compares with the ranks of a graph that were solved by hand: everybody answers
// a, who answers b alone.
func TestRanks(t *testing.T) {
	got := byID(t, []Tie{tie("b", "a", 1), tie("c", "a", 1), tie("a", "b", 2), tie("a", "a", 9)})
	// c = 0.15; a = 0.15 + 0.85 (b + c); b = 0.15 + 0.85 a
	a := (0.15 + 0.85*0.15 + 0.85*0.15) / (1 - 0.85*0.85)
	assert.InDelta(t, a, got["a"].Rank, 1e-3)
	assert.InDelta(t, 0.15+0.85*a, got["b"].Rank, 1e-3)
	assert.InDelta(t, 0.15, got["c"].Rank, 1e-9)
	assert.InDelta(t, 2, got["a"].Received, 0)
	assert.InDelta(t, 2, got["a"].Given, 0, "an answer to oneself is no tie")
}

// TestCircles finds two groups that one person joins.
func TestCircles(t *testing.T) {
	var ties []Tie
	for _, group := range []string{"a", "b"} {
		for i := range 6 {
			for j := range 6 {
				if i != j {
					ties = append(ties, tie(fmt.Sprint(group, i), fmt.Sprint(group, j), 1))
				}
			}
		}
	}
	ties = append(ties, tie("a1", "bridge", 2), tie("bridge", "a2", 2), tie("bridge", "b1", 2), tie("b2", "bridge", 1))
	got := byID(t, ties)
	for i := range 6 {
		assert.Equal(t, got["a0"].Circle, got[fmt.Sprint("a", i)].Circle)
		assert.Equal(t, got["b0"].Circle, got[fmt.Sprint("b", i)].Circle)
	}
	assert.NotEqual(t, got["a0"].Circle, got["b0"].Circle)
	assert.Equal(t, 2, got["bridge"].Circles)
	for id, s := range got {
		if id != "bridge" {
			assert.Greater(t, got["bridge"].Bridging, s.Bridging, id)
		}
	}
	assert.InDelta(t, 1-(4./7)*(4./7)-(3./7)*(3./7), got["bridge"].Bridging, 1e-9)
}

// TestOrderDoesNotMatter shuffles the ties.
func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var ties []Tie
	for range 3000 {
		ties = append(ties, tie(fmt.Sprint(r.IntN(400)), fmt.Sprint(r.IntN(1+r.IntN(400))), float64(1+r.IntN(3))))
	}
	want := Standings(ties)
	mean := 0.0
	for _, s := range want {
		mean += s.Rank / float64(len(want))
	}
	assert.InDelta(t, 1, mean, 1e-6)
	for range 5 {
		r.Shuffle(len(ties), func(i, j int) { ties[i], ties[j] = ties[j], ties[i] })
		got := Standings(ties)
		require.Len(t, got, len(want))
		assert.True(t, slices.Equal(want, got))
	}
	assert.Empty(t, Standings(nil))
}
