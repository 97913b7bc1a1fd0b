package bluesky

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The frames of a Jetstream version 2, after the lexicon
// network.bsky.jetstream.subscribeEvents: a message, or an error that ends the stream.

const v2Prefix = "network.bsky.jetstream.subscribeEvents#"

// errNotice is a frame that tells of the stream and holds no event.
var errNotice = errors.New("a notice")

// frame is one message of version 2. The names within a payload are those of version 1
// but for the envelope, so both come to the same event.
type frame struct {
	Type    string `json:"$type"` // message or error
	Error   string `json:"error"`
	Message string `json:"message"`
	Payload struct {
		Type      string `json:"$type"`
		Seq       int64  `json:"seq"`
		DID       string `json:"did"`
		Time      string `json:"time"`
		Witnessed string `json:"witnessedAt"`
		commit
		Account *account `json:"account"`
		Name    string   `json:"name"` // of an info
	} `json:"payload"`
}

// endError is an error frame: the server closes behind it.
type endError struct{ name string }

func (e *endError) Error() string { return fmt.Sprintf("the server ends the stream: %.60s", e.name) }

// decodeFrame reads one frame. An info comes back as errNotice with its name in Kind; an
// error frame as *endError.
func decodeFrame(data []byte) (event, error) {
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return event{}, fmt.Errorf("bluesky: decode frame: %w", err)
	}
	if f.Type == "error" {
		return event{}, &endError{f.Error}
	}
	p := &f.Payload
	kind, ok := strings.CutPrefix(p.Type, v2Prefix)
	if f.Type != "message" || !ok {
		return event{}, fmt.Errorf("bluesky: unknown frame %.40q with %.80q", f.Type, p.Type)
	}
	if kind == "info" {
		return event{Kind: p.Name}, errNotice
	}
	at := p.Witnessed // what a time as cursor is compared with
	if at == "" {
		at = p.Time
	}
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil || p.Seq <= 0 || p.DID == "" {
		return event{}, errors.New("bluesky: the frame has no seq, no did or no time")
	}
	e := event{DID: p.DID, TimeUS: t.UnixMicro(), Cursor: p.Seq, Kind: kind, Account: p.Account}
	if kind == "commit" {
		e.Commit = &p.commit
	}
	return e, nil
}
