package pipeline

import (
	"math"
	"strconv"
)

// AppendJSON appends the post as one JSON object, which DecodePost reads back to the
// same post. A missing version and op are written as what they count as. What JSON
// cannot hold is mended: invalid UTF-8 becomes U+FFFD, times outside the years 0001
// to 9999 and numbers that are not finite are left out (Validate names them).
func (p *Post) AppendJSON(dst []byte) []byte {
	v, op := p.V, p.Op
	if v == 0 {
		v = PostVersion
	}
	if op == "" {
		op = OpCreate
	}
	dst = strconv.AppendInt(append(dst, `{"v":`...), int64(v), 10)
	dst = appendText(dst, `,"op":`, string(op))
	dst = appendText(dst, `,"scope":`, string(p.Scope))
	dst = appendString(append(dst, `,"platform":`...), p.Platform)
	dst = appendString(append(dst, `,"id":`...), p.ID)
	dst = appendText(dst, `,"kind":`, string(p.Kind))
	dst = appendText(dst, `,"source":`, p.Source)
	dst = appendText(dst, `,"channel":`, p.Channel)
	dst = p.Author.appendTo(dst)
	dst = appendText(dst, `,"title":`, p.Title)
	dst = appendText(dst, `,"text":`, p.Text)
	dst = appendText(dst, `,"lang":`, p.Lang)
	dst = appendText(dst, `,"url":`, p.URL)
	dst = appendTime(dst, `,"created_at":`, p.CreatedAt)
	dst = appendTime(dst, `,"edited_at":`, p.EditedAt)
	dst = appendTime(dst, `,"seen_at":`, p.SeenAt)
	dst = appendText(dst, `,"parent_id":`, p.ParentID)
	dst = appendText(dst, `,"parent_author":`, p.ParentAuthor)
	dst = appendText(dst, `,"root_id":`, p.RootID)
	dst = appendText(dst, `,"root_author":`, p.RootAuthor)
	dst = appendText(dst, `,"repost_of":`, p.RepostOf)
	dst = appendText(dst, `,"repost_author":`, p.RepostAuthor)
	dst = appendText(dst, `,"quote_of":`, p.QuoteOf)
	dst = appendText(dst, `,"quote_author":`, p.QuoteAuthor)
	dst = appendTexts(dst, `,"hashtags":`, p.Hashtags)
	dst = appendTexts(dst, `,"handles":`, p.Handles)
	dst = appendTexts(dst, `,"links":`, p.Links)
	dst = appendMedia(dst, p.Media)
	dst = p.Metrics.appendTo(dst)
	dst = p.Geo.appendTo(dst)
	if p.Rating != nil {
		dst = appendFloat(dst, `,"rating":`, float64(*p.Rating), 32)
	}
	dst = appendTrue(dst, `,"simulated":`, p.Simulated)
	return append(dst, '}')
}

func (a *Author) appendTo(dst []byte) []byte {
	const key = `,"author":`
	begin := len(dst)
	dst = append(dst, key...)
	dst = appendText(dst, `,"id":`, a.ID)
	dst = appendText(dst, `,"handle":`, a.Handle)
	dst = appendText(dst, `,"name":`, a.Name)
	dst = appendInt(dst, `,"followers":`, a.Followers)
	dst = appendInt(dst, `,"following":`, a.Following)
	dst = appendInt(dst, `,"posts":`, a.Posts)
	dst = appendTrue(dst, `,"verified":`, a.Verified)
	dst = appendTrue(dst, `,"bot":`, a.Bot)
	dst = appendText(dst, `,"location":`, a.Location)
	dst = appendTime(dst, `,"created_at":`, a.CreatedAt)
	return closeObject(dst, begin, len(key))
}

func (m *Metrics) appendTo(dst []byte) []byte {
	const key = `,"metrics":`
	begin := len(dst)
	dst = append(dst, key...)
	dst = appendInt(dst, `,"likes":`, m.Likes)
	dst = appendInt(dst, `,"reposts":`, m.Reposts)
	dst = appendInt(dst, `,"replies":`, m.Replies)
	dst = appendInt(dst, `,"quotes":`, m.Quotes)
	dst = appendInt(dst, `,"views":`, m.Views)
	return closeObject(dst, begin, len(key))
}

func (g *Geo) appendTo(dst []byte) []byte {
	const key = `,"geo":`
	begin := len(dst)
	dst = append(dst, key...)
	dst = appendText(dst, `,"country":`, g.Country)
	dst = appendText(dst, `,"region":`, g.Region)
	dst = appendText(dst, `,"city":`, g.City)
	if g.Lat != nil {
		dst = appendFloat(dst, `,"lat":`, *g.Lat, 64)
	}
	if g.Lon != nil {
		dst = appendFloat(dst, `,"lon":`, *g.Lon, 64)
	}
	return closeObject(dst, begin, len(key))
}

// closeObject ends an object whose key begins at begin and whose members each begin
// with a comma: the first comma becomes the brace; without members the key goes.
func closeObject(dst []byte, begin, key int) []byte {
	if len(dst) == begin+key {
		return dst[:begin]
	}
	dst[begin+key] = '{'
	return append(dst, '}')
}

func appendMedia(dst []byte, list []Media) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(dst, `,"media":`...)
	begin := len(dst)
	for i := range list {
		m := &list[i]
		dst = append(dst, ',')
		before := len(dst)
		dst = appendText(dst, `,"kind":`, m.Kind)
		dst = appendText(dst, `,"url":`, m.URL)
		dst = appendText(dst, `,"alt":`, m.Alt)
		if len(dst) == before {
			dst = append(dst, '{')
		}
		dst[before] = '{'
		dst = append(dst, '}')
	}
	dst[begin] = '['
	return append(dst, ']')
}

func appendText(dst []byte, key, s string) []byte {
	if s == "" {
		return dst
	}
	return appendString(append(dst, key...), s)
}

func appendTexts(dst []byte, key string, list []string) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(dst, key...)
	begin := len(dst)
	for _, s := range list {
		dst = appendString(append(dst, ','), s)
	}
	dst[begin] = '['
	return append(dst, ']')
}

func appendInt(dst []byte, key string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, key...), n, 10)
}

func appendTrue(dst []byte, key string, b bool) []byte {
	if !b {
		return dst
	}
	return append(append(dst, key...), "true"...)
}

func appendTime(dst []byte, key string, t Time) []byte {
	if !t.writable() {
		return dst
	}
	dst = append(append(dst, key...), '"')
	return append(t.append(dst), '"')
}

// appendFloat writes the shortest form that reads back the same, with an exponent
// only where ECMAScript (and so encoding/json) has one.
func appendFloat(dst []byte, key string, f float64, size int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst
	}
	dst = append(dst, key...)
	low, high := 1e-6, 1e21
	if size == 32 {
		low, high = float64(float32(low)), float64(float32(high))
	}
	if abs := math.Abs(f); f == 0 || low <= abs && abs < high {
		return strconv.AppendFloat(dst, f, 'f', -1, size)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, size)
	if n := len(dst); dst[n-3] == '-' && dst[n-2] == '0' { // 1e-07 becomes 1e-7
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}
