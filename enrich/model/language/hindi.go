package language

import (
	"encoding/binary"
	"strings"
)

// hindiWords are frequent words of Hindi in Latin letters that no other language here has
// often. lingua-go has no statistics of it.
const hindiWords = `hai hain nahi nahin nhi kya kyu kyun kyon bhai bhi aur kahan kaise kaisa kuch kuchh hamare hamara tumhara
	aapka aapki aapke apna apne apni yeh iska iski iske uska uski uske unka unki hoga hogi honge hota hoti raha rahi rahe
	karo karna karne karke karte karta karti gaya gayi lekin bahut bohot bahot accha acha achha achchha yaar bhaiya sahi
	matlab wala wale wali jaise jaisa aisa aise waise kyuki kyonki chahiye dekho dekh mujhe tujhe unko kisi kisne jisne
	bhakt zindagi pyar dost hoon tera teri tere mera meri mere tum hum ham usko isko unhe inhe desh sirf agar magar phir kitna
	kitne abhi jab tak liye diya kiya mai kyo kyuki sabhi sabse nahii hua hui hue jaa jao hota hote pata kuchh log logo logon`

// hindiSupport are words that are frequent in Hindi, but in other languages too: they
// count beside one of hindiWords.
const hindiSupport = `ke ki ko ka se mein me hi to jo ye wo woh ab par pe na ji kar kr k liya tha thi the toh sab ho ek is us aap bol din ne ya bina`

// hindiShare: one in so many words, and two of hindiWords, make a text Hindi.
const hindiShare = 5

// romanised is a set of words of up to eight letters, by the codes of their letters.
type romanised [1024]uint64

func newRomanised(l *letters, words string) (set romanised) {
	for word := range strings.FieldsSeq(words) {
		var key [8]byte
		for i, c := range []byte(word) {
			if i < len(key) {
				key[i] = l[c].code
			}
		}
		k := binary.LittleEndian.Uint64(key[:])
		at := hash(k) >> 54
		for set[at] != 0 && set[at] != k {
			at = (at + 1) % uint64(len(set))
		}
		set[at] = k
	}
	return set
}

// has looks a word of n letters up; eight zeros follow it.
func (s *romanised) has(word []byte, n int) bool {
	if n > 8 {
		return false
	}
	key := binary.LittleEndian.Uint64(word)
	for at := hash(key) >> 54; s[at] != 0; at = (at + 1) % uint64(len(s)) {
		if s[at] == key {
			return true
		}
	}
	return false
}
