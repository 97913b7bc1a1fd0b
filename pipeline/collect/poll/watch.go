package poll

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Watch says which posts are due to be read again: at each of the ages in Steps. It tells
// of counts, edits and deletes where a platform does not tell by itself. The zero Watch
// with no Steps watches nothing.
type Watch struct {
	Steps []time.Duration // ages of a post, growing
	Most  int             // posts watched at once; of more, an even sample

	posts []watched // in the order in which they were seen
}

// DefaultAges are the ages at which counts of a post are worth another look.
func DefaultAges() []time.Duration {
	return []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
}

// CheckAges reports what is wrong with ages as an operator writes them for Steps.
func CheckAges(ages []time.Duration) error {
	if !slices.IsSorted(ages) || len(ages) > 0 && ages[0] < 0 {
		return errors.New("reread: ages must grow, as in [1h, 24h, 7d]")
	}
	return nil
}

type watched struct {
	id   string
	seen int64  // s, our clock
	step int    // the next one
	lot  uint64 // of posts too many, the highest lot is let go
}

// lot depends on the id alone, so that the posts that stay are an even sample of all, at each age and after a restart:
// the k lowest of random numbers (bottom-k sampling, Cohen and Kaplan 2007).
func lot(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}

// Add begins to watch a post. Its age counts from when we saw it, which no claim of a
// platform can move.
func (w *Watch) Add(id string, now time.Time) {
	if len(w.Steps) == 0 || w.Most <= 0 {
		return
	}
	w.posts = append(w.posts, watched{id: id, seen: now.Unix(), lot: lot(id)})
	for len(w.posts) > w.Most {
		highest := 0
		for i := range w.posts {
			if w.posts[i].lot > w.posts[highest].lot {
				highest = i
			}
		}
		w.posts = slices.Delete(w.posts, highest, highest+1)
	}
}

// Due are at most n posts whose time has come.
func (w *Watch) Due(now time.Time, n int) []string {
	var ids []string
	for i := range w.posts {
		if len(ids) == n {
			break
		}
		if w.due(&w.posts[i], now) {
			ids = append(ids, w.posts[i].id)
		}
	}
	return ids
}

func (w *Watch) due(p *watched, now time.Time) bool {
	return p.step < len(w.Steps) && now.Unix()-p.seen >= int64(w.Steps[p.step]/time.Second)
}

// Done says that these were read again; gone are the ones that need no further look.
func (w *Watch) Done(now time.Time, ids []string, gone map[string]bool) {
	read := make(map[string]bool, len(ids))
	for _, id := range ids {
		read[id] = true
	}
	kept := w.posts[:0]
	for _, p := range w.posts {
		if read[p.id] {
			for w.due(&p, now) { // what was missed while we were away is one reading
				p.step++
			}
		}
		if p.step < len(w.Steps) && !gone[p.id] {
			kept = append(kept, p)
		}
	}
	w.posts = kept
}

// Next is when the next post is due, or zero.
func (w *Watch) Next() time.Time {
	var next time.Time
	for i := range w.posts {
		p := &w.posts[i]
		if p.step >= len(w.Steps) {
			continue
		}
		if at := time.Unix(p.seen, 0).Add(w.Steps[p.step]); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// Len is how many posts are watched.
func (w *Watch) Len() int { return len(w.posts) }

// MarshalJSON writes the posts in a short form: id, step, and seconds since the one
// before, each post behind a blank.
func (w *Watch) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	last := int64(0)
	for _, p := range w.posts {
		fmt.Fprintf(&b, "%s,%d,%s ", p.id, p.step, strconv.FormatInt(p.seen-last, 36))
		last = p.seen
	}
	return json.Marshal(strings.TrimSuffix(b.String(), " "))
}

// UnmarshalJSON reads the posts; Steps and Most stay as they are set. What is not of the
// short form is an error.
func (w *Watch) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	w.posts = nil
	last := int64(0)
	for field := range strings.FieldsSeq(text) {
		part := strings.Split(field, ",")
		if len(part) != 3 || part[0] == "" {
			return fmt.Errorf("poll: %.40q is no watched post", field)
		}
		step, err := strconv.Atoi(part[1])
		after, err2 := strconv.ParseInt(part[2], 36, 64)
		if err != nil || err2 != nil || step < 0 {
			return fmt.Errorf("poll: %.40q is no watched post", field)
		}
		last += after
		w.posts = append(w.posts, watched{id: part[0], seen: last, step: step, lot: lot(part[0])})
	}
	return nil
}
