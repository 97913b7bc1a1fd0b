package language

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFormat(t *testing.T) {
	in := []Group{{
		Script: Latin, Codes: []string{"aa", "bb"}, Letters: []rune{'a', 'b'},
		Keys: []uint64{Pack([]byte{1}), Pack([]byte{1, 2}), Pack([]byte{2})}, Rows: []byte{0, 1, 2, 3, 0, 1},
	}}
	var out bytes.Buffer
	require.NoError(t, Encode(&out, in))
	got, err := Decode(out.Bytes())
	require.NoError(t, err)
	assert.Equal(t, in, got)
	_, err = Decode(out.Bytes()[:out.Len()-3])
	require.Error(t, err)
	table := newTable(&got[0])
	assert.Equal(t, uint64(0x0001), table.rows[table.find(Pack([]byte{1, 2}))])
	assert.Negative(t, table.find(Pack([]byte{2, 2})))
}

// TestNothingIsAllocated for a post.
func TestNothingIsAllocated(t *testing.T) {
	d, err := New()
	require.NoError(t, err)
	all := d.NewCandidates(nil)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		d.Detect("A title", "My new phone broke after two days, @acme. Мой новый телефон сломался https://example.com", "en", all)
	}))
}

// FuzzDetect asks for an answer that is one of the candidates, and the same again.
func FuzzDetect(f *testing.F) {
	d, err := New()
	require.NoError(f, err)
	some := d.NewCandidates([]string{"en", "de", "ru", "zh"})
	for _, text := range []string{"", "My phone", "\xed\xa0\x80", "Z\u0351\u036b\u0343\u036aa\u0302\u036b", "&amp;\\u2019 #a_b @c", "\u202eabc", "https://x.y"} {
		f.Add(text, "en")
	}
	f.Fuzz(func(t *testing.T, text, claim string) {
		a := d.Detect("", text, claim, some)
		assert.Contains(t, []string{"", "en", "de", "ru", "zh"}, a.Code)
		assert.Equal(t, a, d.Detect("", text, claim, some))
		assert.LessOrEqual(t, a.Letters, MaxBytes)
	})
}
