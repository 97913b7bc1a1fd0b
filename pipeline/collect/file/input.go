package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxWindow is the longest zstd window that is read: Pushshift packs with 2 GiB. As much
// memory is taken while such a file is read, and no more: a frame that asks for a longer
// window is refused before anything is allocated.
const maxWindow = 2 << 30

// input is an open file, unpacked.
type input struct {
	file   *os.File
	raw    *counter // bytes read of the file itself
	stream io.Reader
	plain  bool // neither packed nor decoded: offsets are those of the file
	unpack io.Closer
}

// counter counts what is read, and stops reading when ctx ends.
type counter struct {
	ctx context.Context //nolint:containedctx // a Reader has no other way to hear of it
	r   io.Reader
	n   int64
}

func (c *counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// openInput opens a file and goes to an offset of its unpacked stream.
func openInput(ctx context.Context, path, compression string, offset int64) (*input, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := &input{file: f, raw: &counter{ctx: ctx, r: f}}
	if in.stream, err = in.unpacked(compression); err != nil {
		err = damaged(0, err)
	} else if err = in.decodeUTF16(compression == None); err == nil {
		err = in.seek(offset)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *input) unpacked(compression string) (io.Reader, error) {
	switch compression {
	case Gzip:
		z, err := gzip.NewReader(in.raw)
		if err != nil {
			return nil, err
		}
		in.unpack = z
		return z, nil
	case Zstd:
		z, err := zstd.NewReader(in.raw, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		in.unpack = z.IOReadCloser()
		return z, nil
	}
	return in.raw, nil
}

// decodeUTF16 looks for the mark with which UTF-16 begins; offsets then count UTF-8.
func (in *input) decodeUTF16(plain bool) error {
	buffered := bufio.NewReaderSize(in.stream, 64<<10)
	mark, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return damaged(0, err)
	}
	switch {
	case bytes.Equal(mark, []byte{0xFF, 0xFE}), bytes.Equal(mark, []byte{0xFE, 0xFF}):
		in.stream = transform.NewReader(buffered, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
	case plain:
		in.plain = true
		in.stream = in.raw
		_, err = in.file.Seek(0, io.SeekStart)
		in.raw.n = 0
		return err
	default:
		in.stream = buffered
	}
	return nil
}

// seek goes to an offset of the unpacked stream; a packed file has to be unpacked up to it.
func (in *input) seek(offset int64) error {
	if in.plain {
		_, err := in.file.Seek(offset, io.SeekStart)
		in.raw.n = offset
		return err
	}
	n, err := io.CopyN(io.Discard, in.stream, offset)
	if errors.Is(err, io.EOF) {
		return final{fmt.Errorf("file: %s is shorter (%d bytes unpacked) than when it was read before (%d)", in.file.Name(), n, offset)}
	}
	return err
}

func (in *input) close() {
	if in.unpack != nil {
		_ = in.unpack.Close() // only frees memory
	}
	_ = in.file.Close() // nothing was written
}

// final is an error that no repetition mends.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Permanent tells the runner not to try again.
func (final) Permanent() bool { return true }

// damaged is the end of a file that cannot be unpacked any further.
func damaged(offset int64, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || isIO(err) {
		return err
	}
	return final{fmt.Errorf("file: damaged after byte %d of its unpacked content: %w; what stands before is handed over", offset, err)}
}

// isIO reports whether the operating system failed us: that may pass.
func isIO(err error) bool {
	var p *os.PathError
	return errors.As(err, &p)
}
