package collecttest

import (
	"context"
	"errors"
	"maps"
	"sync"

	"earshot/pipeline"
)

// ErrInjected is the failure that a test asked for.
var ErrInjected = errors.New("collecttest: injected failure")

// Record is one post as it stands on the fake topic.
type Record struct {
	Post     pipeline.Post
	Handover pipeline.Handover
	Index    int // of the post in its Publish
}

// Kafka is a broker in memory: publisher, cursors, dead letters and coverage. It outlives
// the runners of a test as a real broker outlives processes. Hooks may be nil.
type Kafka struct {
	// OnPublish is asked before a Publish how many of its n posts are written; with an
	// error the caller hears of the error, whatever was written.
	OnPublish func(ctx context.Context, n int) (written int, err error)
	// OnSave may refuse a cursor; written says whether it is kept nevertheless.
	OnSave func(c pipeline.Cursor) (written bool, err error)
	// OnReport may refuse a report.
	OnReport func(pipeline.CoverageEvent) error
	// OnPut may refuse a dead letter.
	OnPut func(pipeline.DeadLetter) error

	crash   func() // ends the process of the suite
	onGrown func() // hears of each cursor that was kept

	mu      sync.Mutex
	records [partitions][]Record
	cursors map[string]place
	letters map[string]pipeline.DeadLetter
	reports []pipeline.CoverageEvent
	asked   int
	saved   []pipeline.Cursor
}

const partitions = 3

type place struct {
	cursor pipeline.Cursor
	ends   pipeline.Ends
}

// PublishRest writes the posts that are not in have to the partitions of their keys.
func (k *Kafka) PublishRest(ctx context.Context, _ pipeline.Stream, posts []pipeline.Post, h pipeline.Handover, have map[int]bool) (pipeline.Ends, error) {
	var rest []Record
	for i := range posts {
		if !have[i] {
			rest = append(rest, Record{Post: posts[i], Handover: h, Index: i})
		}
	}
	n, failure := len(rest), ctx.Err()
	if failure != nil {
		n = 0
	} else if k.OnPublish != nil {
		n, failure = k.OnPublish(ctx, len(rest))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	ends := pipeline.Ends{}
	for _, r := range rest[:n] {
		p := partition(r.Post.Key())
		k.records[p] = append(k.records[p], r)
		ends[p] = int64(len(k.records[p]))
	}
	if failure != nil {
		return nil, failure
	}
	return ends, nil
}

// Published looks for the posts of a hand-over.
func (k *Kafka) Published(_ context.Context, _ pipeline.Stream, h pipeline.Handover, since pipeline.Ends) (map[int]bool, pipeline.Ends, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	found, ends := map[int]bool{}, pipeline.Ends{}
	for p := range k.records {
		for _, r := range k.records[p][min(since[int32(p)], int64(len(k.records[p]))):] {
			if r.Handover == h {
				found[r.Index] = true
			}
		}
		ends[int32(p)] = int64(len(k.records[p]))
	}
	return found, ends, nil
}

// Ends are the next offsets.
func (k *Kafka) Ends(context.Context, pipeline.Stream) (pipeline.Ends, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ends := pipeline.Ends{}
	for p := range k.records {
		ends[int32(p)] = int64(len(k.records[p]))
	}
	return ends, nil
}

// Load returns the cursor kept.
func (k *Kafka) Load(_ context.Context, source string) (pipeline.Cursor, pipeline.Ends, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.cursors[source]
	return at.cursor, maps.Clone(at.ends), nil
}

// Save keeps a cursor.
func (k *Kafka) Save(ctx context.Context, source string, cursor pipeline.Cursor, ends pipeline.Ends) error {
	written, failure := true, ctx.Err()
	if k.OnSave != nil && cursor != nil && failure == nil {
		written, failure = k.OnSave(cursor)
	} else if failure != nil {
		written = false
	}
	if written && k.onGrown != nil {
		defer k.onGrown()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if written {
		if k.cursors == nil {
			k.cursors = map[string]place{}
		}
		k.cursors[source] = place{cursor: cursor, ends: maps.Clone(ends)}
		k.saved = append(k.saved, cursor)
	}
	return failure
}

// Put keeps a dead letter; the same one twice is one.
func (k *Kafka) Put(ctx context.Context, letter pipeline.DeadLetter) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if k.OnPut != nil {
		if err := k.OnPut(letter); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.letters == nil {
		k.letters = map[string]pipeline.DeadLetter{}
	}
	k.letters[letter.ID] = letter
	return nil
}

// Report keeps a report of coverage.
func (k *Kafka) Report(ctx context.Context, event pipeline.CoverageEvent) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if k.OnReport != nil {
		if err := k.OnReport(event); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reports = append(k.reports, event)
	return nil
}

// Records returns all records, partition by partition.
func (k *Kafka) Records() []Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []Record
	for p := range k.records {
		all = append(all, k.records[p]...)
	}
	return all
}

// Count is how many records carry each key.
func (k *Kafka) Count() map[string]int {
	k.mu.Lock()
	defer k.mu.Unlock()
	count := map[string]int{}
	for p := range k.records {
		for i := range k.records[p] { // records are large: not one is copied
			count[string(k.records[p][i].Post.Key())]++
		}
	}
	return count
}

// Letters returns the dead letters.
func (k *Kafka) Letters() []pipeline.DeadLetter {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]pipeline.DeadLetter, 0, len(k.letters))
	for _, l := range k.letters {
		all = append(all, l)
	}
	return all
}

// Reports returns the coverage reported, oldest first.
func (k *Kafka) Reports() []pipeline.CoverageEvent {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]pipeline.CoverageEvent(nil), k.reports...)
}

// Asked is how often Published was called.
func (k *Kafka) Asked() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

// Saved returns every cursor that was kept, oldest first.
func (k *Kafka) Saved() []pipeline.Cursor {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]pipeline.Cursor(nil), k.saved...)
}

// partition spreads keys; any stable spread serves a test.
func partition(key []byte) int32 {
	var h uint32
	for _, b := range key {
		h = h*31 + uint32(b)
	}
	return int32(h % partitions)
}
