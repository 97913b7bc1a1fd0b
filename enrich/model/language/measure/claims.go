package measure

import (
	"fmt"
	"hash/fnv"

	"earshot/enrich/model/language"
)

// Claims is how often texts are told right where the platform's claim weighs so many points.
type Claims struct {
	Points int     `json:"points"`
	None   float64 `json:"none"`  // without a claim
	Right  float64 `json:"right"` // the claim is right
	Wrong  float64 `json:"wrong"` // it is English, or of English texts Spanish: a setting never changed
	Other  float64 `json:"other"` // it is wrong otherwise: any language at all
}

// Mixed is the accuracy where of a hundred posts so many claim right, the rest wrong in both
// ways alike.
func (c Claims) Mixed(right float64) float64 {
	return digits(right/100*c.Right + (1-right/100)*(c.Wrong+c.Other)/2)
}

// NewClaims measures a weight.
func NewClaims(d *language.Detector, points int, texts []Text) Claims {
	weighed := d.WithClaimPoints(points)
	among := weighed.NewCandidates(nil)
	share := func(claim func(Text) string) float64 {
		right := 0
		for _, t := range texts {
			if weighed.Detect("", t.Words, claim(t), among).Code == t.Code {
				right++
			}
		}
		return digits(float64(right) / float64(max(1, len(texts))))
	}
	codes := language.Codes()
	return Claims{
		Points: points,
		None:   share(func(Text) string { return "" }),
		Right:  share(func(t Text) string { return t.Code }),
		Wrong:  share(func(t Text) string { return unchanged(t.Code) }),
		Other:  share(func(t Text) string { return other(codes, t) }),
	}
}

// unchanged is the commonest wrong claim.
func unchanged(code string) string {
	if code == "en" {
		return "es"
	}
	return "en"
}

// other is a language that is not the text's, by hash.
func other(codes []string, t Text) string {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, "claim", t.Words) // a hash takes everything
	at := int(h.Sum32() % uint32(len(codes)))
	if codes[at] == t.Code {
		at = (at + 1) % len(codes)
	}
	return codes[at]
}
