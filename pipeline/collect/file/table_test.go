package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/file"
)

func TestTheDelimiterIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		posts   int
		text    string // of one of them
	}{
		"comma":                 {"id,text\n1,a;b\n2,c;d\n", 2, "a;b"},
		"semicolon":             {"id;text\n1;so, well\n2;\"two; lines,\nand more\"\n", 2, "two; lines,\nand more"},
		"tab":                   {"id\ttext\n1\tone, two; three\n", 1, "one, two; three"},
		"decimal commas":        {"id;note;text\n1;1,5;good\n2;2,5;bad\n", 2, "good"},
		"quoted from the start": {"\"id\";\"text\"\r\n\"1\";\"first\r\nline\"\r\n", 1, "first\r\nline"},
		"a broken row":          {"id;text\n1;a\n2;b\n3;c\n4;d\n5;e\n6;f\n7;g\n8;h\n9\n", 8, "a"},
		"one column":            {"text\nhello; you\n", 1, "hello; you"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.csv")
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			k := &collecttest.Kafka{}
			load(t, k, open(t, path, func(*file.Config) {}))
			var texts []string
			for _, r := range k.Records() {
				texts = append(texts, r.Post.Text)
			}
			assert.Len(t, texts, c.posts)
			assert.Contains(t, texts, c.text)
		})
	}
}

func TestARowWithoutItsIDIsDeadWhereOthersHaveOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,text\n1,a\n,b\n3,c\n"), 0o600))
	k := &collecttest.Kafka{}
	load(t, k, open(t, path))
	assert.Len(t, k.Records(), 2)
	require.Len(t, k.Letters(), 1)
	assert.Contains(t, k.Letters()[0].Reason, "line 3: id is missing")
}
