package poll

import (
	"encoding/json"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// remembered bounds the ids of a mark: several pages, so that the last ones read are
// surely met again, also where some of them were deleted.
const remembered = 500

// Mark is what was read of a listing: the newest believable time, and the last ids. Times
// do not decide what is new, since they are claims: one post of the year 2999 would hide
// all that come after it.
type Mark struct {
	Newest int64 // ms; 0: nothing was read yet
	known  map[string]bool
	order  []string // hashes of ids, oldest first
}

func hash(id string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return strconv.FormatUint(h.Sum64(), 36)
}

// Has reports whether the id was read.
func (m *Mark) Has(id string) bool { return m.known[hash(id)] }

// Add counts an id as read. A time in the future says nothing.
func (m *Mark) Add(id string, millis int64, now time.Time) {
	if millis <= now.UnixMilli() {
		m.Newest = max(m.Newest, millis)
	}
	m.enter(hash(id))
}

func (m *Mark) enter(h string) {
	if m.known[h] {
		return
	}
	if m.known == nil {
		m.known = map[string]bool{}
	}
	m.known[h] = true
	m.order = append(m.order, h)
	if len(m.order) > remembered {
		delete(m.known, m.order[0])
		m.order = m.order[1:]
	}
}

// Empty reports whether nothing was read yet.
func (m *Mark) Empty() bool { return len(m.order) == 0 }

type mark struct {
	Newest int64  `json:"ms,omitempty"`
	Seen   string `json:"seen,omitempty"` // joined by blanks, which is shorter than a list
}

// MarshalJSON writes it for a cursor.
func (m *Mark) MarshalJSON() ([]byte, error) {
	return json.Marshal(mark{Newest: m.Newest, Seen: strings.Join(m.order, " ")})
}

// UnmarshalJSON reads it from a cursor.
func (m *Mark) UnmarshalJSON(b []byte) error {
	var in mark
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*m = Mark{Newest: in.Newest}
	for h := range strings.FieldsSeq(in.Seen) {
		m.enter(h)
	}
	return nil
}
