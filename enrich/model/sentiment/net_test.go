package sentiment

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plainNet judges in plain arithmetic, one filter after the other, by the definition.
func plainNet(n *net, tokens []netToken) (z [classes]float64) {
	at := func(row, w, f int) int { return int(n.rows[row*netRow+w*filters+f]) - zero }
	var pooled [filters]int64
	for i := range tokens {
		for f := range filters {
			sum := int(n.Bias[f])
			for w := range window {
				if j := i + w - 1; j >= 0 && j < len(tokens) {
					sum += at(int(tokens[j].word), w, f) + at(1<<n.Bits+int(tokens[j].lex), w, f)
				}
			}
			pooled[f] = max(pooled[f], int64(sum))
		}
	}
	for k := range z {
		sum := int64(0)
		for f, v := range pooled {
			sum += v * int64(n.Out[k][f])
		}
		z[k] = n.Base[k] + float64(n.Scale*float64(sum))
	}
	return z
}

// TestNetAddsLanesRight compares the sums in lanes of machine words with plain ones, over
// nets of extreme weights and texts of 1 to 40 tokens.
func TestNetAddsLanesRight(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		h := netHeader{Bits: minBits, Scale: 1e-6, Base: [classes]float64{0.1, 0.2, 0.3}}
		for k := range h.Out {
			h.Out[k] = make([]int16, filters)
			for f := range h.Out[k] {
				h.Out[k][f] = int16(random.IntN(1 << 16))
			}
		}
		for f := range h.Bias {
			h.Bias[f] = int16(random.IntN(2*maxBias+1) - maxBias)
		}
		require.NoError(t, h.validate())
		rows := make([]byte, h.bytes())
		for i := range rows {
			switch rows[i] = byte(random.IntN(256)); round % 3 {
			case 0:
				rows[i] = 0
			case 1:
				rows[i] = 255
			}
		}
		n := newNet(h, rows)
		tokens := make([]netToken, random.IntN(40))
		for i := range tokens {
			tokens[i] = netToken{uint32(random.IntN(1 << minBits)), uint8(random.IntN(lexRows))}
		}
		got := n.judge(tokens)
		if len(tokens) == 0 {
			assert.Zero(t, got)
			continue
		}
		assert.Equal(t, plainNet(n, tokens), got)
	}
}

// TestNetLearnsWhatWordsSayTogether: "not good" and "good" differ in no single word that a
// sum could judge ("not bad" is good); the net learns it, and what runs answers like what was trained.
func TestNetLearnsWhatWordsSayTogether(t *testing.T) {
	lex, err := NewLexicon()
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(3, 4))
	var rows []Row
	for range 3000 {
		first, second := random.IntN(2), random.IntN(2)
		text := "qua " + []string{"zub", "vek"}[first] + " " + []string{"dorp", "miln"}[second] + strings.Repeat(" qua", random.IntN(4))
		rows = append(rows, Row{Label: 2 * (first ^ second), Lang: "en", Source: "semeval", Text: text})
	}
	s := DefaultSettings()
	s.Bits, s.Net.Bits, s.Folds = 10, 10, 2
	s.Net.Drop = 0.05
	trained := newTrainer(s, lex, rows)
	float, err := trained.fitNet(context.Background(), noFold)
	require.NoError(t, err)
	n := newNet(float.quantized())
	for i := range rows[:400] {
		want := float.judge(&trained.rows[i])
		got := n.judge(trained.rows[i].tokens)
		assert.Equal(t, rows[i].Label == Positive, got[Positive] > got[Negative], rows[i].Text)
		for k := range got {
			assert.InDelta(t, want[k], got[k], 0.3, "in int8 as in float32: %s", rows[i].Text)
		}
	}
}

func TestNetReadsNoWordsWithoutSpaces(t *testing.T) {
	lex, err := NewLexicon()
	require.NoError(t, err)
	x := NewExtractor(lex, 20)
	for text, want := range map[string]int{"so good 😍": 3, "很好!": 1, "정말 좋아요 :)": 1, "добрый день": 2, "": 0} {
		x.Extract("en", text)
		assert.Len(t, x.netTokens(nil, 10), want, text)
	}
}

func TestNetHeaderIsChecked(t *testing.T) {
	good := netHeader{Bits: 10, Out: [classes][]int16{make([]int16, filters), make([]int16, filters), make([]int16, filters)}}
	require.NoError(t, good.validate())
	require.NoError(t, netHeader{}.validate(), "a model without a net")
	for name, spoil := range map[string]func(*netHeader){
		"too few rows":     func(h *netHeader) { h.Bits = 3 },
		"too many rows":    func(h *netHeader) { h.Bits = maxNetBits + 1 },
		"a filter missing": func(h *netHeader) { h.Out[1] = h.Out[1][1:] },
		"a bias too great": func(h *netHeader) { h.Bias[3] = maxBias + 1 },
	} {
		bad := good
		spoil(&bad)
		assert.Error(t, bad.validate(), name)
	}
}
