package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/inbound"
)

// The headers of a request. The signature is "sha256=" and the hex HMAC-SHA256 of the
// timestamp, a full stop and the body as it is sent.
const (
	timestampHeader = "X-Earshot-Timestamp"
	signatureHeader = "X-Earshot-Signature"
)

const (
	// answerWithin is how long a request waits for Kafka before it is sent away.
	answerWithin = 25 * time.Second
	// ahead is how many seconds a sender's clock may be before ours: little, since after a
	// restart nothing is accepted that was signed before the newest that was.
	ahead = 30
	// mostSignatures bounds those that are remembered; beyond it requests are sent away.
	mostSignatures = 100_000
)

// door lets requests in that prove themselves.
type door struct {
	*Source
	queue   chan parcel
	waiting chan struct{} // requests before Kafka
	reading chan struct{} // requests whose body is read
	floor   int64         // nothing signed at or before this second: it may be a replay

	mu   sync.Mutex
	seen map[string]int64 // signatures that were accepted or are at work: their second
}

func newDoor(s *Source, floor int64) *door {
	return &door{Source: s, queue: make(chan parcel), waiting: make(chan struct{}, s.cfg.Queue),
		reading: make(chan struct{}, bodies), floor: floor, seen: map[string]int64{}}
}

// answer is the JSON of every answer.
type answer struct {
	Accepted int       `json:"accepted"`
	Refused  []refusal `json:"refused,omitempty"`
	Error    string    `json:"error,omitempty"`
}

func say(w http.ResponseWriter, code int, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(a) // a sender that is gone hears nothing
}

// take tries to get a place without waiting.
func take(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

// ServeHTTP answers one request.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != d.cfg.Path:
		say(w, http.StatusNotFound, answer{Error: "nothing is here"})
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		say(w, http.StatusMethodNotAllowed, answer{Error: "send posts by POST"})
		return
	}
	at, problem := d.fresh(r.Header.Get(timestampHeader))
	if problem != "" {
		say(w, http.StatusUnauthorized, answer{Error: problem})
		return
	}
	if !take(d.reading) {
		say(w, http.StatusTooManyRequests, answer{Error: "too many requests at once"})
		return
	}
	body, err := inbound.Body(r.Body, d.cfg.MaxBytes)
	<-d.reading
	if err != nil {
		code := http.StatusBadRequest
		if errors.Is(err, inbound.ErrTooLarge) {
			code = http.StatusRequestEntityTooLarge
		}
		say(w, code, answer{Error: "the body cannot be read, or is larger than " + strconv.FormatInt(d.cfg.MaxBytes, 10) + " bytes"})
		return
	}
	signature := strings.ToLower(r.Header.Get(signatureHeader))
	if !d.signed(signature, r.Header.Get(timestampHeader), body) {
		say(w, http.StatusUnauthorized, answer{Error: "the signature is not that of this body at this time"})
		return
	}
	d.admit(w, r, signature, at, body)
}

// fresh reads the time of the signature and says what is wrong with it.
func (d *door) fresh(text string) (at int64, problem string) {
	at, err := strconv.ParseInt(text, 10, 64)
	now := d.now()
	tolerance := int64(d.cfg.Tolerance / time.Second)
	switch {
	case err != nil:
		return 0, timestampHeader + " is not Unix seconds"
	case at < now.Unix()-tolerance || at > now.Unix()+min(tolerance, ahead):
		return 0, "signed too far from the present: by our clock it is " + now.UTC().Format(time.RFC3339)
	case at <= d.floor:
		return 0, "signed before the last start of this server: sign it again"
	}
	return at, ""
}

// signed accepts only SHA-256, and both secrets while they change.
func (d *door) signed(signature, timestamp string, body []byte) bool {
	if !strings.HasPrefix(signature, "sha256=") {
		return false
	}
	for _, secret := range []pipeline.Secret{d.cfg.Secret, d.cfg.Previous} {
		if inbound.Signed(secret.Reveal(), signature, []byte(timestamp), []byte("."), body) {
			return true
		}
	}
	return false
}

// admit hands the posts of a request that proved itself to Kafka and answers then.
func (d *door) admit(w http.ResponseWriter, r *http.Request, signature string, at int64, body []byte) {
	if !take(d.waiting) {
		say(w, http.StatusTooManyRequests, answer{Error: "Kafka is slower than the senders; send it again later"})
		return
	}
	defer func() { <-d.waiting }()
	switch d.once(signature, at) {
	case replayed:
		say(w, http.StatusConflict, answer{Error: "this very request was accepted before"})
		return
	case crowded:
		say(w, http.StatusTooManyRequests, answer{Error: "too many requests within the tolerance; send more posts in each"})
		return
	}
	p := parcel{at: at, done: make(chan error, 1)}
	var err error
	if p.posts, p.bad, err = d.read(body, r.Header.Get("Content-Encoding")); err != nil {
		d.forget(signature)
		say(w, http.StatusBadRequest, answer{Error: err.Error()})
		return
	}
	limit := time.NewTimer(answerWithin)
	defer limit.Stop()
	if !d.pass(r, p, limit.C) {
		d.forget(signature) // it may be sent again as it is; what got through all the same folds by its key
		say(w, http.StatusServiceUnavailable, answer{Error: "Kafka does not answer; send it again later"})
		return
	}
	code := http.StatusOK
	if len(p.posts) == 0 && len(p.bad) > 0 {
		code = http.StatusUnprocessableEntity
	}
	say(w, code, answer{Accepted: len(p.posts), Refused: p.bad})
}

// pass gives a parcel to the hand-over and reports whether it is on Kafka.
func (d *door) pass(r *http.Request, p parcel, limit <-chan time.Time) bool {
	select {
	case d.queue <- p:
	case <-limit:
		return false
	case <-r.Context().Done():
		return false
	}
	select {
	case err := <-p.done:
		return err == nil
	case <-limit:
		return false
	case <-r.Context().Done():
		select { // what was handed over in time counts
		case err := <-p.done:
			return err == nil
		default:
			return false
		}
	}
}

type standing int

const (
	welcome standing = iota
	replayed
	crowded
)

// once notes a signature, or says why it may not pass.
func (d *door) once(signature string, at int64) standing {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.seen[signature]; known {
		return replayed
	}
	if len(d.seen) >= mostSignatures {
		oldest := d.now().Unix() - int64(d.cfg.Tolerance/time.Second)
		for s, second := range d.seen {
			if second < oldest { // its time alone refuses it
				delete(d.seen, s)
			}
		}
		if len(d.seen) >= mostSignatures {
			return crowded
		}
	}
	d.seen[signature] = at
	return welcome
}

func (d *door) forget(signature string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.seen, signature)
}
