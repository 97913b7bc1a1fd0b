package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
	"earshot/pipeline/collect/collecttest"
	"earshot/pipeline/collect/file"
)

// exports are the files of testdata/preset, with the settings that they need.
func exports() map[string]func(*file.Config) {
	as := func(name string, more ...func(*file.Config)) func(*file.Config) {
		return func(c *file.Config) {
			c.Preset = name
			for _, set := range more {
				set(c)
			}
		}
	}
	order := func(s string) func(*file.Config) { return func(c *file.Config) { c.DateOrder = s } }
	zone := func(s string) func(*file.Config) { return func(c *file.Config) { c.TimeZone = s } }
	return map[string]func(*file.Config){
		"brandwatch.csv":         as(file.Brandwatch),
		"brandwatch-x.csv":       as(file.Brandwatch),
		"talkwalker.csv":         as(file.Talkwalker, order("dmy"), zone("Europe/Rome")),
		"meltwater.csv":          as(file.Meltwater, zone("Europe/London")),
		"meltwater-document.csv": as(file.Meltwater, order("mdy"), zone("America/New_York")),
		"4cat-x.csv":             as(file.FourCAT),
		"4cat-bluesky.csv":       as(file.FourCAT),
		"4cat-reddit.csv":        as(file.FourCAT),
		"4cat-telegram.csv":      as(file.FourCAT),
		"4cat-instagram.csv":     as(file.FourCAT),
		"4cat-tiktok.csv":        as(file.FourCAT),
		"RC_2019-12.ndjson":      as(file.Pushshift),
	}
}

func TestPresets(t *testing.T) {
	files, err := filepath.Glob("testdata/preset/*.golden")
	require.NoError(t, err)
	assert.Len(t, exports(), len(files))
	for name, set := range exports() {
		t.Run(name, func(t *testing.T) {
			k := &collecttest.Kafka{}
			load(t, k, open(t, filepath.Join("testdata/preset", name), set))
			collecttest.Wanted(t, filepath.Join("testdata/preset", name+".golden"), outcome(k))
		})
	}
}

func TestPresetsTellWhatTheyLeaveOut(t *testing.T) {
	src := open(t, "testdata/preset/meltwater.csv", exports()["meltwater.csv"])
	assert.Contains(t, src.Columns(), "preset meltwater: ")
	assert.Contains(t, src.Columns(), "left out are reach, desktop reach")
}

func TestAPresetThatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		name, preset, content string
		wants                 []string
	}{
		{"export.csv", file.Brandwatch, "Date,Author,Snippet\n2026-01-01,a,b\n", []string{"preset brandwatch: no header", "the column url or resource id or mention id is missing", "date, author, snippet"}},
		{"export.csv", file.Talkwalker, "url,title\n", []string{"the column published is missing"}},
		{"export.csv", file.FourCAT, "", []string{"the column id, and body, and timestamp or unix_timestamp is missing"}},
		{"export.xlsx", file.Meltwater, "PK", []string{"is a workbook", "save it as CSV"}},
		{"export.csv.zip", file.Brandwatch, "PK", []string{"unpack it"}},
		{"export.ndjson", file.FourCAT, "{}", []string{"4cat reads the CSV that the tool exports, not ndjson"}},
		{"RC_2020-01.csv", file.Pushshift, "{}", []string{"pushshift reads the NDJSON of the dumps"}},
		{"export.csv", "sprinklr", "a", []string{`"sprinklr" is none of`, file.Brandwatch}},
	} {
		config := file.DefaultConfig()
		config.Path, config.Preset = write(t, c.name, []byte(c.content)), c.preset
		_, err := file.Open(config)
		require.Error(t, err, c.name)
		for _, want := range c.wants {
			assert.ErrorContains(t, err, want)
		}
	}
}

func TestAPresetWithColumnsOfOnesOwn(t *testing.T) {
	k := &collecttest.Kafka{}
	load(t, k, open(t, "testdata/preset/brandwatch.csv", func(c *file.Config) {
		c.Preset = file.Brandwatch
		c.Columns = map[string]string{"metrics.views": "Reach (new)", "author.location": file.Ignore, "channel": "query name"}
	}))
	first := k.Records()[0].Post
	assert.Zero(t, first.Metrics.Views)
	assert.Empty(t, first.Author.Location)
	assert.Equal(t, "Examplo", first.Channel)
	config := file.DefaultConfig()
	config.Path, config.Preset, config.Columns = "testdata/preset/brandwatch.csv", file.Brandwatch, map[string]string{"channel": "Nowhere"}
	_, err := file.Open(config)
	require.ErrorContains(t, err, `no column is headed "Nowhere"`)
}

