package notify

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"earshot/pipeline"
)

// Event says what a message is about.
type Event string

// The events of messages.
const (
	Opened   Event = "opened"
	Worse    Event = "worse"
	Resolved Event = "resolved"
	Missed   Event = "missed" // what could not be told when it happened, in one message
	Digest   Event = "digest"
)

// Message is what a channel tells. Key names the incident for ever, so that a receiver can
// fold what comes twice, and updates into what it knows.
type Message struct {
	Key       string              `json:"key"`
	ID        string              `json:"id"` // of this message: the same twice is one
	Event     Event               `json:"event"`
	At        pipeline.Time       `json:"at"`
	Test      bool                `json:"test,omitempty"`
	Ack       string              `json:"acknowledge,omitempty"` // link
	Incidents []pipeline.Incident `json:"incidents"`             // one, but in a digest and after an outage
	Title     string              `json:"title"`
	Text      string              `json:"text"`
}

// decode reads a message of the table of deliveries.
func decode(raw []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("notify: a stored message cannot be read: %w", err)
	}
	return m, nil
}

// write fills in the title and the text.
func (m *Message) write() {
	switch m.Event {
	case Digest:
		m.Title = fmt.Sprintf("Digest: %s", incidents(len(m.Incidents)))
	case Missed:
		m.Title = fmt.Sprintf("While nobody could be told: %s", incidents(len(m.Incidents)))
	default:
		m.Title = headline(&m.Incidents[0], m.Event)
	}
	if m.Test {
		m.Title = "[TEST] " + m.Title
	}
	var b strings.Builder
	if m.Test {
		b.WriteString("This is a test of the way to you. Nothing has happened.\n\n")
	}
	if len(m.Incidents) == 1 && m.Event != Digest && m.Event != Missed {
		describe(&b, &m.Incidents[0])
	} else {
		for i := range m.Incidents {
			n := &m.Incidents[i]
			fmt.Fprintf(&b, "%s  %s (%s)\n", clock(n.Opened), headline(n, ""), n.State)
		}
		if len(m.Incidents) == 0 {
			b.WriteString("Nothing was unusual.\n")
		}
	}
	if m.Ack != "" {
		fmt.Fprintf(&b, "\nTake note of it: %s\n", m.Ack)
	}
	m.Text = b.String()
}

func incidents(n int) string {
	if n == 1 {
		return "1 incident"
	}
	return fmt.Sprintf("%d incidents", n)
}

func clock(t pipeline.Time) string { return t.Time().Format("2006-01-02 15:04 UTC") }

// headline is one line.
func headline(i *pipeline.Incident, event Event) string {
	e := i.Main()
	what := ""
	switch e.Kind {
	case pipeline.AlertVolume:
		what = fmt.Sprintf("%s mentions within %s, usual %s", number(e.Observed), span(e.Minutes), number(e.Expected))
	case pipeline.AlertDrop:
		what = fmt.Sprintf("%s mentions within %s, usual %s", number(e.Observed), span(e.Minutes), number(e.Expected))
	case pipeline.AlertNegative:
		what = fmt.Sprintf("%s negative mentions within %s, usual %s of as many", number(e.Observed), span(e.Minutes), number(e.Expected))
	case pipeline.AlertReach:
		what = fmt.Sprintf("reached %s people within %s, the highest hour before %s", number(e.Observed), span(e.Minutes), number(e.High))
	case pipeline.AlertCascade:
		what = fmt.Sprintf("%s people pass on one post within %s (%s)", number(e.Observed), span(e.Minutes), e.Subject)
	case pipeline.AlertTopic:
		what = fmt.Sprintf("%s people write #%s within %s, usual %s", number(e.Observed), e.Subject, span(e.Minutes), number(e.Expected))
	case pipeline.AlertRival:
		what = fmt.Sprintf("competitor %s: %s mentions within %s, usual %s", e.Subject, number(e.Observed), span(e.Minutes), number(e.Expected))
	case pipeline.AlertCoverage:
		what = fmt.Sprintf("blind for %s: %s", span(e.Minutes), e.Subject)
	}
	name := i.Brand
	if name == "" {
		name = i.Source
	}
	state := ""
	switch event {
	case Resolved:
		state = "over: "
	case Worse:
		state = "still growing: "
	case Opened, Missed, Digest:
	}
	return oneLine(fmt.Sprintf("%s: %s%s [%s]", name, state, what, i.Severity))
}

// oneLine keeps words of strangers from breaking a subject or a header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// describe writes the explanation.
func describe(b *strings.Builder, i *pipeline.Incident) {
	for _, e := range i.Evidence {
		if e.Kind == pipeline.AlertCoverage {
			fmt.Fprintf(b, "%s: %s saw nothing for %s\n", e.Kind, e.Subject, span(e.Minutes))
			continue
		}
		fmt.Fprintf(b, "%s: %s within %s to %s; usual %s", e.Kind, number(e.Observed), span(e.Minutes), clock(e.At), number(e.Expected))
		if e.Low > 0 || e.High > 0 {
			fmt.Fprintf(b, " (%s to %s)", number(e.Low), number(e.High))
		}
		fmt.Fprintf(b, "; by chance: %s", chance(e.Chance))
		if e.Subject != "" {
			fmt.Fprintf(b, "; %s", oneLine(e.Subject))
		}
		b.WriteByte('\n')
	}
	x := &i.Explanation
	if i.Brand != "" {
		fmt.Fprintf(b, "\nSince %s: %s mentions (usual %s) by %s distinct people (usual %s)\n", clock(x.From), number(x.Mentions), number(x.Expected),
			number(x.Voices), number(x.VoicesExpected))
		fmt.Fprintf(b, "bots %s, copies %s, loudest author %s\n", percent(x.Bots), percent(x.Duplicates), percent(x.Loudest))
	}
	parts := func(name string, all []pipeline.Part) {
		if len(all) == 0 {
			return
		}
		words := make([]string, len(all))
		for n, p := range all {
			words[n] = fmt.Sprintf("%s %s (usual %s)", oneLine(p.Name), number(p.Mentions), number(p.Expected))
		}
		fmt.Fprintf(b, "%s: %s\n", name, strings.Join(words, ", "))
	}
	parts("platforms", x.Platforms)
	parts("languages", x.Languages)
	parts("countries", x.Countries)
	parts("topics", x.Topics)
	parts("authors", x.Authors)
	if len(x.Blind) > 0 {
		fmt.Fprintf(b, "blind meanwhile, so there may be more: %s\n", strings.Join(x.Blind, ", "))
	}
	for _, p := range x.Posts {
		fmt.Fprintf(b, "\n%s on %s, %s reactions: %s\n", oneLine(p.Author), p.Platform, number(float64(p.Engagement)), oneLine(p.Text))
		if p.URL != "" {
			fmt.Fprintln(b, oneLine(p.URL))
		}
	}
	if i.Link != "" {
		fmt.Fprintf(b, "\nBoard: %s\n", i.Link)
	}
}

func percent(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }

func chance(p float64) string {
	switch {
	case p <= 1e-300:
		return "less than 1 in 10^300"
	case p < 1e-4:
		return fmt.Sprintf("1 in 10^%.0f", math.Floor(-math.Log10(p)))
	case p < 1:
		return fmt.Sprintf("1 in %.0f", 1/p)
	}
	return "cannot be told"
}

// number is short: 0.4, 12, 3,400.
func number(f float64) string {
	if f < 10 && f != math.Trunc(f) {
		return fmt.Sprintf("%.1f", f)
	}
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func span(minutes int) string {
	d := time.Duration(minutes) * time.Minute
	if d >= time.Hour && d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", minutes)
}
