package pipeline

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzDecodePost holds the decoder against encoding/json: the same documents are
// well-formed, and every field has the same value, given the rules of DecodePost.
func FuzzDecodePost(f *testing.F) {
	files, err := filepath.Glob("testdata/posts/*.json")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"text":"\ud83d\ude00\ud800\u0000\n","v":1.0,"hashtags":[null,"a"],"author":{"id":"a"},"author":null,"x":[[{}]]}`))
	f.Add([]byte("{\"text\":\"\xff\",\"created_at\":\"2024-02-29T23:59:60+14:00\",\"geo\":{\"lat\":-0.0,\"lon\":1e-7},\"rating\":3.5}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got Post
		_, err := DecodePost(data, &got)
		var syntax *SyntaxError
		switch {
		case errors.As(err, &syntax):
			require.False(t, json.Valid(data) && strings.HasPrefix(strings.TrimLeft(string(data), " \t\r\n"), "{"),
				"well-formed, but: %v", err)
			return
		case err != nil:
			var field *FieldError
			require.ErrorAs(t, err, &field)
			require.NotEmpty(t, field.Problem)
			return
		}
		require.True(t, json.Valid(data), "malformed, but read")
		if want, ok := stdlibPost(data); ok {
			require.Equal(t, want, got)
		}
		encoded := got.AppendJSON(nil)
		var again Post
		repairs, err := DecodePost(encoded, &again)
		require.NoError(t, err)
		require.Empty(t, repairs)
		require.Equal(t, got, again)
	})
}

// stdlibPost decodes data by encoding/json, after it has applied the rules in which
// DecodePost differs: exact names, the last of two wins as a whole, no nulls in lists,
// no NUL. It reports false for whole numbers written as floats, which encoding/json
// refuses.
func stdlibPost(data []byte) (p Post, ok bool) {
	top := exact(data, "v op scope platform id kind source channel author title text lang url created_at edited_at seen_at "+
		"parent_id parent_author root_id root_author repost_of repost_author quote_of quote_author "+
		"hashtags handles links media metrics geo rating simulated")
	nested := func(name, fields string) {
		if raw, ok := top[name]; ok && string(raw) != "null" {
			top[name] = remarshal(exact(raw, fields))
		}
	}
	nested("author", "id handle name followers following posts verified bot location created_at")
	nested("metrics", "likes reposts replies quotes views")
	nested("geo", "country region city lat lon")
	for _, name := range []string{"hashtags", "handles", "links", "media"} {
		var list, kept []json.RawMessage
		if json.Unmarshal(top[name], &list) != nil || list == nil {
			delete(top, name)
			continue
		}
		for _, raw := range list {
			switch {
			case string(raw) == "null":
			case name == "media":
				kept = append(kept, remarshal(exact(raw, "kind url alt")))
			default:
				kept = append(kept, raw)
			}
		}
		if delete(top, name); kept != nil {
			top[name] = remarshal(kept)
		}
	}
	if json.Unmarshal(remarshal(top), &p) != nil {
		return p, false
	}
	p.fill()
	return withoutNUL(p), true
}

func exact(data []byte, names string) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(data, &all) != nil {
		return nil
	}
	known := make(map[string]json.RawMessage)
	for name := range strings.FieldsSeq(names) {
		if raw, ok := all[name]; ok {
			known[name] = raw
		}
	}
	return known
}

func remarshal(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func withoutNUL(p Post) Post {
	mend := func(s *string) { *s = strings.ReplaceAll(*s, "\x00", "\uFFFD") }
	for name := range strings.FieldsSeq("platform id source channel title text lang url parent_id parent_author " +
		"root_id root_author repost_of repost_author quote_of quote_author") {
		mend(p.stringField(name))
	}
	for _, s := range []*string{
		(*string)(&p.Op), (*string)(&p.Scope), (*string)(&p.Kind), &p.Author.ID, &p.Author.Handle, &p.Author.Name,
		&p.Author.Location, &p.Geo.Country, &p.Geo.Region, &p.Geo.City,
	} {
		mend(s)
	}
	for _, list := range [][]string{p.Hashtags, p.Handles, p.Links} {
		for i := range list {
			mend(&list[i])
		}
	}
	for i := range p.Media {
		mend(&p.Media[i].Kind)
		mend(&p.Media[i].URL)
		mend(&p.Media[i].Alt)
	}
	return p
}

// FuzzPostRoundTrip holds the encoder against encoding/json byte by byte, and against
// the decoder.
func FuzzPostRoundTrip(f *testing.F) {
	f.Add("bluesky", "1", "text 日本語 😀 \"\\\n\t\x01", "Marie", "tag", int64(12), int64(1709210096789), 52.5, float32(0.7), true)
	f.Add("x", "\xff", "\x00\xc3(", "", "\u2028<&>", int64(-1), int64(minTime), 1e-7, float32(1e22), false)
	f.Add("x", "1", "a", "b", "c", int64(0), int64(1), 1e-7, float32(1e-7), false)
	f.Add("x", "1", "a", "b", "c", int64(0), int64(1), 1e21, float32(1e-10), false)
	f.Add("x", "1", "a", "b", "c", int64(0), int64(1), 1e-6, float32(1e-6), false)
	f.Fuzz(func(t *testing.T, platform, id, text, name, tag string, n, ms int64, lat float64, rating float32, flag bool) {
		r := Rating(rating)
		p := Post{
			V: PostVersion, Op: OpUpdate, Kind: KindQuote, Scope: ScopePost, Platform: platform, ID: id, Text: text,
			Author:    Author{Name: name, Followers: n, Verified: flag, CreatedAt: Time(ms)},
			CreatedAt: Time(ms), ParentID: tag, Hashtags: []string{tag, name, ""}, Media: []Media{{}, {Alt: tag}},
			Metrics: Metrics{Views: n}, Geo: Geo{City: name, Lat: &lat}, Rating: &r, Simulated: flag,
		}
		data := p.AppendJSON(nil)
		require.True(t, json.Valid(data))
		var got Post
		_, err := DecodePost(data, &got)
		require.NoError(t, err)
		again := got.AppendJSON(nil)
		var third Post
		repairs, err := DecodePost(again, &third)
		require.NoError(t, err)
		require.Empty(t, repairs)
		require.Equal(t, got, third)
		if want, err := json.Marshal(&p); err == nil && Time(ms).writable() {
			var viaStdlib Post
			_, err = DecodePost(want, &viaStdlib)
			require.NoError(t, err)
			require.Equal(t, viaStdlib, got)
			if !strings.ContainsAny(text+name+tag+id+platform, "<>&\x00\b\f\u2028\u2029\uFFFD") && validAll(text, name, tag, id, platform) {
				require.Equal(t, string(want), string(data))
				require.Equal(t, p, got)
			}
		}
	})
}

func validAll(list ...string) bool {
	for _, s := range list {
		if strings.ToValidUTF8(s, "") != s {
			return false
		}
	}
	return true
}
