package pipeline

import "context"

// Epoch identifies one incarnation of a Kafka topic: its topic id. A topic that is
// deleted and created anew has another one, so its offsets never collide.
type Epoch [16]byte

// Position is where a record stands in Kafka.
type Position struct {
	Epoch     Epoch
	Topic     string
	Partition int32
	Offset    int64
	Time      Time // the Kafka record's timestamp
}

// Record is one Kafka record on its way to storage: the decoded post and all that
// enrichment found. A record that could not be decoded has Dead set and stands in
// the ledger as a marker, so that the ledger has one row for each offset.
type Record struct {
	Post     Post
	Position Position
	Repairs  []string // what was mended while decoding, e.g. "text: invalid UTF-8 replaced"
	Dead     *Reject

	Language Language
	Mentions []Mention
}

// Language of a text.
type Language struct {
	Code       string  `json:"code" doc:"ISO 639-1, else 639-3; und when there is nothing to tell"`
	Confidence float32 `json:"confidence,omitempty" doc:"0 to 1, calibrated" min:"0" max:"1"`
}

// Undetermined is the language code of a text that tells nothing.
const Undetermined = "und"

// Mention is one brand named in one post.
type Mention struct {
	Brand        string   `json:"brand" doc:"name of the brand"`
	QueryVersion string   `json:"query_version" doc:"content hash of the brand's query"`
	Via          Via      `json:"via" doc:"why the post counts: text, reply, repost, quote or channel" enum:"text,reply,repost,quote,channel"`
	Spans        []Span   `json:"spans,omitempty" doc:"what matched"`
	Categories   []string `json:"categories,omitempty" doc:"named sub-queries that matched too"`

	Sentiment Sentiment `json:"sentiment,omitzero" doc:"of the whole post"`
	Toward    Sentiment `json:"toward,omitzero" doc:"toward this brand"`
	Aspects   []Aspect  `json:"aspects,omitempty" doc:"facets of the product that the post judges"`
	Intents   []string  `json:"intents,omitempty" doc:"purchase, question, complaint, recommendation, churn"`
	Phrases   []string  `json:"phrases,omitempty" doc:"key phrases"`
}

// Via says why a post counts as a mention.
type Via string

// The ways to be a mention.
const (
	ViaText    Via = "text"
	ViaReply   Via = "reply"
	ViaRepost  Via = "repost"
	ViaQuote   Via = "quote"
	ViaChannel Via = "channel"
)

// Span is a matched stretch of a field of the post.
type Span struct {
	Field string `json:"field" doc:"field of the post: title, text, hashtags, handles, links, ..."`
	Begin int    `json:"begin" doc:"byte offset of the first byte" min:"0"`
	End   int    `json:"end" doc:"byte offset after the last byte" min:"0"`
}

// Sentiment label with calibrated probabilities.
type Sentiment struct {
	Label    Polarity `json:"label" doc:"negative, neutral or positive" enum:"negative,neutral,positive"`
	Score    float32  `json:"score" doc:"-1 (worst) to 1 (best)" min:"-1" max:"1"`
	Negative float32  `json:"negative" doc:"probability; the three sum to 1" min:"0" max:"1"`
	Neutral  float32  `json:"neutral" doc:"probability" min:"0" max:"1"`
	Positive float32  `json:"positive" doc:"probability" min:"0" max:"1"`
	Model    string   `json:"model,omitempty" doc:"version of the model that decided"`
}

// Polarity is a sentiment class.
type Polarity string

// The polarities; empty means that no model looked at it.
const (
	Negative Polarity = "negative"
	Neutral  Polarity = "neutral"
	Positive Polarity = "positive"
)

// Aspect is a facet of the product that a post judges.
type Aspect struct {
	Name  string  `json:"name" doc:"price, quality, shipping, service, design, usability, ..."`
	Score float32 `json:"score" doc:"-1 to 1" min:"-1" max:"1"`
}

// Enricher adds what it finds to a record. It is pure: no I/O, no clock, no
// randomness; the same post under the same version gives the same record.
type Enricher interface {
	Enrich(r *Record) error
	Version() string
}

// Batch is a contiguous range of one partition, enriched, on its way to a Sink.
type Batch struct {
	Topic       string
	Epoch       Epoch
	Partition   int32
	First, Last int64  // offsets, both inclusive
	Token       string // deduplication token: group, epoch, topic, partition, range
	LabelSet    string // "live", or the name of a replay
	Records     []Record

	// Retry is set when the range may already be stored in part: after a crash or a
	// failed attempt. The sink then asks its store which offsets are there.
	Retry bool

	// Replayed is set when rows of the range may have been stored under other tokens,
	// because the group's offsets were reset: only what the store lacks is stored, and
	// never the whole range under Token.
	Replayed bool

	// Pending is called by the sink once an insert is open and before any row of it is
	// sent, for each insert: it commits the range as pending. If it fails nothing may be sent.
	Pending func(ctx context.Context) error
}

// LiveLabels is the label set of the stream itself.
const LiveLabels = "live"

// Sink stores batches. A nil error means durable. Rejected records go to dead
// letters; the rest of the batch is stored. After an error the same batch is
// written again with Retry set, so Write must be safe to repeat.
type Sink interface {
	Write(ctx context.Context, b *Batch) (rejected []Reject, err error)
}

// Reject is a record that could not be processed, and why.
type Reject struct {
	Position Position // zero if it never reached Kafka
	Stage    string   // decode, validate, enrich, store, collect
	Reason   string   // what is wrong and how to mend it
}
