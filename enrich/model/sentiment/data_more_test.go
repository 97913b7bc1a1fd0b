package sentiment

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOtherLabelsTellSentiment(t *testing.T) {
	name := filepath.Join(t.TempDir(), "emotion.tsv")
	require.NoError(t, os.WriteFile(name, []byte("joy\ten\tx\tso glad\n"+
		"anger,sadness\ten\tx\tso bad\nnone\ten\tx\tat nine\njoy,fear\ten\tx\tboth\nsurprise\ten\tx\toh\njoy,surprise\ten\tx\ta gift\n"), 0o600))
	rows, err := readOther(name, "emotion-x", 4, emotion)
	require.NoError(t, err)
	row := func(label int, text string) Row { return Row{label, "en", "emotion-x", text} }
	assert.Equal(t, []Row{row(Positive, "so glad"), row(Negative, "so bad"), row(Neutral, "at nine"), row(Positive, "a gift")}, rows)

	name = filepath.Join(t.TempDir(), "aspect.tsv")
	require.NoError(t, os.WriteFile(name, []byte("2\ten\tx\tfood\t\tgood soup\n1\ten\tx\tplace\t\tgood soup\n"+
		"2\ten\tx\tfood\t\tgood soup, rude staff\n0\ten\tx\tstaff\t\tgood soup, rude staff\n3\ten\tx\tfood\t\tmixed\n-\ten\tx\t-\t\ta table\n"), 0o600))
	rows, err = readOther(name, "emotion-x", 6, aspect)
	require.NoError(t, err)
	assert.Equal(t, []Row{row(Positive, "good soup"), row(Neutral, "a table")}, rows)

	_, err = readOther(name, "x", 7, aspect)
	assert.ErrorContains(t, err, "aspect.tsv:1: 6 columns instead of 7")
}

func TestOnlyNewRowsAreAdded(t *testing.T) {
	d := &Data{Train: []Row{{Text: "So good!"}}}
	d.addNew([]Row{{Text: "so good @you"}, {Text: "bad"}, {Text: "BAD"}})
	assert.Equal(t, []Row{{Text: "So good!"}, {Text: "bad"}}, d.Train)
}
