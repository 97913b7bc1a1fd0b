package pipeline

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodePostGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/posts/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 8)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			var got Post
			repairs, err := DecodePost(data, &got)
			require.NoError(t, err)
			assert.Empty(t, repairs)
			require.NoError(t, got.Validate())

			var want Post
			require.NoError(t, json.Unmarshal(data, &want))
			want.fill()
			assert.Equal(t, want, got)

			encoded := got.AppendJSON(nil)
			assert.Equal(t, stdlibJSON(t, &got), string(encoded))
			var again Post
			_, err = DecodePost(encoded, &again)
			require.NoError(t, err)
			assert.Equal(t, got, again)
		})
	}
}

// stdlibJSON is the oracle of the encoder: encoding/json, but for what it escapes
// for the sake of HTML and JavaScript.
func stdlibJSON(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	require.NoError(t, e.Encode(v))
	return strings.TrimSuffix(b.String(), "\n")
}

func TestDecodePostFields(t *testing.T) {
	rating, lat := Rating(0.5), 52.52
	tests := []struct {
		name, json string
		want       Post
		repairs    []string
	}{
		{name: "what may be left out", json: `{}`, want: Post{V: 1, Op: OpCreate, Kind: KindPost}},
		{
			name: "null is absent",
			json: `{"v":null,"op":null,"scope":null,"kind":null,"author":null,"metrics":null,"geo":null,"text":null,"created_at":null,"hashtags":null,"media":null,"rating":null,"simulated":null}`,
			want: Post{V: 1, Op: OpCreate, Kind: KindPost},
		},
		{name: "nulls in lists", json: `{"hashtags":[null,"a",null],"media":[null,{"url":"u"},{}]}`,
			want: Post{V: 1, Op: OpCreate, Kind: KindPost, Hashtags: []string{"a"}, Media: []Media{{URL: "u"}, {}}}},
		{name: "delete is of a post", json: `{"op":"delete"}`, want: Post{V: 1, Op: OpDelete, Kind: KindPost, Scope: ScopePost}},
		{
			name: "last one wins, as a whole",
			json: `{"id":"a","author":{"id":"x","name":"n"},"author":{"id":"y"},"id":"b","rating":1,"rating":0.5,"hashtags":["a"],"hashtags":[],"geo":{"lat":1},"geo":{"lat":52.52}}`,
			want: Post{V: 1, Op: OpCreate, Kind: KindPost, ID: "b", Author: Author{ID: "y"}, Rating: &rating, Geo: Geo{Lat: &lat}},
		},
		{
			name: "null undoes an earlier value", json: `{"text":"a","text":null,"rating":1,"rating":null}`,
			want: Post{V: 1, Op: OpCreate, Kind: KindPost},
		},
		{
			name: "unknown fields of every sort",
			json: `{"x":1,"y":[{"a":"b\n"},[],{},null,true,false,-1.5e3],"Text":"no","author":{"z":{}},"metrics":{"z":[]},"geo":{"z":0},"media":[{"z":1}],"id":"a"}`,
			want: Post{V: 1, Op: OpCreate, Kind: KindPost, ID: "a", Media: []Media{{}}},
		},
		{name: "white space", json: " {\t\"id\"\r\n: \"a\" , \"hashtags\" : [ \"b\" , \"c\" ] } \n",
			want: Post{V: 1, Op: OpCreate, Kind: KindPost, ID: "a", Hashtags: []string{"b", "c"}}},
		{name: "escaped key and value", json: `{"te\u0078t":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`,
			want: Post{V: 1, Op: OpCreate, Kind: KindPost, Text: "\"\\/\b\f\n\r\té😀"}},
		{name: "whole numbers of tools that know floats alone", json: `{"metrics":{"likes":12.0,"views":1.5e3}}`,
			want: Post{V: 1, Op: OpCreate, Kind: KindPost, Metrics: Metrics{Likes: 12, Views: 1500}}},
		{
			name: "repairs", json: "{\"text\":\"a\xffb\xc3\",\"title\":\"a\\u0000b\",\"author\":{\"name\":\"\\ud800x\"},\"hashtags\":[\"\xfe\",\"ok\",\"\xfe\"],\"x\":\"\xff\"}",
			want: Post{V: 1, Op: OpCreate, Kind: KindPost, Text: "a\uFFFDb\uFFFD", Title: "a\uFFFDb", Author: Author{Name: "\uFFFDx"},
				Hashtags: []string{"\uFFFD", "ok", "\uFFFD"}},
			repairs: []string{
				"text: invalid UTF-8 replaced", "title: NUL replaced",
				"author.name: lone surrogate replaced", "hashtags: invalid UTF-8 replaced",
			},
		},
		{
			name: "surrogates in wrong order", json: `{"text":"\ude00\ud83d \ud83d\ud83d\ude00 \ud83d\n"}`,
			want:    Post{V: 1, Op: OpCreate, Kind: KindPost, Text: "\uFFFD\uFFFD \uFFFD😀 \uFFFD\n"},
			repairs: []string{"text: lone surrogate replaced"},
		},
		{name: "a replacement character that was published is no repair", json: `{"text":"\ufffd�"}`,
			want: Post{V: 1, Op: OpCreate, Kind: KindPost, Text: "\uFFFD\uFFFD"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Post{Text: "left over", Hashtags: []string{"left over"}}
			repairs, err := DecodePost([]byte(tt.json), &got)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.repairs, repairs)
		})
	}
}

