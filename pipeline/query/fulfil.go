package query

import (
	"bytes"
	"strings"

	"earshot/pipeline"
)

// fulfils reports whether the record fulfils a condition on a field.
func (m *Matcher) fulfils(in *instruction) bool {
	c, p := in.node.cond, &m.record.Post
	switch c.field {
	case "author":
		return m.equal(c, strings.TrimPrefix(p.Author.Handle, "@"))
	case "platform":
		return m.equal(c, p.Platform)
	case "source":
		return m.equal(c, p.Source)
	case "kind":
		return m.equal(c, string(p.Kind))
	case "country":
		return m.equal(c, p.Geo.Country)
	case "lang":
		return sameLanguage(m.language(), c.value)
	case "authorname":
		return m.has(c.words, p.Author.Name)
	case "region":
		return m.has(c.words, p.Geo.Region)
	case "city":
		return m.has(c.words, p.Geo.City)
	case "verified":
		return p.Author.Verified == (c.value == "true")
	case "bot":
		return p.Author.Bot == (c.value == "true")
	case "site":
		return onSite(p.URL, c.value)
	case "url":
		return containsFold(p.URL, c.value)
	case "links":
		return m.links(c.value)
	case "context":
		return c.compares(in.context(m.record))
	default:
		number, ok := figure(c.field, p)
		return ok && c.compares(number)
	}
}

// figure is the number of a field, if the post has it.
func figure(name string, p *pipeline.Post) (float64, bool) {
	switch name {
	case "followers":
		return float64(p.Author.Followers), true
	case "following":
		return float64(p.Author.Following), true
	case "likes":
		return float64(p.Metrics.Likes), true
	case "reposts":
		return float64(p.Metrics.Reposts), true
	case "replies":
		return float64(p.Metrics.Replies), true
	case "quotes":
		return float64(p.Metrics.Quotes), true
	case "views":
		return float64(p.Metrics.Views), true
	default:
		if p.Rating == nil {
			return 0, false
		}
		return float64(*p.Rating), true
	}
}

func (c *condition) compares(number float64) bool {
	if c.field == "rating" {
		// A rating is stored in 32 bits: compare with what 0.4 is there.
		return compare(c.compare, number, float64(float32(c.number)))
	}
	return compare(c.compare, number, c.number)
}

func compare(how string, a, b float64) bool {
	switch how {
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "<":
		return a < b
	case "<=":
		return a <= b
	default:
		return a == b
	}
}

// equal compares a whole field, folded.
func (m *Matcher) equal(c *condition, value string) bool {
	if value == "" {
		return false
	}
	m.buffer = m.side.fold.append(m.buffer[:0], value)
	if c.prefix {
		return bytes.HasPrefix(m.buffer, []byte(c.value))
	}
	return string(m.buffer) == c.value
}

// has looks for tokens that follow one another in a short field.
func (m *Matcher) has(words term, text string) bool {
	const mark = '\x1f' // in no token
	m.buffer = append(m.buffer[:0], mark)
	m.side.reset(text, 0)
	for m.side.next() {
		m.buffer = append(append(m.buffer, m.side.folded...), mark)
	}
	end := len(m.buffer)
	m.buffer = append(m.buffer, mark)
	for _, st := range words {
		m.buffer = append(append(m.buffer, strings.TrimLeft(st.key, "#@")...), mark)
	}
	return bytes.Contains(m.buffer[:end], m.buffer[end:])
}

// onSite reports whether the host of an address is a site or below it.
func onSite(url, site string) bool {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		url = rest
	}
	if end := strings.IndexAny(url, "/?#:"); end >= 0 {
		url = url[:end]
	}
	return len(url) >= len(site) && strings.EqualFold(url[len(url)-len(site):], site) &&
		(len(url) == len(site) || url[len(url)-len(site)-1] == '.')
}

// links looks for an address in what the platform marks and in the words.
func (m *Matcher) links(address string) bool {
	p := &m.record.Post
	for _, link := range p.Links {
		if linksTo(link, address) {
			return true
		}
	}
	return linksTo(p.Title, address) || linksTo(p.Text, address)
}

// linksTo reports whether an address (host, or host and path) stands in text, or one on
// a host or a path below it.
func linksTo(text, address string) bool {
	for from := 0; ; {
		i := indexFold(text[from:], address)
		if i < 0 {
			return false
		}
		begin := from + i
		end := begin + len(address)
		if beginsHost(text[:begin]) && endsAddress(text[end:]) {
			return true
		}
		from = begin + 1
	}
}

// maxHost bounds how far back the beginning of an address is looked for.
const maxHost = 300

func beginsHost(before string) bool {
	if before == "" || strings.HasSuffix(before, "//") {
		return true
	}
	before = before[max(0, len(before)-maxHost):]
	c := before[len(before)-1]
	if c == '.' { // below another host, but not below a path
		host := before[strings.LastIndexAny(before, " \t\n\"'(<>)[]")+1:]
		if _, rest, ok := strings.Cut(host, "://"); ok {
			host = rest
		}
		return !strings.ContainsAny(host, "/@")
	}
	return c != '/' && c != '@' && c != '-' && c != '_' && !isLetter(c) && !isDigit(c)
}

func endsAddress(after string) bool {
	if after == "" {
		return true
	}
	c := after[0]
	if c == '.' && len(after) > 1 {
		return !isLetter(after[1]) && !isDigit(after[1])
	}
	return c != '-' && c != '_' && !isLetter(c) && !isDigit(c)
}

func containsFold(s, lower string) bool { return s != "" && indexFold(s, lower) >= 0 }

// indexFold is strings.Index without regard to the case of ASCII letters; lower is in
// lower case.
func indexFold(s, lower string) int {
	for i := 0; i+len(lower) <= len(s); i++ {
		j := 0
		for j < len(lower) && lowerByte(s[i+j]) == lower[j] {
			j++
		}
		if j == len(lower) {
			return i
		}
	}
	return -1
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
