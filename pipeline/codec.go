package pipeline

// DecodePost reads one JSON object into p, which it overwrites. The strings of p may
// point into data, so data must not change as long as p lives.
//
// Unknown fields are skipped, null counts as absent, and of a field that stands
// twice the last one counts. A missing v is 1, a missing op is create, a missing
// kind is post, and the scope of a delete is post unless it is stated. Invalid
// UTF-8, lone surrogates and NUL become U+FFFD, and repairs names the field of each.
//
// The error is a *SyntaxError if data is not one JSON object, or a *FieldError if a
// field has the wrong type. Limits and ranges are Validate's job.
func DecodePost(data []byte, p *Post) (repairs []string, err error) {
	*p = Post{}
	s := scanner{data: data}
	for more := s.open("", '{'); more; more = s.more('}') {
		key := s.key()
		if field := p.stringField(key); field != nil {
			*field = s.string(key)
		} else {
			s.postField(key, p)
		}
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	p.fill()
	return s.repairs, nil
}

// fill sets what a producer may leave out.
func (p *Post) fill() {
	if p.V == 0 {
		p.V = PostVersion
	}
	if p.Op == "" {
		p.Op = OpCreate
	}
	if p.Kind == "" {
		p.Kind = KindPost
	}
	if p.Op == OpDelete && p.Scope == "" {
		p.Scope = ScopePost
	}
}

// stringField returns the plain string field of that JSON name, or nil.
func (p *Post) stringField(name string) *string {
	switch name {
	case "platform":
		return &p.Platform
	case "id":
		return &p.ID
	case "source":
		return &p.Source
	case "channel":
		return &p.Channel
	case "title":
		return &p.Title
	case "text":
		return &p.Text
	case "lang":
		return &p.Lang
	case "url":
		return &p.URL
	case "parent_id":
		return &p.ParentID
	case "parent_author":
		return &p.ParentAuthor
	case "root_id":
		return &p.RootID
	case "root_author":
		return &p.RootAuthor
	case "repost_of":
		return &p.RepostOf
	case "repost_author":
		return &p.RepostAuthor
	case "quote_of":
		return &p.QuoteOf
	case "quote_author":
		return &p.QuoteAuthor
	}
	return nil
}

// postField reads the value of a field that is not a plain string.
func (s *scanner) postField(key string, p *Post) {
	switch key {
	case "v":
		p.V = int(s.integer(key))
	case "op":
		p.Op = Op(s.string(key))
	case "scope":
		p.Scope = Scope(s.string(key))
	case "kind":
		p.Kind = Kind(s.string(key))
	case "author":
		p.Author = s.author()
	case "created_at":
		p.CreatedAt = s.time(key)
	case "edited_at":
		p.EditedAt = s.time(key)
	case "seen_at":
		p.SeenAt = s.time(key)
	case "hashtags":
		p.Hashtags = s.strings(key)
	case "handles":
		p.Handles = s.strings(key)
	case "links":
		p.Links = s.strings(key)
	case "media":
		p.Media = s.media()
	case "metrics":
		p.Metrics = s.metrics()
	case "geo":
		p.Geo = s.geo()
	case "rating":
		p.Rating = nil
		if f, ok := s.float(key, 32); ok {
			r := Rating(f)
			p.Rating = &r
		}
	case "simulated":
		p.Simulated = s.boolean(key)
	default:
		s.skip(key, maxDepth)
	}
}

func (s *scanner) author() (a Author) {
	for more := s.open("author", '{'); more; more = s.more('}') {
		switch key := s.key(); key {
		case "id":
			a.ID = s.string("author.id")
		case "handle":
			a.Handle = s.string("author.handle")
		case "name":
			a.Name = s.string("author.name")
		case "followers":
			a.Followers = s.integer("author.followers")
		case "following":
			a.Following = s.integer("author.following")
		case "posts":
			a.Posts = s.integer("author.posts")
		case "verified":
			a.Verified = s.boolean("author.verified")
		case "bot":
			a.Bot = s.boolean("author.bot")
		case "location":
			a.Location = s.string("author.location")
		case "created_at":
			a.CreatedAt = s.time("author.created_at")
		default:
			s.skip(key, maxDepth)
		}
	}
	return a
}

func (s *scanner) metrics() (m Metrics) {
	for more := s.open("metrics", '{'); more; more = s.more('}') {
		switch key := s.key(); key {
		case "likes":
			m.Likes = s.integer("metrics.likes")
		case "reposts":
			m.Reposts = s.integer("metrics.reposts")
		case "replies":
			m.Replies = s.integer("metrics.replies")
		case "quotes":
			m.Quotes = s.integer("metrics.quotes")
		case "views":
			m.Views = s.integer("metrics.views")
		default:
			s.skip(key, maxDepth)
		}
	}
	return m
}

func (s *scanner) geo() (g Geo) {
	for more := s.open("geo", '{'); more; more = s.more('}') {
		switch key := s.key(); key {
		case "country":
			g.Country = s.string("geo.country")
		case "region":
			g.Region = s.string("geo.region")
		case "city":
			g.City = s.string("geo.city")
		case "lat":
			g.Lat = s.degrees("geo.lat")
		case "lon":
			g.Lon = s.degrees("geo.lon")
		default:
			s.skip(key, maxDepth)
		}
	}
	return g
}

func (s *scanner) degrees(field string) *float64 {
	f, ok := s.float(field, 64)
	if !ok {
		return nil
	}
	return &f
}

func (s *scanner) media() []Media {
	var list []Media
	for more := s.open("media", '['); more; more = s.more(']') {
		if s.null() {
			continue
		}
		var m Media
		for more := s.open("media", '{'); more; more = s.more('}') {
			switch key := s.key(); key {
			case "kind":
				m.Kind = s.string("media.kind")
			case "url":
				m.URL = s.string("media.url")
			case "alt":
				m.Alt = s.string("media.alt")
			default:
				s.skip(key, maxDepth)
			}
		}
		list = append(list, m)
	}
	return list
}
