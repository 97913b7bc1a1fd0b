package bluesky

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxFrame bounds a frame after decompression; a record has at most 1 MiB as CBOR.
	maxFrame = 4 << 20
	// dictionaryMagic begins a zstd dictionary (RFC 8878 §5).
	dictionaryMagic = 0xEC30A437
)

// unpacker undoes the compression of a version 2 stream: each message is a zstd frame
// that needs the server's dictionary.
type unpacker struct {
	id     uint32
	reader *zstd.Decoder
	buffer []byte
}

// unpacker fetches the server's present dictionary.
func (s *Source) unpacker(ctx context.Context) (*unpacker, error) {
	u, err := url.Parse(s.cfg.Endpoint)
	if err != nil {
		return nil, errors.New("the endpoint cannot be read")
	}
	u.Scheme = strings.Replace(u.Scheme, "ws", "http", 1)
	u.Path = "/xrpc/network.bsky.jetstream.getZstdDictionary"
	resp, err := s.http.Get(ctx, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("dictionary: %w", err)
	}
	return newUnpacker(resp.Body)
}

func newUnpacker(dictionary []byte) (*unpacker, error) {
	if len(dictionary) < 8 || binary.LittleEndian.Uint32(dictionary) != dictionaryMagic {
		return nil, errors.New("dictionary: the server's answer is not a zstd dictionary")
	}
	reader, err := zstd.NewReader(nil, zstd.WithDecoderDicts(dictionary), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxMemory(maxFrame), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("dictionary: %w", err)
	}
	return &unpacker{id: binary.LittleEndian.Uint32(dictionary[4:]), reader: reader}, nil
}

// unpack returns the text of a frame, valid until the next one.
func (u *unpacker) unpack(data []byte) ([]byte, error) {
	out, err := u.reader.DecodeAll(data, u.buffer[:0])
	if err != nil {
		return nil, fmt.Errorf("bluesky: unpack a frame: %w", err)
	}
	u.buffer = out
	return out, nil
}

func (u *unpacker) close() { u.reader.Close() }
