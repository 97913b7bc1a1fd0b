package measure

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"earshot/enrich/model/language"
)

// Figures are everything that the model card tells in numbers.
type Figures struct {
	Version     string        `json:"version"`
	TableBytes  int           `json:"table_bytes"`
	ClaimPoints int           `json:"claim_points"`
	Reports     []Report      `json:"reports"`
	Claims      []KindClaims  `json:"claims"`
	Unknown     []UnknownCode `json:"unknown_languages"`
}

// KindClaims are the weights of the claim that were tried on a kind of texts.
type KindClaims struct {
	Kind   Kind     `json:"kind"`
	Claims []Claims `json:"claims"`
}

// UnknownCode is a language that cannot be answered, and what it is taken for.
type UnknownCode struct {
	Code    string         `json:"code"`
	Texts   int            `json:"texts"`
	Sure    float64        `json:"mean_confidence"`
	Answers map[string]int `json:"answers"`
}

// NewFigures measures a detector on the texts that were held out.
func NewFigures(d *language.Detector, all []Text) Figures {
	held := HeldOut(all)
	known := Known(held)
	f := Figures{Version: language.Version, TableBytes: d.Size(), ClaimPoints: language.ClaimPoints}
	for _, kind := range []Kind{Sentences, Pairs, Words, Posts, MorePosts} {
		f.Reports = append(f.Reports, NewReport(d, kind, known))
	}
	for _, kind := range []Kind{Sentences, Pairs, Posts} {
		k := KindClaims{Kind: kind}
		texts := slices.DeleteFunc(slices.Clone(known), func(t Text) bool { return t.Kind != kind })
		for _, points := range []int{0, 10, language.ClaimPoints, 40} {
			k.Claims = append(k.Claims, NewClaims(d, points, texts))
		}
		f.Claims = append(f.Claims, k)
	}
	f.Unknown = unknown(d, held)
	return f
}

// unknown says what becomes of the languages that cannot be answered.
func unknown(d *language.Detector, held []Text) (out []UnknownCode) {
	codes, among := language.Codes(), d.NewCandidates(nil)
	for _, t := range held {
		if slices.Contains(codes, t.Code) {
			continue
		}
		at := slices.IndexFunc(out, func(u UnknownCode) bool { return u.Code == t.Code })
		if at < 0 {
			at, out = len(out), append(out, UnknownCode{Code: t.Code, Answers: map[string]int{}})
		}
		u, a := &out[at], d.Detect("", t.Words, "", among)
		u.Texts++
		u.Answers[cmp.Or(a.Code, "und")]++
		u.Sure += float64(a.Confidence) / 1000
	}
	for i := range out {
		out[i].Sure = digits(out[i].Sure / float64(out[i].Texts))
	}
	slices.SortFunc(out, func(a, b UnknownCode) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

// JSON is the machine-readable form.
func (f Figures) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("language: figures: %w", err)
	}
	return append(text, '\n'), nil
}

// Card is the model card in Markdown: the text of head.md and tail.md around the tables.
func (f Figures) Card(head, tail string) string {
	var out strings.Builder
	out.WriteString(head)
	f.kinds(&out)
	f.claims(&out)
	f.languages(&out)
	f.confusions(&out)
	f.curves(&out)
	f.unknowns(&out)
	out.WriteString(tail)
	return out.String()
}

func (f Figures) kinds(out *strings.Builder) {
	fmt.Fprintf(out, "## How often it is right\n\nTables of version %s, %.1f MB in memory; all languages are candidates, the platform claims nothing, and short texts are\n"+
		"answered too. Accuracy in percent with its 95 %% interval (1,000 bootstrap samples); ECE: expected calibration error in points.\n\n"+
		"| held out | texts | right | mean of languages | ECE |\n|---|---|---|---|---|\n", f.Version, float64(f.TableBytes)/1e6)
	for _, r := range f.Reports {
		fmt.Fprintf(out, "| %s | %d | %s | %.2f | %.2f |\n", r.Kind, r.Texts, r.Accuracy, 100*r.Mean, 100*r.ECE)
	}
	out.WriteByte('\n')
}

// String is a share in percent with its interval.
func (s Share) String() string {
	return fmt.Sprintf("%.2f (%.2f–%.2f)", 100*s.Value, 100*s.Low, 100*s.High)
}

