package pipeline

import (
	"slices"
	"time"
)

// AlertKind says what was unusual.
type AlertKind string

// The kinds of alerts.
const (
	AlertVolume   AlertKind = "volume"   // many more mentions than usual
	AlertDrop     AlertKind = "drop"     // silence where there is never any
	AlertNegative AlertKind = "negative" // a greater share of negative mentions than usual
	AlertReach    AlertKind = "reach"    // far more people may have seen it than in any hour before
	AlertCascade  AlertKind = "cascade"  // one post is passed on by more people than usually speak at all
	AlertTopic    AlertKind = "topic"    // many people use a hashtag that nobody used
	AlertRival    AlertKind = "rival"    // a competitor has a spike
	AlertCoverage AlertKind = "coverage" // a source is blind
)

// AlertKinds are all of them.
func AlertKinds() []AlertKind {
	return []AlertKind{AlertVolume, AlertDrop, AlertNegative, AlertReach, AlertCascade, AlertTopic, AlertRival, AlertCoverage}
}

// Severity of an incident, by the distinct people that it is about.
type Severity string

// The severities, least first.
const (
	SeverityInfo     Severity = "info"
	SeverityWarning  Severity = "warning"
	SeverityCritical Severity = "critical"
)

// Severities are all of them, least first.
func Severities() []Severity { return []Severity{SeverityInfo, SeverityWarning, SeverityCritical} }

// AtLeast reports whether the severity is as high as another.
func (s Severity) AtLeast(o Severity) bool {
	all := Severities()
	return slices.Index(all, s) >= slices.Index(all, o)
}

// IncidentState says whether an incident goes on.
type IncidentState string

// The states of an incident.
const (
	IncidentOpen     IncidentState = "open"
	IncidentResolved IncidentState = "resolved"
)

// Evidence is one kind of an incident, at its highest.
type Evidence struct {
	Kind     AlertKind `json:"kind"`
	At       Time      `json:"at"`                // minute of event time that shows it
	Minutes  int       `json:"minutes"`           // length of the window that ends there
	Observed float64   `json:"observed"`          // what was counted in the window
	Expected float64   `json:"expected"`          // what is usual
	Low      float64   `json:"low"`               // 95 % of such windows hold at least this
	High     float64   `json:"high"`              // and at most this
	Chance   float64   `json:"chance"`            // probability of a window as far out, if nothing happens
	Score    float64   `json:"score"`             // over the threshold: above 1
	Told     float64   `json:"told,omitempty"`    // score when people were told of it last
	Subject  string    `json:"subject,omitempty"` // topic, post, competitor or source
}

// Part is a value of a field (a platform, a language, a hashtag) within an incident.
type Part struct {
	Name     string  `json:"name"`
	Mentions float64 `json:"mentions"`
	Expected float64 `json:"expected"` // at the same time of day in the two weeks before
}

// Carrier is a post that carries an incident.
type Carrier struct {
	Platform   string  `json:"platform"`
	ID         string  `json:"id"`
	Author     string  `json:"author"`
	Text       string  `json:"text"` // its beginning
	URL        string  `json:"url,omitempty"`
	Reach      int64   `json:"reach"`
	Engagement int64   `json:"engagement"`
	Sentiment  float64 `json:"sentiment"`
}

// Explanation says what an incident is made of, from its first unusual minute on.
type Explanation struct {
	From      Time      `json:"from"`
	To        Time      `json:"to"`
	Mentions  float64   `json:"mentions"`
	Expected  float64   `json:"expected"`
	Platforms []Part    `json:"platforms,omitempty"`
	Languages []Part    `json:"languages,omitempty"`
	Countries []Part    `json:"countries,omitempty"`
	Topics    []Part    `json:"topics,omitempty"`
	Authors   []Part    `json:"authors,omitempty"`
	Posts     []Carrier `json:"posts,omitempty"`

	Voices           float64 `json:"voices"` // distinct people: no bots, no copies
	VoicesExpected   float64 `json:"voices_expected"`
	Negative         float64 `json:"negative_voices"` // of them, those with a negative mention
	NegativeExpected float64 `json:"negative_voices_expected"`

	Bots       float64  `json:"bots"`            // share of mentions by accounts marked as automated, 0 to 1
	Duplicates float64  `json:"duplicates"`      // share of mentions whose words others published too
	Loudest    float64  `json:"loudest"`         // share of the loudest author
	Blind      []string `json:"blind,omitempty"` // sources that missed some of it
}

