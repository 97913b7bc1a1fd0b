package enrich

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot/enrich/model/sentiment"
	"earshot/pipeline"
)

// towardVersion changes with the rules of this file.
const towardVersion = "clauses-1"

// How the sentiment toward a brand is made; chosen on the even lines of
// testdata/toward/contrast.tsv.
const (
	clauseShare = 0.85 // what the words about a brand count beside those of the whole post
	ruleSure    = 0.8  // probability of the side that "switched from A to B" tells
)

// brandPlace is where a brand of the post is named.
type brandPlace struct {
	mention    int // index
	begin, end int // in the words of the post
}

// toward sets the sentiment toward each brand where the post names several: it is judged
// by the clauses about that brand, and by what comparisons say of the two.
func (l *linear) toward(r *pipeline.Record, whole sentiment.Judgement) {
	words, places := wordsAndPlaces(r)
	if severalBrands(places) < 2 {
		return // the whole post is about the one
	}
	told := comparisons(l.rules, words, places)
	about := aboutEach(words, places, len(r.Mentions))
	reader := l.readers.Get().(*linearReader)
	defer l.readers.Put(reader)
	for i := range r.Mentions {
		m := &r.Mentions[i]
		if about[i] == "" {
			continue // named by channel alone, or in no clause of its own
		}
		j := mixed(reader.Judge(r.Language.Code, about[i]), whole)
		if side := told[i]; side != 0 {
			j = sided(side)
		}
		m.Toward = l.label(j)
		m.Toward.Model += "+" + towardVersion
	}
}

// mixed is the judgement of the words about a brand with a share of that of the whole post. The
// probabilities are rounded to 1/10,000, so that they are the same on every processor.
func mixed(own, whole sentiment.Judgement) (j sentiment.Judgement) {
	const unit = 10000
	for k := range j.P {
		p := float64(clauseShare*own.P[k]) + float64((1-clauseShare)*whole.P[k])
		j.P[k] = float64(int(p*unit+0.5)) / unit
		j.Choice[k] = float64(clauseShare*own.Choice[k]) + float64((1-clauseShare)*whole.Choice[k])
	}
	j.P[sentiment.Neutral] = 1 - j.P[sentiment.Negative] - j.P[sentiment.Positive]
	return j
}

// sided is what a comparison says.
func sided(side int) sentiment.Judgement {
	p := [3]float64{(1 - ruleSure) / 2, (1 - ruleSure) / 2, (1 - ruleSure) / 2}
	p[sentiment.Neutral+side] = ruleSure
	return sentiment.Judgement{P: p, Choice: p}
}

// wordsAndPlaces are the title and text as one string, and where brands stand in it, in
// order.
func wordsAndPlaces(r *pipeline.Record) (words string, places []brandPlace) {
	words, shift := r.Post.Text, 0
	if r.Post.Title != "" {
		words, shift = r.Post.Title+"\n"+r.Post.Text, len(r.Post.Title)+1
	}
	for i := range r.Mentions {
		for _, s := range r.Mentions[i].Spans {
			p := brandPlace{i, s.Begin, s.End}
			if s.Field == "text" {
				p.begin, p.end = p.begin+shift, p.end+shift
			} else if s.Field != "title" {
				continue
			}
			if p.begin >= 0 && p.begin < p.end && p.end <= len(words) {
				places = append(places, p)
			}
		}
	}
	slices.SortFunc(places, func(a, b brandPlace) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(b.end, a.end), cmp.Compare(a.mention, b.mention))
	})
	return words, places
}

// severalBrands counts the mentions that have a place of their own.
func severalBrands(places []brandPlace) int {
	seen := map[int]bool{}
	for _, p := range places {
		seen[p.mention] = true
	}
	return len(seen)
}

// marked writes the words in small letters with each brand as <number of its mention>.
func marked(words string, places []brandPlace) string {
	noMarks := strings.NewReplacer("<", " ", ">", " ") // the writer's own are no brands
	var b strings.Builder
	at := 0
	for _, p := range places {
		if p.begin < at {
			continue // inside of another one
		}
		b.WriteString(noMarks.Replace(words[at:p.begin]))
		fmt.Fprintf(&b, "<%d>", p.mention)
		at = p.end
	}
	b.WriteString(noMarks.Replace(words[at:]))
	return strings.ToLower(b.String())
}

