package file

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

const (
	maxRecord  = 8 << 20  // bytes of a record; a Post of the largest text and title is smaller
	keptRecord = 64 << 10 // bytes kept of a longer one
	firstBuf   = 64 << 10
)

// frame is one record of a file as it stands there, without its line break.
type frame struct {
	data    []byte // valid until the next frame
	offset  int64  // of its first byte in the unpacked stream
	end     int64  // of the next record
	lines   int64  // line breaks that it spans
	problem string // why it is no record; data is its beginning
}

// split finds the first record in data: how far it goes with its line break, and without.
// Zero means that more data is needed; at the end of the stream there is none. whole is
// set when data cannot grow: then split must answer, with a problem if need be.
type split func(data []byte, whole bool) (advance, length int, problem string)

// framer cuts a stream into records. It keeps one record in memory, at most maxRecord.
type framer struct {
	r          io.Reader
	split      split
	live       bool // the stream may go on: a record without a line break waits for it
	buf        []byte
	start, end int
	offset     int64 // of buf[start]
	long       *long // a record that is too long, on its way to its end
}

// long is what is kept of a record that is longer than maxRecord.
type long struct {
	offset, size int64
	begin        []byte
	hash         hash.Hash
}

func newFramer(r io.Reader, offset int64, s split) *framer {
	return &framer{r: r, split: s, offset: offset, buf: make([]byte, firstBuf)}
}

// next returns the next record, or io.EOF. After io.EOF a live framer may be asked again.
func (f *framer) next() (frame, error) {
	for {
		if fr, ok := f.cut(false); ok {
			return fr, nil
		}
		err := f.fill()
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && !f.live:
			if fr, ok := f.cut(true); ok {
				return fr, nil
			}
			return frame{}, io.EOF
		default:
			return frame{}, err
		}
	}
}

// cut takes the first record off the buffer, if a whole one is there.
func (f *framer) cut(last bool) (frame, bool) {
	data := f.buf[f.start:f.end]
	if f.offset == 0 && f.long == nil && len(data) >= 3 && string(data[:3]) == "\xEF\xBB\xBF" {
		f.skip(3)
		data = data[3:]
	}
	if f.long != nil {
		return f.cutLong(data, last)
	}
	if len(data) == 0 {
		return frame{}, false
	}
	full := len(data) >= maxRecord
	advance, length, problem := f.split(data, last || full)
	switch {
	case advance > 0 && length <= maxRecord:
		fr := frame{data: data[:length], offset: f.offset, end: f.offset + int64(advance), problem: problem,
			lines: int64(bytes.Count(data[:advance], []byte{'\n'}))}
		f.skip(advance)
		return fr, true
	case full || advance > 0:
		f.long = &long{offset: f.offset, begin: bytes.Clone(data[:keptRecord]), hash: sha256.New()}
		return f.cutLong(data, last)
	}
	return frame{}, false
}

// cutLong passes over a record that is too long, up to its line break.
func (f *framer) cutLong(data []byte, last bool) (frame, bool) {
	n := bytes.IndexByte(data, '\n')
	end := n >= 0
	if !end {
		n = len(data)
	}
	f.long.hash.Write(data[:n])
	f.long.size += int64(n)
	f.skip(n)
	if !end && !last {
		return frame{}, false
	}
	l := f.long
	f.long = nil
	fr := frame{data: l.begin, offset: l.offset, problem: fmt.Sprintf(
		"the record is %d bytes long and at most %d are read; only its beginning is kept (sha256 of the whole %x)", l.size, maxRecord, l.hash.Sum(nil))}
	if end {
		f.skip(1)
		fr.lines = 1
	}
	fr.end = f.offset
	return fr, true
}

func (f *framer) skip(n int) {
	f.start += n
	f.offset += int64(n)
}

// fill reads more, making room first.
func (f *framer) fill() error {
	if f.start > 0 {
		copy(f.buf, f.buf[f.start:f.end])
		f.end -= f.start
		f.start = 0
	}
	if f.end == len(f.buf) {
		f.buf = append(f.buf, make([]byte, len(f.buf))...)
	}
	for range 100 {
		n, err := f.r.Read(f.buf[f.end:])
		f.end += n
		if n > 0 {
			return nil // an error comes again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// splitLine ends a record at its line break.
func splitLine(data []byte, whole bool) (advance, length int, problem string) {
	n := bytes.IndexByte(data, '\n')
	switch {
	case n >= 0:
		return n + 1, trimReturn(data[:n]), ""
	case whole && len(data) < maxRecord:
		return len(data), trimReturn(data), ""
	}
	return 0, 0, ""
}

func trimReturn(line []byte) int {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return n - 1
	}
	return len(line)
}