func TestDatesOfNumbersNeedTheirOrder(t *testing.T) {
	for order, want := range map[string]string{"dmy": "2026-04-03T12:15:00.000Z", "mdy": "2026-03-04T12:15:00.000Z"} {
		for _, date := range []string{"3/4/2026 12:15", "03.04.26 12:15:00", "3-4-2026 12:15 pm", "3/4/2026, 12:15 PM"} {
			k := &collecttest.Kafka{}
			load(t, k, open(t, write(t, "a.csv", fmt.Appendf(nil, "id,text,created_at\n1,a,\"%s\"\n", date)), func(c *file.Config) { c.DateOrder = order }))
			require.Len(t, k.Records(), 1, "%s %v", date, k.Letters())
			assert.Equal(t, want, k.Records()[0].Post.CreatedAt.String(), date)
		}
	}
	k := &collecttest.Kafka{}
	load(t, k, open(t, write(t, "a.csv", []byte("id,text,created_at\n1,a,3/4/2026\n"))))
	require.Len(t, k.Letters(), 1)
	assert.Contains(t, k.Letters()[0].Reason, "set date_order to dmy or mdy")
}

// The window of a frame decides how much memory unpacking takes: what asks for more than
// 2 GiB is refused before it is taken.
func TestAWindowOfMoreThanTwoGiBIsRefused(t *testing.T) {
	frame := []byte{0x28, 0xB5, 0x2F, 0xFD, 0x00, 22 << 3, 0x01, 0x00, 0x00} // window 2^(10+22), RFC 8878 section 3.1.1.1.2; an empty last block
	config := file.DefaultConfig()
	config.Path, config.Preset = write(t, "RC_2026-01.zst", frame), file.Pushshift
	_, err := file.Open(config)
	require.ErrorContains(t, err, "window size exceeded")
	var permanent interface{ Permanent() bool }
	require.ErrorAs(t, err, &permanent)
}

const presetLines = 2100 // three batches

func TestContractOfPresets(t *testing.T) {
	for name, preset := range map[string]string{"export.csv": file.Brandwatch, "RC_2026-01.zst": file.Pushshift} {
		t.Run(preset, func(t *testing.T) {
			if testing.Short() && preset == file.Pushshift {
				t.Skip("objects of JSON take their time; their way is that of every NDJSON")
			}
			var b strings.Builder
			want, refused := map[string]int{}, 0
			if preset == file.Brandwatch {
				b.WriteString("\"Report:\",\"Bulk Mentions Download\"\r\n\r\nDate;Url;Full Text;X Likes\r\n")
			}
			for i := range presetLines {
				bad := i%700 == 99
				if preset == file.Brandwatch {
					likes := map[bool]string{true: "many", false: "3"}[bad]
					fmt.Fprintf(&b, "2026-01-01 00:00:00.0;https://x.com/a/status/%d;\"line\r\none\";%s\r\n", i, likes)
				} else if bad {
					b.WriteString("{\"id\":\"x\"}\n")
				} else {
					fmt.Fprintf(&b, `{"id":"%d","link_id":"t3_a","parent_id":"t3_a","body":"b","author":"c","subreddit":"d","created_utc":1767225600}`+"\n", i)
				}
				if bad {
					refused++
				} else {
					want[map[string]string{file.Brandwatch: "x/", file.Pushshift: "reddit/t1_"}[preset]+fmt.Sprint(i)]++
				}
			}
			content := []byte(b.String())
			if preset == file.Pushshift {
				content = zstandard(t, content)
			}
			path := write(t, name, content)
			collecttest.Source(t, collecttest.Case{Want: want, Refused: refused, New: func(t testing.TB) pipeline.Source {
				return open(t, path, func(c *file.Config) { c.Preset = preset })
			}})
		})
	}
}

// Whatever a table holds, each of its records becomes a post or a dead letter.
func FuzzPresets(f *testing.F) {
	for name := range exports() {
		content, err := os.ReadFile(filepath.Join("testdata/preset", name))
		require.NoError(f, err)
		f.Add(content, name)
	}
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		set, ok := exports()[name]
		if !ok {
			return
		}
		c := file.DefaultConfig()
		set(&c)
		c.Path = filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(c.Path, content, 0o600))
		src, err := file.Open(c)
		if err != nil {
			return
		}
		var s collecting
		if src.Run(t.Context(), nil, &s) == nil {
			for i := range s.posts {
				require.NoError(t, s.posts[i].Validate())
			}
			assert.EqualValues(t, src.Counters().Read, len(s.posts)+len(s.refused))
		}
	})
}