func TestDecodePostErrors(t *testing.T) {
	deep := func(n int) string { return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	tests := []struct{ name, json, want string }{
		{"empty", ``, "invalid JSON at byte 0: a value expected"},
		{"null", `null`, "invalid JSON at byte 0: an object expected, not null"},
		{"list", `[]`, "invalid JSON at byte 0: an object expected, not a list"},
		{"trailing garbage", `{} {}`, "invalid JSON at byte 3: something stands behind the object"},
		{"trailing NUL", "{}\x00", "invalid JSON at byte 2: something stands behind the object"},
		{"cut off", `{"id":"a`, "invalid JSON at byte 8: a string is not closed"},
		{"cut off in an escape", `{"id":"a\`, "invalid JSON at byte 8: an escape that JSON does not know"},
		{"no comma", `{"id":"a" "op":"b"}`, "invalid JSON at byte 10: a comma or } expected"},
		{"comma at the end", `{"id":"a",}`, "invalid JSON at byte 10: a field name in quotes expected"},
		{"comma at the end of a list", `{"links":["a",]}`, "invalid JSON at byte 14: a value expected"},
		{"no colon", `{"id" "a"}`, "invalid JSON at byte 6: a colon expected"},
		{"bare word", `{"id":nul}`, "invalid JSON at byte 6: null expected"},
		{"control character", "{\"id\":\"a\nb\"}", "invalid JSON at byte 8: a control character stands in a string without an escape"},
		{"raw NUL", "{\"id\":\"a\x00b\"}", "invalid JSON at byte 8: a control character stands in a string without an escape"},
		{"unknown escape", `{"id":"\x41"}`, "invalid JSON at byte 7: an escape that JSON does not know"},
		{"unknown escape in an unknown field", `{"x":"\u12g4"}`, "invalid JSON at byte 6: an escape that JSON does not know"},
		{"number without digits", `{"v":-}`, "invalid JSON at byte 6: a digit expected"},
		{"leading zero", `{"v":01}`, "invalid JSON at byte 6: a comma or } expected"},
		{"object without end", `{"x":{"y":[1,2}}`, "invalid JSON at byte 14: a comma or ] expected"},
		{"string wanted", `{"id":123}`, "id is a number; write a string in quotes"},
		{"string wanted in a list", `{"hashtags":["a",{}]}`, "hashtags is an object; write a string in quotes"},
		{"list wanted", `{"hashtags":"a"}`, "hashtags is a string; write a list"},
		{"object wanted", `{"author":"a"}`, "author is a string; write an object"},
		{"number wanted", `{"metrics":{"likes":"12"}}`, "metrics.likes is a string; write a whole number"},
		{"fraction", `{"metrics":{"likes":1.5}}`, "metrics.likes is not a whole number of 64 bits; write a whole number"},
		{"overflow", `{"metrics":{"likes":9223372036854775808}}`, "metrics.likes is not a whole number of 64 bits; write a whole number"},
		{"boolean wanted", `{"simulated":1}`, "simulated is a number; write true or false"},
		{"too large a float", `{"geo":{"lat":1e999}}`, "geo.lat is too large a number; write one within its range"},
		{"number wanted, list found", `{"rating":[]}`, "rating is a list; write a number"},
		{"time", `{"created_at":"yesterday"}`, `created_at is not a time of the years 0001 to 9999: "yesterday"; write RFC 3339, such as 2006-01-02T15:04:05.000Z`},
		{"time as a number", `{"author":{"created_at":1}}`, "author.created_at is a number; write a string in quotes"},
		{"too deep", deep(maxDepth + 1), "x nests deeper than 64 levels; leave it out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p Post
			_, err := DecodePost([]byte(tt.json), &p)
			require.EqualError(t, err, tt.want)
			var syntax *SyntaxError
			isObject := json.Valid([]byte(tt.json)) && strings.HasPrefix(tt.json, "{")
			assert.Equal(t, isObject, !errors.As(err, &syntax), "a syntax error is one, and a field's error is none")
		})
	}
	var p Post
	_, err := DecodePost([]byte(deep(maxDepth)), &p)
	require.NoError(t, err)
}

func TestDecodePostCopiesNothing(t *testing.T) {
	data := []byte(`{"platform":"x","id":"1","text":"` + strings.Repeat("日本語", 1000) + `"}`)
	var p Post
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := DecodePost(data, &p); err != nil {
			t.Error(err)
		}
	}))
}

// Every byte stops the scan, or does not, at every place in and behind a machine word.
func TestPlain(t *testing.T) {
	for at := range 20 {
		for c := range 256 {
			b := []byte(strings.Repeat("~", 20))
			b[at] = byte(c)
			end, high := plain(b, 1)
			stops := at > 0 && (c == '"' || c == '\\' || c < ' ')
			if stops {
				assert.Equal(t, at, end, "%d at %d", c, at)
			} else {
				assert.Len(t, b, end, "%d at %d", c, at)
			}
			assert.Equal(t, at > 0 && c >= 0x80, high, "%d at %d", c, at)
		}
	}
	end, high := plain([]byte("abc\"\xff......"), 0)
	assert.Equal(t, 3, end)
	assert.False(t, high, "what stands behind the end does not count")
}

func TestAppendJSONMends(t *testing.T) {
	nan := Rating(0)
	nan /= nan
	p := Post{
		Platform: "x", ID: "\xff1", Text: "a\xc3\x28b\x00c\u2028\x7f\x1f", CreatedAt: maxTime + 1, SeenAt: maxTime, Rating: &nan,
		Media: []Media{{}, {Alt: `"\`}},
	}
	data := p.AppendJSON([]byte("kept "))
	assert.Equal(t, `kept {"v":1,"op":"create","platform":"x","id":"`+"\uFFFD"+`1","text":"a`+"\uFFFD"+`(b\u0000c`+"\u2028\x7f"+
		`\u001f","seen_at":"9999-12-31T23:59:59.999Z","media":[{},{"alt":"\"\\"}]}`, string(data))
	assert.True(t, json.Valid(data[len("kept "):]))
}