// Incident is something unusual that a person should know of: all kinds of alerts about
// one brand (or one source) that belong to one surge.
type Incident struct {
	ID          string        `json:"id"` // hash of brand or source and the minute that opened it
	Brand       string        `json:"brand,omitempty"`
	Source      string        `json:"source,omitempty"` // of a coverage alert
	State       IncidentState `json:"state"`
	Severity    Severity      `json:"severity"`
	Opened      Time          `json:"opened"`  // event time of the minute that opened it
	Updated     Time          `json:"updated"` // event time of the last unusual minute
	Resolved    Time          `json:"resolved,omitzero"`
	Evidence    []Evidence    `json:"evidence"`
	Explanation Explanation   `json:"explanation"`
	Revision    int           `json:"revision"` // rises with each message to people
	Link        string        `json:"link,omitempty"`
	Ack         Time          `json:"acknowledged,omitzero"`
	AckBy       string        `json:"acknowledged_by,omitempty"`
	Simulated   bool          `json:"simulated,omitempty"`
	Test        bool          `json:"test,omitempty"`
}

// Kinds lists the kinds of the incident, the one that opened it first.
func (i *Incident) Kinds() []AlertKind {
	out := make([]AlertKind, len(i.Evidence))
	for n, e := range i.Evidence {
		out[n] = e.Kind
	}
	return out
}

// Of returns the evidence of a kind, or nil.
func (i *Incident) Of(kind AlertKind) *Evidence {
	for n := range i.Evidence {
		if i.Evidence[n].Kind == kind {
			return &i.Evidence[n]
		}
	}
	return nil
}

// Main is the evidence to name first: the one furthest over its threshold.
func (i *Incident) Main() Evidence {
	var best Evidence
	for _, e := range i.Evidence {
		if e.Score > best.Score {
			best = e
		}
	}
	return best
}

// BrandMinute is what was said of a brand in a minute of event time.
type BrandMinute struct {
	Brand    string
	Minute   Time
	Mentions float64
	Negative float64
	Reach    float64
}

// BrandHour is a bucket of a brand.
type BrandHour struct {
	Brand string
	Hour  Time
}

// LateAfter is the age, from its begin on, at which a bucket is history: a change that comes
// later rewrites the past.
const LateAfter = 4 * time.Hour

// Rewriting says how the past of a brand changes.
type Rewriting struct {
	Brand     string
	Changed   float64 // hours of the past that were marked as changed
	Waiting   float64 // of the past, those that are not totalled yet
	LooksBack bool    // the archive is being labelled anew for it
}

// Act is the part of one person in what many may do: a hashtag that is used, a post that is
// answered, quoted or reposted.
type Act struct {
	At      Time
	Subject string // hashtag, or platform/id of the post
	Person  uint64 // hash
	Bot     bool
}

// Unseen is a minute in which a source told that it saw nothing, or told nothing.
type Unseen struct {
	Source string
	Minute Time
	Done   bool // it had read all there was
}

// TopicCount is how many distinct people used a hashtag of a brand lately, among so many
// mentions, and how often it stood in mentions of the history before.
type TopicCount struct {
	Brand    string
	Topic    string
	Voices   float64
	Mentions float64 // that use it
	Of       float64 // all mentions of the brand in the same time
	Before   float64 // mentions that used it in the history
	Known    float64 // days of history before, as far as the brand is known
}

// CascadeCount is how many distinct people answered, reposted or quoted one post of a
// brand lately.
type CascadeCount struct {
	Brand  string
	Post   string // platform/id
	Voices float64
}

// SourceState is what a source says of itself.
type SourceState struct {
	Source string
	From   Time // since when it should run
	OK     Time // last minute in which it was connected; unknown: never
	Lag    Time // how far it is behind, milliseconds, in that minute; 0 if it saw no post
	Done   bool // it has read all there was
}

// DeliveryState is what became of a message.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting DeliveryState = "waiting"
	DeliverySent    DeliveryState = "sent"
	DeliveryFolded  DeliveryState = "folded" // told in another message
	DeliveryDead    DeliveryState = "dead"   // given up, with the reason
)

// Delivery is a message to the people behind one channel.
type Delivery struct {
	ID       string // the same message twice is one
	Channel  string
	Incident string // empty: a digest
	Event    string
	State    DeliveryState
	Attempts int
	Reason   string
	Message  []byte // JSON
	Created  Time
}