// rule is a comparison that names two brands: what it says of the first and of the second.
type rule struct {
	pattern       *regexp.Regexp
	first, second int
}

// towardRules are what people say when they leave one brand for another or rank the two. A gap
// between the parts never leaves the sentence. \b knows ASCII alone: beside é or à stands a space.
func towardRules() []rule {
	const gap, short, brand = `[^.!?<>]{0,40}?`, `[^.!?<>]{0,14}?`, `<(\d+)>`
	of := func(first, second int, parts ...string) rule {
		return rule{regexp.MustCompile(strings.Join(parts, "")), first, second}
	}
	return []rule{
		// leaving A for B
		of(-1, 1, `\b(?:switch|switched|switching|moved?|moving|went|migrated?|changed?|converted|upgraded?|left|leaving)\b`, gap, `\b(?:from|off)\b`, short, brand, gap, `\bto\b`, short, brand),
		of(-1, 1, `\b(?:left|leave|leaving|dumped?|dumping|ditched|ditching|dropped|replaced|replacing|traded|swapped|cancelled|canceled|quit|sold)\b`, short, brand, `[^.!?<>]{0,40}?[ ,](?:for|with|to|so i went with)\b`, short, brand),
		of(1, -1, `\b(?:switched|switching|moved|went|migrated) to\b`, short, brand, gap, `\b(?:from|after)\b`, short, brand),
		of(-1, 1, `\bvon\b`, short, brand, gap, `\bzu[rm]?\b`, short, brand, `[^.!?<>]{0,10}gewechselt`),
		of(-1, 1, `(?:cambié|cambie|troquei|ho cambiato) `, short, brand, ` (?:por|pelo|pela|con)\b`, short, brand),
		of(-1, 1, `(?:me fui|me pasé|passé|passée|sono passat[oa]|mudei|passei) `, short, `(?:\bde |\bd'|\bda |\bdi |\bdo )`, short, brand, gap, ` (?:à|a|para) `, short, brand),
		// instead of A, B
		of(-1, 1, `\b(?:instead of|statt|anstatt|au lieu de|en vez de|invece di)\b`, `[^.!?<>]{0,30}?`, brand, gap, brand),
		of(1, -1, `\b(?:rather|prefer|give me|choose|chose|take)\b`, short, brand, `[^.!?<>]{0,20}?\b(?:than|over|to|instead of|any day|every time)\b`, short, brand),
		// A better than B, A over B, A, not like B
		of(1, -1, brand, `[^.!?<>]{0,60}?\b(?:better|nicer|faster|cheaper|quicker|cooler|more \w+|way more \w+|superior|pleasure compared|joy compared)\b[^.!?<>]{0,12}\b(?:than|to)\b`, `[^.!?<>]{0,20}?`, brand),
		of(1, -1, brand, `[^.!?<>]{0,40}?\b(?:besser|schöner|schneller|billiger|mejor|meilleur|meilleure|mieux|migliore|melhor)\b[^.!?<>]{0,20}(?:\bals |\bque |\bqu'|\bdi |\bdo que )`, short, brand),
		of(-1, 1, brand, `[^.!?<>]{0,40}?\b(?:worse|slower|uglier|pricier|tastes like \w+ next|flat next|schlechter|peor|pire|peggio|pior)\b[^.!?<>]{0,30}(?:than|to|als|que|di) `, short, brand),
		of(1, -1, brand, `(?: all day| always)? over\b`, short, brand),
		of(1, -1, brand, `[^.!?<>]{0,60}?[, ](?:unlike|no como|nicht wie|pas comme)\b`, short, brand),
	}
}

// comparisons is what rules say of each mention: -1, 1 or, mostly, nothing.
func comparisons(rules []rule, words string, places []brandPlace) map[int]int {
	text, sides := marked(words, places), map[int]int{}
	for _, r := range rules {
		for _, found := range r.pattern.FindAllStringSubmatch(text, 4) {
			first, second := number(found[1]), number(found[2])
			if first == second {
				continue
			}
			if sides[first] == 0 && sides[second] == 0 {
				sides[first], sides[second] = r.first, r.second
			}
		}
	}
	return sides
}

// number of a mention as marked writes it.
func number(s string) (n int) {
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}

