package webhook

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"earshot/pipeline"
	"earshot/pipeline/collect/inbound"
)

// refusal is a post of a request that cannot be one. It becomes a dead letter.
type refusal struct {
	Place   int    `json:"place"` // from 1
	Reason  string `json:"reason"`
	payload []byte
}

func (r refusal) origin() string { return "post " + strconv.Itoa(r.Place) }

// read makes posts of a body. What is wrong with one of them harms no other.
func (d *door) read(body []byte, encoding string) (posts []pipeline.Post, bad []refusal, err error) {
	body, err = unpack(body, encoding, d.cfg.MaxBytes)
	if err != nil {
		return nil, nil, err
	}
	parts, err := split(body)
	if err != nil {
		return nil, nil, err
	}
	if len(parts) == 0 {
		return nil, nil, errors.New("the body holds no post; send one as JSON, several as an array or as NDJSON")
	}
	for n, part := range parts {
		var p pipeline.Post
		if problem := d.decode(part, &p); problem != nil {
			bad = append(bad, refusal{Place: n + 1, Reason: problem.Error(), payload: part})
			continue
		}
		posts = append(posts, p)
	}
	return posts, bad, nil
}

func (d *door) decode(data []byte, p *pipeline.Post) error {
	if _, err := pipeline.DecodePost(data, p); err != nil {
		return err
	}
	if p.Platform == "" {
		p.Platform = d.cfg.Platform
	}
	if len(d.cfg.Platforms) > 0 && !slices.Contains(d.cfg.Platforms, p.Platform) {
		return fmt.Errorf("platform %.40q is not one that this address takes", p.Platform)
	}
	p.SeenAt = 0 // our clock, not theirs
	return p.Validate()
}

// unpack undoes the Content-Encoding within the limit.
func unpack(body []byte, encoding string, limit int64) ([]byte, error) {
	var r io.Reader
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, errors.New("the body is not gzip")
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)+1<<20))
		if err != nil {
			return nil, errors.New("the body is not zstd")
		}
		defer z.Close()
		r = z
	default:
		return nil, fmt.Errorf("Content-Encoding %.40q is unknown; known are gzip, zstd", encoding)
	}
	unpacked, err := inbound.Body(r, limit)
	if errors.Is(err, inbound.ErrTooLarge) || errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return nil, fmt.Errorf("the body is larger than %d bytes when it is unpacked", limit)
	}
	if err != nil {
		return nil, errors.New("the body cannot be unpacked")
	}
	return unpacked, nil
}

// split cuts a body into its posts: an array, or a post in each line, or one over several.
func split(body []byte) ([][]byte, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case len(body) == 0:
		return nil, nil
	case body[0] == '[':
		var list []json.RawMessage
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, errors.New("the array is not JSON")
		}
		parts := make([][]byte, len(list))
		for n := range list {
			parts[n] = list[n]
		}
		return parts, nil
	case json.Valid(body):
		return [][]byte{body}, nil
	}
	var parts [][]byte
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			parts = append(parts, line)
		}
	}
	return parts, nil
}