func (f Figures) claims(out *strings.Builder) {
	fmt.Fprintf(out, "## What the platform's claim weighs\n\nThe claim takes %d points off the claimed language, half a nat each. Accuracy in percent by that weight: without a claim; with\n"+
		"a right one; with a wrong one (English, or Spanish of English texts: a setting that nobody changed; or any other language);\n"+
		"and where nine claims in ten are right. The weight is the largest of those tried (0, 3, 6, 9, 12, 16, 20, 25, 30, 40) at which a wrong\n"+
		"claim costs word pairs less than half a point and posts less than 0.2.\n\n"+
		"| held out | points | none | right | unchanged setting | any other | 9 of 10 right |\n|---|---|---|---|---|---|---|\n", f.ClaimPoints)
	for _, k := range f.Claims {
		for _, c := range k.Claims {
			fmt.Fprintf(out, "| %s | %d | %.2f | %.2f | %.2f | %.2f | %.2f |\n", k.Kind, c.Points, 100*c.None, 100*c.Right, 100*c.Wrong, 100*c.Other, 100*c.Mixed(90))
		}
	}
	out.WriteByte('\n')
}

func (f Figures) languages(out *strings.Builder) {
	out.WriteString("## By language\n\nPercent right, and in brackets how many texts were held out.\n\n| |")
	codes := map[string]bool{}
	for _, r := range f.Reports {
		fmt.Fprintf(out, " %s |", r.Kind)
		for code := range r.Languages {
			codes[code] = true
		}
	}
	out.WriteString("\n|---|---|---|---|---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(out, "| %s |", code)
		for _, r := range f.Reports {
			if s, ok := r.Languages[code]; ok {
				fmt.Fprintf(out, " %.1f (%d) |", 100*s.Value, s.N)
			} else {
				out.WriteString(" |")
			}
		}
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
}

// confusions names the most frequent wrong answers.
func (f Figures) confusions(out *strings.Builder) {
	out.WriteString("## What is taken for what\n\nThe most frequent errors, each with its number; whole matrices are in language.json.\n\n")
	for _, r := range f.Reports {
		type pair struct {
			gold, answer string
			n            int
		}
		var all []pair
		for gold, row := range r.Confusion {
			for answer, n := range row {
				if gold != answer {
					all = append(all, pair{gold, answer, n})
				}
			}
		}
		slices.SortFunc(all, func(a, b pair) int {
			return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.gold, b.gold), cmp.Compare(a.answer, b.answer))
		})
		fmt.Fprintf(out, "- %s:", r.Kind)
		for i, p := range all[:min(10, len(all))] {
			if i > 0 {
				out.WriteByte(',')
			}
			fmt.Fprintf(out, " %s as %s %d", p.gold, p.answer, p.n)
		}
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
}

func (f Figures) curves(out *strings.Builder) {
	out.WriteString("## Confidence and truth\n\nFifteen bins of equal mass: mean confidence → share that is right, in percent.\n\n")
	for _, r := range f.Reports {
		fmt.Fprintf(out, "- %s (%d each):", r.Kind, r.Texts/bins)
		for _, b := range r.Curve {
			fmt.Fprintf(out, " %.0f→%.0f", 100*b.Confidence, 100*b.Right)
		}
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
}

func (f Figures) unknowns(out *strings.Builder) {
	out.WriteString("## Languages that it cannot name\n\nWhat posts in them are taken for; the confidence does not know that they are strangers.\n\n" +
		"| | posts | mean confidence | answers |\n|---|---|---|---|\n")
	for _, u := range f.Unknown {
		codes := slices.SortedFunc(maps.Keys(u.Answers), func(a, b string) int {
			return cmp.Or(cmp.Compare(u.Answers[b], u.Answers[a]), cmp.Compare(a, b))
		})
		fmt.Fprintf(out, "| %s | %d | %.2f |", u.Code, u.Texts, u.Sure)
		for _, code := range codes[:min(4, len(codes))] {
			fmt.Fprintf(out, " %s %d", code, u.Answers[code])
		}
		out.WriteString(" |\n")
	}
	out.WriteByte('\n')
}
