package pipeline

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

func TestMessagesGolden(t *testing.T) {
	var d DeadLetter
	require.NoError(t, DecodeDeadLetter(golden(t, "dead-letter.json"), &d))
	assert.Equal(t, `{"id":`, string(d.Payload))
	assert.JSONEq(t, string(golden(t, "dead-letter.json")), string(d.AppendJSON(nil)))

	var e CoverageEvent
	require.NoError(t, DecodeCoverageEvent(golden(t, "coverage.json"), &e))
	assert.Equal(t, CoverageLimited, e.State)
	assert.JSONEq(t, string(golden(t, "coverage.json")), string(e.AppendJSON(nil)))

	var m MentionMessage
	require.NoError(t, DecodeMentionMessage(golden(t, "mention.json"), &m))
	assert.Equal(t, Positive, m.Toward.Label)
	assert.JSONEq(t, string(golden(t, "mention.json")), string(m.AppendJSON(nil)))
	assert.Equal(t, "kept {", string(m.AppendJSON([]byte("kept "))[:6]))
}

func TestNewMentionMessage(t *testing.T) {
	r := Record{
		Post: Post{
			Platform: "x", ID: "1", Kind: KindReview, Source: "s", Channel: "c", URL: "u", Author: Author{ID: "a"},
			CreatedAt: 1, SeenAt: 1709210096789, Simulated: true,
		},
		Position: Position{Epoch: Epoch{0xab, 15: 1}, Topic: "posts", Partition: 3, Offset: 7},
		Language: Language{Code: "en", Confidence: 0.5},
	}
	m := Mention{Brand: "Acme", Via: ViaReply}
	assert.Equal(t, MentionMessage{
		V: 1, LabelSet: LiveLabels, Platform: "x", ID: "1", Kind: KindReview, Source: "s", Channel: "c", URL: "u", AuthorID: "a",
		EventTime: 1709210096789, SeenAt: 1709210096789, Language: r.Language, Mention: m,
		Epoch: "ab000000000000000000000000000001", Topic: "posts", Partition: 3, Offset: 7, Simulated: true,
	}, NewMentionMessage(LiveLabels, &r, &m))
}

func TestDecodeMessageErrors(t *testing.T) {
	d := DeadLetter{ID: "kept"}
	require.ErrorContains(t, DecodeDeadLetter([]byte(`{"id":"x"} {}`), &d), "pipeline: decode dead letter: ")
	require.ErrorContains(t, DecodeDeadLetter([]byte(`{"id":"x","size":"1"}`), &d), "size")
	assert.Equal(t, DeadLetter{ID: "kept"}, d, "a failed decode leaves no half")
	var e CoverageEvent
	require.ErrorContains(t, DecodeCoverageEvent([]byte(`{"at":1}`), &e), "pipeline: decode coverage event: ")
	var m MentionMessage
	require.ErrorContains(t, DecodeMentionMessage(nil, &m), "pipeline: decode mention: ")
}

func FuzzDecodeDeadLetter(f *testing.F) {
	f.Add(golden(f, "dead-letter.json"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzMessage(t, data, DecodeDeadLetter, (*DeadLetter).AppendJSON) })
}

func FuzzDecodeCoverageEvent(f *testing.F) {
	f.Add(golden(f, "coverage.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzMessage(t, data, DecodeCoverageEvent, (*CoverageEvent).AppendJSON)
	})
}

func FuzzDecodeMentionMessage(f *testing.F) {
	f.Add(golden(f, "mention.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzMessage(t, data, DecodeMentionMessage, (*MentionMessage).AppendJSON)
	})
}

// fuzzMessage checks that what can be read is written back to the same JSON.
func fuzzMessage[T any](t *testing.T, data []byte, decode func([]byte, *T) error, encode func(*T, []byte) []byte) {
	t.Helper()
	var first, second T
	if decode(data, &first) != nil {
		return
	}
	encoded := encode(&first, nil)
	require.True(t, json.Valid(encoded))
	require.NoError(t, decode(encoded, &second))
	require.Equal(t, string(encoded), string(encode(&second, nil)))
}
