package rss

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"

	"earshot/pipeline"
)

const (
	// remembered bounds the entries of all feeds in a cursor: 16 bytes each.
	remembered = 40_000
	mostOfFeed = 2000
)

// place is the cursor: feeds by the hash of their address, which may hold a key.
type place struct {
	Feeds map[string]*state `json:"feeds"`
}

// state is what was read of a feed.
type state struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	Read     int64  `json:"read"` // when it was read last, Unix ms
	Gone     bool   `json:"gone,omitempty"`
	Hub      string `json:"hub,omitempty"`
	Topic    string `json:"topic,omitempty"`
	Seen     seen   `json:"seen"`
}

func name(address string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(address))
	return strconv.FormatUint(h.Sum64(), 36)
}

func decode(from pipeline.Cursor) (place, error) {
	at := place{Feeds: map[string]*state{}}
	if from != nil {
		if err := json.Unmarshal(from, &at); err != nil {
			return at, fmt.Errorf("rss: cursor: %w", err)
		}
	}
	if at.Feeds == nil {
		at.Feeds = map[string]*state{}
	}
	return at, nil
}

func (p place) encode() pipeline.Cursor {
	b, _ := json.Marshal(p) // strings and numbers cannot fail
	return b
}

func (p place) of(address string) *state {
	s := p.Feeds[name(address)]
	if s == nil {
		s = &state{}
		p.Feeds[name(address)] = s
	}
	return s
}

// seen are the entries that were read, oldest first, with what they said.
type seen struct {
	hash  map[uint64]uint32
	order []uint64
}

// add remembers an entry as the newest and forgets the oldest beyond most.
func (s *seen) add(id uint64, hash uint32, most int) {
	if s.hash == nil {
		s.hash = map[uint64]uint32{}
	}
	if _, known := s.hash[id]; !known {
		s.order = append(s.order, id)
	}
	s.hash[id] = hash
	for len(s.order) > most {
		delete(s.hash, s.order[0])
		s.order = s.order[1:]
	}
}

// MarshalText packs 12 bytes an entry.
func (s seen) MarshalText() ([]byte, error) {
	raw := make([]byte, 0, 12*len(s.order))
	for _, id := range s.order {
		raw = binary.BigEndian.AppendUint64(raw, id)
		raw = binary.BigEndian.AppendUint32(raw, s.hash[id])
	}
	return base64.RawStdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText unpacks them.
func (s *seen) UnmarshalText(text []byte) error {
	raw, err := base64.RawStdEncoding.DecodeString(string(text))
	if err != nil || len(raw)%12 != 0 {
		return errors.New("rss: cursor: the entries that were read are damaged")
	}
	*s = seen{}
	for ; len(raw) > 0; raw = raw[12:] {
		s.add(binary.BigEndian.Uint64(raw), binary.BigEndian.Uint32(raw[8:]), mostOfFeed)
	}
	return nil
}
