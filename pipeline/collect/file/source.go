package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"earshot/pipeline"
)

// Bounds of a batch. They depend on the file alone, so that batches do.
const (
	batchRecords = 1000
	batchBytes   = 4 << 20
)

// Source reads one file.
type Source struct {
	config Config

	mu       sync.Mutex
	sentence string

	read, emitted, refused, repaired atomic.Int64
	done, size                       atomic.Int64
}

// Counters of what one process did with a file.
type Counters struct {
	Read     int64 // records, of which
	Emitted  int64 // handed over as posts and acknowledged
	Refused  int64 // written as dead letters
	Repaired int64 // records in which invalid UTF-8 or NULs were replaced
	Bytes    int64 // of the file (as packed) that are read
	Size     int64 // of the file
}

// Open checks the settings and looks at the file: its columns are settled here, so that
// an ambiguous one is an error at once. A file to be followed need not be there yet.
func Open(c Config) (*Source, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	s := &Source{config: c}
	_, err := s.inspect(context.Background())
	if errors.Is(err, fs.ErrNotExist) && c.Follow {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Columns tells in a sentence which columns were taken, if that was not set; else it is
// empty.
func (s *Source) Columns() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sentence
}

// Counters of this process, so far.
func (s *Source) Counters() Counters {
	return Counters{Read: s.read.Load(), Emitted: s.emitted.Load(), Refused: s.refused.Load(),
		Repaired: s.repaired.Load(), Bytes: s.done.Load(), Size: s.size.Load()}
}

// Deterministic is true: a batch depends on the file alone. A file that has grown since
// makes a longer batch from the same place, with the same posts first.
func (*Source) Deterministic() bool { return true }

// Run reads on from a place. It returns nil at the file's end, unless the file is
// followed. A file that is not the one of the cursor, or is damaged, is an error that no
// repetition mends.
func (s *Source) Run(ctx context.Context, from pipeline.Cursor, to pipeline.Session) error {
	at, err := readPlace(from)
	if err != nil {
		return final{err}
	}
	for {
		next, err := s.readFile(ctx, at, to)
		if err != nil || next == nil {
			return err
		}
		at = *next
	}
}

// readFile reads the file at the path, and returns where to begin in the one that has
// taken its place; nil if there is nothing more to read.
func (s *Source) readFile(ctx context.Context, at place, to pipeline.Session) (*place, error) {
	r, err := s.begin(ctx, at, to)
	if err != nil {
		return nil, err
	}
	defer r.in.close()
	if s.config.Follow {
		return r.follow(ctx)
	}
	to.Alive()
	if err := r.records(ctx); err != nil {
		return nil, err
	}
	return nil, r.flush(ctx)
}

// reading is one file being read.
type reading struct {
	source *Source
	to     pipeline.Session
	in     *input
	frames *framer
	decode decoder
	fill   defaults

	at           place // of the next record
	handed       place // up to here all is handed over
	batch        []pipeline.Post
	taken, bytes int      // records and bytes of the batch, refused ones included
	count        Counters // of the batch
}

// begin opens the file at a place.
func (s *Source) begin(ctx context.Context, at place, to pipeline.Session) (*reading, error) {
	r := &reading{source: s, to: to, at: at, handed: at}
	path, err := r.find()
	if err != nil {
		return nil, err
	}
	if s.config.table() && r.at.Plan == nil { // the delimiter must be known before the first record
		p, err := s.inspect(ctx)
		if err != nil {
			return nil, err
		}
		r.at.Plan, r.handed.Plan = &p, &p
	}
	if r.in, err = openInput(ctx, path, s.config.compression(), r.at.Offset); err != nil {
		return nil, fmt.Errorf("file: open: %w", err)
	}
	if info, err := r.in.file.Stat(); err == nil {
		s.size.Store(info.Size())
	}
	if s.config.Follow && !r.in.plain {
		r.in.close()
		return nil, final{fmt.Errorf("file: %s is UTF-16, which cannot be followed; convert it to UTF-8", path)}
	}
	cut := s.config.split(r.at.Plan)
	if r.at.Plan == nil && s.config.finds() {
		first := plan{}
		if first.Delimiter, err = s.config.delimiter(ctx); err != nil {
			return nil, err
		}
		cut = s.config.split(&first)
	}
	r.frames = newFramer(r.in.stream, r.at.Offset, cut)
	r.frames.live = s.config.Follow
	return r, nil
}

func (c Config) split(p *plan) split {
	switch {
	case c.table():
		return splitCSV(p.comma())
	case c.format() == CSV:
		return splitCSV(c.comma(p))
	}
	return splitLine
}

// find returns the path of the file that the place is in. A file that has changed since
// is an error, or, where it is followed, was rotated while nobody looked.
func (r *reading) find() (string, error) {
	path := r.source.config.Path
	ok, err := r.holds(path)
	if ok || err != nil {
		return path, err
	}
	if !r.source.config.Follow {
		return "", final{fmt.Errorf("file: %s is not the file that was read up to line %d: its beginning differs or it is shorter; give the source another name to read it from its start", path, r.at.Line)}
	}
	rotated, err := filepath.Glob(path + ".*")
	if err != nil {
		return "", fmt.Errorf("file: look for a rotated file: %w", err)
	}
	for _, other := range rotated {
		if ok, err := r.holds(other); err == nil && ok {
			return other, nil
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("file: open: %w", err)
	}
	r.to.Gap(info.ModTime(), info.ModTime(), "the file was replaced while nobody read it, and its former content is not found; what followed line "+fmt.Sprint(r.at.Line)+" is lost")
	r.at = place{Generation: r.at.Generation + 1}
	return path, nil
}

// holds reports whether the place lies in the file.
func (r *reading) holds(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("file: open: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("file: open: %w", err)
	}
	if info.IsDir() {
		return false, final{fmt.Errorf("file: %s is a directory", path)}
	}
	if r.source.config.compression() == None && info.Size() < r.at.Offset && r.at.File.Bytes > 0 && !r.utf16(f) {
		return false, nil
	}
	return r.at.same(f)
}

// utf16 reports whether offsets count decoded bytes, which the file's size does not bound.
func (*reading) utf16(f io.ReaderAt) bool {
	mark := make([]byte, 2)
	if _, err := f.ReadAt(mark, 0); err != nil {
		return false
	}
	return mark[0] == 0xFF && mark[1] == 0xFE || mark[0] == 0xFE && mark[1] == 0xFF
}

// records reads up to the end of the stream.
func (r *reading) records(ctx context.Context) error {
	for {
		fr, err := r.frames.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			if flushed := r.flush(ctx); flushed != nil {
				return flushed
			}
			if r.in.plain {
				return fmt.Errorf("file: read: %w", err)
			}
			return damaged(r.at.Offset, err)
		}
		if err := r.take(ctx, fr); err != nil {
			return err
		}
		if r.taken >= batchRecords || r.bytes >= batchBytes {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// take makes a post of a record, or refuses it.
func (r *reading) take(ctx context.Context, fr frame) error {
	if r.decode == nil {
		if err := r.settle(ctx); err != nil {
			return err
		}
	}
	line := r.at.Line + 1
	r.at.Offset, r.at.Line = fr.end, r.at.Line+fr.lines
	r.bytes += int(fr.end - fr.offset)
	if line <= r.at.Plan.Header || (len(fr.data) == 0 && fr.problem == "") {
		return nil
	}
	r.taken++
	r.count.Read++
	var p pipeline.Post
	problem := fr.problem
	if problem == "" {
		if err := r.decode.decode(fr.data, &p); err != nil {
			problem = err.Error()
		}
	}
	if problem == "" {
		r.fill.apply(&p, line)
		if err := p.Validate(); err != nil { // here, where the line is known
			problem = err.Error()
		}
	}
	if problem != "" {
		r.count.Refused++
		return r.to.Refuse(ctx, fr.data, fmt.Sprintf("%s line %d", filepath.Base(r.source.config.Path), line), fmt.Sprintf("line %d: %s", line, problem))
	}
	if _, dirty := clean(fr.data); dirty {
		r.count.Repaired++
	}
	r.batch = append(r.batch, p)
	return nil
}

// settle decides, at the first record, which file this is and what its columns mean.
func (r *reading) settle(ctx context.Context) error {
	s := r.source
	if r.at.File == (identity{}) {
		id, err := identify(r.in.file, identityBytes)
		if err != nil {
			return err
		}
		r.at.File = id
	}
	if r.at.Plan == nil || (s.config.explicit() && !s.config.table()) {
		p, err := s.inspect(ctx)
		if err != nil {
			return err
		}
		r.at.Plan = &p
		r.frames.split = s.config.split(&p) // a file that grows may have had no record before
	}
	d, err := s.config.decoder(r.at.Plan)
	if err != nil {
		return err
	}
	r.decode = d
	r.fill = s.config.defaults(*r.at.Plan, r.at.File, r.at.Generation)
	return nil
}

// flush hands the batch over, with the place behind it.
func (r *reading) flush(ctx context.Context) error {
	if r.at == r.handed {
		return nil
	}
	cursor, err := r.at.cursor()
	if err != nil {
		return err
	}
	if err := r.to.Emit(ctx, r.batch, cursor); err != nil {
		return err
	}
	s := r.source
	s.read.Add(r.count.Read)
	s.emitted.Add(int64(len(r.batch)))
	s.refused.Add(r.count.Refused)
	s.repaired.Add(r.count.Repaired)
	s.done.Store(r.in.raw.n)
	r.handed = r.at
	clear(r.batch)
	r.batch, r.taken, r.bytes, r.count = r.batch[:0], 0, 0, Counters{}
	return nil
}
