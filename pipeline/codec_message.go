package pipeline

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// MentionMessage is a mention as it is published for other consumers: what was found,
// in which post, and where that post stands in Kafka.
type MentionMessage struct {
	V         int      `json:"v" doc:"schema version; fields are only ever added" min:"1"`
	LabelSet  string   `json:"label_set" doc:"live, or the name of a replay"`
	Platform  string   `json:"platform" doc:"platform of the post"`
	ID        string   `json:"id" doc:"the platform's own id of the post"`
	Kind      Kind     `json:"kind" doc:"post, comment, repost, quote, review, article or edit" enum:"post,comment,repost,quote,review,article,edit"`
	Source    string   `json:"source,omitempty" doc:"instance, subreddit, feed or page that it came from"`
	Channel   string   `json:"channel,omitempty" doc:"owned page or account under which it stands"`
	URL       string   `json:"url,omitempty" doc:"public address of the original"`
	AuthorID  string   `json:"author_id,omitempty" doc:"the platform's id of the author"`
	EventTime Time     `json:"event_time" doc:"created_at where it is believable, else seen_at; UTC"`
	SeenAt    Time     `json:"seen_at" doc:"our clock when the collector saw it, UTC"`
	Language  Language `json:"language" doc:"language that was detected"`
	Mention
	Epoch     string `json:"epoch" doc:"Kafka's id of the topic, hexadecimal"`
	Topic     string `json:"topic" doc:"Kafka topic of the post"`
	Partition int32  `json:"partition" doc:"Kafka partition of the post" min:"0"`
	Offset    int64  `json:"offset" doc:"Kafka offset of the post" min:"0"`
	Simulated bool   `json:"simulated,omitempty" doc:"of an invented post"`
}

// NewMentionMessage describes a mention of the record's post.
func NewMentionMessage(labelSet string, r *Record, m *Mention) MentionMessage {
	p := &r.Post
	return MentionMessage{
		V: PostVersion, LabelSet: labelSet, Platform: p.Platform, ID: p.ID, Kind: p.Kind, Source: p.Source,
		Channel: p.Channel, URL: p.URL, AuthorID: p.Author.ID, EventTime: p.EventTime(), SeenAt: p.SeenAt,
		Language: r.Language, Mention: *m, Epoch: hex.EncodeToString(r.Position.Epoch[:]), Topic: r.Position.Topic,
		Partition: r.Position.Partition, Offset: r.Position.Offset, Simulated: p.Simulated,
	}
}

// AppendJSON appends the message as one JSON object.
func (m *MentionMessage) AppendJSON(dst []byte) []byte { return appendJSON(dst, m) }

// AppendJSON appends the dead letter as one JSON object.
func (d *DeadLetter) AppendJSON(dst []byte) []byte { return appendJSON(dst, d) }

// AppendJSON appends the event as one JSON object.
func (e *CoverageEvent) AppendJSON(dst []byte) []byte { return appendJSON(dst, e) }

// DecodeMentionMessage reads one JSON object into m, which it overwrites.
func DecodeMentionMessage(data []byte, m *MentionMessage) error {
	return decodeJSON("mention", data, m)
}

// DecodeDeadLetter reads one JSON object into d, which it overwrites.
func DecodeDeadLetter(data []byte, d *DeadLetter) error { return decodeJSON("dead letter", data, d) }

// DecodeCoverageEvent reads one JSON object into e, which it overwrites.
func DecodeCoverageEvent(data []byte, e *CoverageEvent) error {
	return decodeJSON("coverage event", data, e)
}

// decodeJSON serves the records that are too few for speed to matter.
func decodeJSON[T any](what string, data []byte, into *T) error {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("pipeline: decode %s: %w", what, err)
	}
	*into = v
	return nil
}

func appendJSON(dst []byte, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		// None of our structs holds what JSON cannot, but for a score that is not a
		// number, which would be a corrupt model.
		panic(fmt.Sprintf("pipeline: encode %T: %v", v, err))
	}
	return append(dst, data...)
}