// aboutEach cuts the words into clauses and gives each mention those that are about it,
// with every brand as "@user". A clause without a brand belongs to the brand before it, and at
// the beginning to the first.
func aboutEach(words string, places []brandPlace, mentions int) []string {
	out := make([]strings.Builder, mentions)
	var now []int // mentions that the clause at hand is about
	leading := ""
	for _, c := range clausesOf(words, places) {
		text := c.hidden(words, places)
		if named := c.mentions(places); len(named) > 0 {
			now = named
			text = leading + text
			leading = ""
		} else if len(now) == 0 {
			leading += text + " "
			continue
		}
		for _, m := range now {
			out[m].WriteString(text + " ")
		}
	}
	about := make([]string, mentions)
	for i := range out {
		about[i] = strings.TrimSpace(out[i].String())
	}
	return about
}

// clause is a stretch of the words.
type clause struct{ begin, end int }

func (c clause) mentions(places []brandPlace) (out []int) {
	for _, p := range places {
		if p.begin >= c.begin && p.begin < c.end && !slices.Contains(out, p.mention) {
			out = append(out, p.mention)
		}
	}
	return out
}

// hidden is the clause with every brand as "@user".
func (c clause) hidden(words string, places []brandPlace) string {
	var b strings.Builder
	at := c.begin
	for _, p := range places {
		if p.begin < at || p.begin >= c.end {
			continue
		}
		b.WriteString(words[at:p.begin])
		b.WriteString(" @user ")
		at = min(p.end, c.end)
	}
	b.WriteString(words[at:c.end])
	return strings.TrimSpace(b.String())
}

// clausesOf cuts at the ends of sentences, at commas and colons, and before words that
// begin another clause; a piece is cut again before "and" if it names two brands.
func clausesOf(words string, places []brandPlace) (out []clause) {
	begin, inside := 0, func(at int) bool {
		return slices.ContainsFunc(places, func(p brandPlace) bool { return p.begin < at && at < p.end })
	}
	cut := func(at int) {
		if at > begin && !inside(at) {
			out = append(out, clause{begin, at})
			begin = at
		}
	}
	for i := 0; i < len(words); {
		r, size := utf8.DecodeRuneInString(words[i:])
		switch {
		case strings.ContainsRune("。！？；，\n", r):
			cut(i + size)
		case strings.ContainsRune(".!?;,:–—", r) && (i+size == len(words) || unicode.IsSpace(rune(words[i+size]))):
			cut(i + size)
		case r == ' ' && joins(words[i+1:], false):
			cut(i)
		case r >= 0x4e00 && joins(words[i:], false):
			cut(i)
		}
		i += size
	}
	cut(len(words))
	return splitPairs(words, places, out)
}

// splitPairs cuts clauses that still name several brands before their "and".
func splitPairs(words string, places []brandPlace, clauses []clause) (out []clause) {
	for _, c := range clauses {
		if len(c.mentions(places)) > 1 {
			for i := c.begin + 1; i < c.end; i++ {
				left, right := clause{c.begin, i}, clause{i, c.end}
				if words[i] == ' ' && joins(words[i+1:], true) && len(left.mentions(places)) > 0 && len(right.mentions(places)) > 0 && right.verbal(words, places) && left.verbal(words, places) {
					out = append(out, left)
					c = right
				}
			}
		}
		out = append(out, c)
	}
	return out
}

// verbal reports whether a piece says more than a name: three words beside brands.
func (c clause) verbal(words string, places []brandPlace) bool {
	n := 0
	for w := range strings.FieldsSeq(c.hidden(words, places)) {
		if w != "@user" {
			n++
		}
	}
	return n >= 3
}

// joints are words that begin a clause of its own, of all languages together; a space
// at the end keeps longer words out.
const joints = "but |however |while |whereas |although |though |unlike |meanwhile |whilst |instead |yet |since |because |where |unless |" +
	"aber |sondern |während |dagegen |hingegen |jedoch |obwohl |pero |sino |mientras |aunque |en cambio |mais |tandis |alors que |par contre |heureusement |" +
	"ma |invece |mentre |mas |já |enquanto |porém |但是|但|而|不过|可是"

// pairs are words that join equals.
const pairs = "and |und |y |et |e |while |where |with |after |on "

// joins reports whether such a word stands here.
func joins(text string, equals bool) bool {
	list := joints
	if equals {
		list = pairs
	}
	for word := range strings.SplitSeq(list, "|") {
		if len(text) >= len(word) && strings.EqualFold(text[:len(word)], word) {
			return true
		}
	}
	return false
}
