package simulate

import (
	"strconv"
	"strings"
)

// ref is the place of a record in the stream: all else is computed from it.
type ref struct {
	slice int64 // ms since 1970 / length of a slice
	lane  uint8
	slot  int32
}

// Bits of a packed ref; 35 bits of slice reach the year 3058.
const (
	slotBits = 22
	laneBits = 2
	idBits   = 62
	idMask   = 1<<idBits - 1
)

func (r ref) pack() uint64 {
	return uint64(r.slice)<<(slotBits+laneBits) | uint64(r.lane)<<slotBits | uint64(r.slot)
}

func unpack(p uint64) ref {
	return ref{int64(p >> (slotBits + laneBits)), uint8(p >> slotBits & (1<<laneBits - 1)), int32(p & (1<<slotBits - 1))}
}

// permutation is a keyed bijection of 62-bit numbers, so that ids look like a
// platform's, never collide, and can be read backwards.
type permutation struct{ key, factor, inverse uint64 }

func newPermutation(key uint64) permutation {
	p := permutation{key: key & idMask, factor: mix(key)<<1 | 1}
	p.inverse = p.factor // Newton: each step doubles the correct low bits, from 3
	for range 5 {
		p.inverse *= 2 - p.factor*p.inverse
	}
	return p
}

func (p permutation) forth(x uint64) uint64 {
	x = (x ^ p.key) * p.factor & idMask
	x ^= x >> (idBits / 2)
	x = x * p.factor & idMask
	return x ^ x>>(idBits/2)
}

func (p permutation) back(x uint64) uint64 {
	x ^= x >> (idBits / 2) // its own inverse: two shifts leave nothing of 62 bits
	x = x * p.inverse & idMask
	x ^= x >> (idBits / 2)
	return x*p.inverse&idMask ^ p.key
}

// postID spells a number as the platform would.
func postID(platform uint8, n uint64, author string) string {
	var buf [128]byte
	b := buf[:0]
	switch platform {
	case onBluesky:
		b = append(append(append(b, "at://"...), author...), "/app.bsky.feed.post/"...)
		return string(strconv.AppendUint(b, n, 32))
	case onReddit:
		return string(strconv.AppendUint(append(b, "t_"...), n, 36))
	case onBlog:
		b = append(append(append(b, "https://"...), author...), "/p/"...)
		return string(strconv.AppendUint(b, n, 36))
	case onReviews:
		return string(strconv.AppendUint(append(b, "r-"...), n, 16))
	default:
		return string(strconv.AppendUint(b, n, 10))
	}
}

// parseID undoes postID.
func parseID(platform, id string) (uint64, bool) {
	base := 10
	switch platform {
	case "bluesky":
		base = 32
	case "reddit", "blog":
		base = 36
	case "reviews":
		base = 16
	}
	n, err := strconv.ParseUint(id[strings.LastIndexAny(id, "/_-")+1:], base, 64)
	return n, err == nil && n <= idMask
}
