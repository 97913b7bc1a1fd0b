// Package markup turns the HTML that feeds and platforms write into plain text with its
// links and pictures. It renders what a reader would see, roughly: nothing is fetched and
// no style is applied.
package markup

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Link is an anchor.
type Link struct {
	Href  string
	Class string
	Text  string
}

// Image is a picture.
type Image struct {
	Src string
	Alt string
}

// Document is what a piece of HTML says.
type Document struct {
	Text   string
	Links  []Link
	Images []Image
}

// most bounds the links and the pictures of a document; posts keep no more.
const most = 1000

// Read reads a piece of HTML. Text without any markup comes back as it is, its entities
// resolved. Scripts and styles are left out.
func Read(source string) Document {
	r := reader{}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken: // the end; a string cannot fail otherwise
			r.closeLink()
			r.doc.Text = strings.TrimSpace(r.text.String())
			return r.doc
		case html.TextToken:
			if r.hidden == 0 {
				r.write(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			r.start(z.Token(), kind == html.SelfClosingTagToken)
		case html.EndTagToken:
			r.end(z.Token().DataAtom)
		}
	}
}

// Text is the text of a piece of HTML alone.
func Text(source string) string { return Read(source).Text }

type reader struct {
	doc    Document
	text   strings.Builder
	hidden atom.Atom // element whose content is not shown
	pre    int       // depth of elements that keep their blanks
	blank  bool      // a blank is due before the next word
	lines  int       // line breaks that are due
	link   int       // index of the open link + 1
	begun  int       // where its text begins
}

func (r *reader) start(t html.Token, closed bool) {
	switch t.DataAtom {
	case atom.Script, atom.Style, atom.Template, atom.Noscript:
		if !closed {
			r.hidden = t.DataAtom
		}
	case atom.Br:
		r.lines++
	case atom.P, atom.Blockquote, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Table, atom.Hr:
		r.lines = max(r.lines, 2)
	case atom.Div, atom.Li, atom.Tr, atom.Dt, atom.Dd, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Figcaption:
		r.lines = max(r.lines, 1)
	case atom.Pre:
		r.lines = max(r.lines, 2)
		r.pre++
	case atom.Td, atom.Th:
		r.blank = true
	case atom.A:
		r.closeLink()
		if href := attr(t, "href"); href != "" && len(r.doc.Links) < most {
			r.doc.Links = append(r.doc.Links, Link{Href: href, Class: attr(t, "class")})
			r.link, r.begun = len(r.doc.Links), r.text.Len()
		}
	case atom.Img:
		if src := attr(t, "src"); src != "" && len(r.doc.Images) < most {
			r.doc.Images = append(r.doc.Images, Image{Src: src, Alt: attr(t, "alt")})
		}
	}
}

func (r *reader) end(name atom.Atom) {
	switch name {
	case r.hidden:
		r.hidden = 0
	case atom.A:
		r.closeLink()
	case atom.P, atom.Blockquote, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Table:
		r.lines = max(r.lines, 2)
	case atom.Div, atom.Li, atom.Tr:
		r.lines = max(r.lines, 1)
	case atom.Pre:
		r.pre = max(r.pre-1, 0)
		r.lines = max(r.lines, 2)
	}
}

func (r *reader) closeLink() {
	if r.link > 0 {
		text := r.text.String()
		r.doc.Links[r.link-1].Text = strings.TrimSpace(text[min(r.begun, len(text)):])
		r.link = 0
	}
}

// write adds text; runs of blanks become one, as a browser shows them.
func (r *reader) write(s string) {
	if r.pre > 0 {
		r.due()
		r.text.WriteString(s)
		return
	}
	for len(s) > 0 {
		i := strings.IndexAny(s, " \t\r\n\f")
		if i == 0 {
			r.blank = true
			s = strings.TrimLeft(s, " \t\r\n\f")
			continue
		}
		word := s
		if i > 0 {
			word = s[:i]
		}
		r.due()
		r.text.WriteString(word)
		s = s[len(word):]
	}
}

// due writes the line breaks or the blank that are owed.
func (r *reader) due() {
	switch {
	case r.text.Len() == 0:
	case r.lines > 0:
		r.text.WriteString("\n\n"[:min(r.lines, 2)])
	case r.blank:
		r.text.WriteByte(' ')
	}
	r.lines, r.blank = 0, false
}

func attr(t html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}
