package query

import "hash/maphash"

// How many words are kept, a power of two, and how many bytes a word may have, plain and folded.
const (
	keptWords = 1024
	keptBytes = 47
)

// foldedWords keeps words that fold slowly: in scripts with marks (Thai, Hindi, Arabic) the same few words come again
// and again. Each word has one place, which it shares with others: the last one stays. It never grows.
type foldedWords struct {
	seed   maphash.Seed
	places [keptWords]foldedWord
}

type foldedWord struct {
	plainLen, foldedLen uint8 // no plain bytes: free
	plain, folded       [keptBytes]byte
}

func newFoldedWords() *foldedWords { return &foldedWords{seed: maphash.MakeSeed()} }

// recall adds s, folded, to dst.
func (w *foldedWords) recall(f *folder, dst []byte, s string) []byte {
	if w == nil || len(s) > keptBytes {
		return f.slow(dst, s)
	}
	place := &w.places[maphash.String(w.seed, s)%keptWords]
	if string(place.plain[:place.plainLen]) == s {
		return append(dst, place.folded[:place.foldedLen]...)
	}
	begin := len(dst)
	dst = f.slow(dst, s)
	if folded := dst[begin:]; len(folded) <= keptBytes {
		place.plainLen, place.foldedLen = uint8(copy(place.plain[:], s)), uint8(copy(place.folded[:], folded))
	}
	return dst
}
