package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"earshot/pipeline"
)

// identityBytes is how much of a file's beginning tells it from others.
const identityBytes = 64 << 10

// identity of a file: the hash of its first bytes, as many as it had (up to 64 KiB) when
// its first record was read. It holds for a file that grows, or is moved.
type identity struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// place is where reading stands, as the cursor keeps it. No clock goes in: the same place
// must be the same bytes.
type place struct {
	V          int      `json:"v"`
	File       identity `json:"file"`
	Generation int64    `json:"generation,omitempty"` // how many files were read before under this path
	Offset     int64    `json:"offset"`               // of the next record in the unpacked stream
	Line       int64    `json:"line"`                 // line breaks before it
	Plan       *plan    `json:"plan,omitempty"`       // the columns, as decided at the beginning
}

const placeVersion = 1

func (p place) cursor() (pipeline.Cursor, error) {
	p.V = placeVersion
	return json.Marshal(p)
}

// readPlace reads a cursor. An error is ours, not the file's: a cursor that this program
// has not written.
func readPlace(c pipeline.Cursor) (place, error) {
	var p place
	if len(c) == 0 {
		return p, nil
	}
	d := json.NewDecoder(bytes.NewReader(c))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return place{}, fmt.Errorf("file: cursor: %w", err)
	}
	switch {
	case p.V != placeVersion:
		return place{}, fmt.Errorf("file: cursor of version %d, this program reads %d", p.V, placeVersion)
	case p.Offset < 0 || p.Line < 0 || p.File.Bytes < 0 || p.File.Bytes > identityBytes:
		return place{}, fmt.Errorf("file: cursor out of bounds: %s", c)
	}
	return p, nil
}

// identify hashes the first n bytes of a file, or as many as there are.
func identify(f io.ReaderAt, n int64) (identity, error) {
	h := sha256.New()
	read, err := io.Copy(h, io.NewSectionReader(f, 0, n))
	if err != nil {
		return identity{}, fmt.Errorf("file: read its beginning: %w", err)
	}
	return identity{Bytes: read, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// same reports whether the file is the one that the place is in.
func (p place) same(f *os.File) (bool, error) {
	if p.File == (identity{}) { // nothing of it was read yet
		return true, nil
	}
	id, err := identify(f, p.File.Bytes)
	return id == p.File, err
}
