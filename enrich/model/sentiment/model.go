package sentiment

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// The classes, in the order of the data files.
const (
	Negative = iota
	Neutral
	Positive
	classes
)

// minBits is the smallest table: blocks of 16 places.
const minBits = 4

// magic begins a file of weights.
const magic = "earshot-sentiment-3\n"

// Calibration turns the scores of a language into a label and its probabilities. The label is
// chosen by the softmax of the sum of Slope*score over the parts of the model, plus Bias, times
// Worth; Claim then says how probable each class is.
type Calibration struct {
	Slope [parts]float64   `json:"slope"`
	Bias  [classes]float64 `json:"bias"`
	// Worth is what a probability of each class counts when the label is chosen: a class
	// that is rare in the labelled rows counts more.
	Worth [classes]float64 `json:"worth"`
	Rows  int              `json:"rows"`            // it was fitted on
	Claim *Claim           `json:"claim,omitempty"` // nil: P are the probabilities before Worth
}

// Parts of the model that score a text: the groups of features, and the net.
const (
	partNet = int(groups) + iota
	parts
)

// logits are the scores of a text by part of the model.
type logits [parts][classes]float64

// header stands before the weights, as JSON.
type header struct {
	Bits        int                    `json:"bits"`
	Scales      [groups]float64        `json:"scales"` // a weight of 1 in each group
	Net         netHeader              `json:"net"`
	Calibration map[string]Calibration `json:"calibration"`
}

// Model is immutable and safe for concurrent use.
type Model struct {
	header
	weights []byte // int8, classes for each place, and one byte more
	net     *net
	lex     *Lexicon
	version string
}

// Load reads a file of weights, which must not change afterwards.
func Load(file []byte) (*Model, error) {
	rest, ok := bytes.CutPrefix(file, []byte(magic))
	if !ok || len(rest) < 4 {
		return nil, errors.New("sentiment: not a file of weights")
	}
	n := int(binary.LittleEndian.Uint32(rest))
	rest = rest[4:]
	if n > len(rest) {
		return nil, errors.New("sentiment: the file of weights is cut off")
	}
	m := &Model{weights: onBigPages(rest[n:])}
	if err := json.Unmarshal(rest[:n], &m.header); err != nil {
		return nil, fmt.Errorf("sentiment: header: %w", err)
	}
	if err := m.Net.validate(); err != nil {
		return nil, err
	}
	if m.Bits < minBits || m.Bits > 24 || len(m.weights) != classes<<m.Bits+1+m.Net.bytes() {
		return nil, errors.New("sentiment: the file of weights has the wrong size")
	}
	m.net = newNet(m.Net, m.weights[classes<<m.Bits+1:])
	if _, ok := m.Calibration[""]; !ok {
		return nil, errors.New("sentiment: no calibration for unknown languages")
	}
	var err error
	if m.lex, err = NewLexicon(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file)
	m.version = hex.EncodeToString(sum[:4])
	return m, nil
}

// marshal writes the file that Load reads.
func (h header) marshal(weights []byte) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("sentiment: header: %w", err)
	}
	file := binary.LittleEndian.AppendUint32([]byte(magic), uint32(len(text)))
	return append(append(file, text...), weights...), nil
}

// Version is the beginning of the SHA-256 of the weights.
func (m *Model) Version() string { return m.version }

// Trained reports whether a language has a calibration of its own.
func (m *Model) Trained(lang string) bool {
	_, ok := m.Calibration[lang]
	return ok && lang != ""
}

// Reader judges texts with a model. It holds buffers: one goroutine each.
type Reader struct {
	m      *Model
	x      *Extractor
	tokens []netToken
}

// NewReader makes one.
func (m *Model) NewReader() *Reader { return &Reader{m: m, x: NewExtractor(m.lex, m.Bits)} }

// Judgement is what the model says of a text.
type Judgement struct {
	// P are the probabilities of negative, neutral and positive, rounded to 1/10,000; they sum to 1.
	P [classes]float64
	// Choice is what the label is chosen by: the greatest; on a tie neutral. Judgements of parts of
	// a text are mixed by mixing both.
	Choice [classes]float64
}

// Label is the class that is chosen.
func (j Judgement) Label() int { return mostProbable(j.Choice) }

// Judge judges a text in a language (ISO 639).
func (r *Reader) Judge(lang, text string) Judgement {
	z := r.m.scores(r.x.Extract(lang, text))
	r.tokens = r.x.netTokens(r.tokens[:0], r.m.Net.Bits)
	z[partNet] = r.m.net.judge(r.tokens)
	c := r.m.calibration(lang)
	return c.judge(&z, r.x.looks())
}

func (m *Model) calibration(lang string) Calibration {
	if c, ok := m.Calibration[lang]; ok {
		return c
	}
	return m.Calibration[""]
}

// judge chooses the label and says how probable it is.
func (c *Calibration) judge(z *logits, l looks) Judgement {
	p := round(c.apply(z))
	j := c.choose(p)
	if c.Claim != nil {
		label := j.Label()
		in := claimInputsOf(l, label, p[label])
		j.P = round(c.Claim.apply(z, &in))
	}
	return j
}

// choose weighs the probabilities by what they are worth in the language.
func (c *Calibration) choose(p [classes]float64) Judgement {
	j := Judgement{P: p, Choice: p}
	for k, worth := range c.Worth {
		j.Choice[k] *= worth
	}
	return j
}

// scores adds up the weights of the linear part: integers, until the last step.
func (m *Model) scores(f *Features) (z logits) {
	for g := range f {
		var a, b, c int32
		for _, at := range f[g] {
			w := binary.LittleEndian.Uint32(m.weights[at*classes:])
			a += int32(int8(w))
			b += int32(int8(w >> 8))
			c += int32(int8(w >> 16))
		}
		scale := m.Scales[g] / math.Sqrt(float64(max(1, len(f[g]))))
		z[g] = [classes]float64{scale * float64(a), scale * float64(b), scale * float64(c)}
	}
	return z
}

// apply returns the probabilities that labels are chosen by. The conversions forbid fused
// multiplication, which would differ between processors.
func (c *Calibration) apply(z *logits) [classes]float64 {
	sums := c.Bias
	for g := range z {
		for k := range sums {
			sums[k] += float64(c.Slope[g] * z[g][k])
		}
	}
	return softmax64(sums)
}

func softmax64(p [classes]float64) [classes]float64 {
	most := max(p[0], p[1], p[2])
	sum := 0.0
	for k, x := range p {
		p[k] = 1
		if x != most {
			p[k] = exp(x - most)
		}
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}

// exp is e^x for x <= 0 by (1 + y + y²/2 + ... + y⁶/720)^1024 with y = x/1024: the same
// bits on every processor, unlike math.Exp, which is assembly on some. The error is
// below 1e-10 relative for x > -30.
func exp(x float64) float64 {
	if x < -30 {
		return 0
	}
	y := float64(x * (1.0 / 1024))
	e := 1 + float64(y*(1.0/6))
	e = 1 + float64(float64(y*(1.0/5))*e)
	e = 1 + float64(float64(y*(1.0/4))*e)
	e = 1 + float64(float64(y*(1.0/3))*e)
	e = 1 + float64(float64(y*(1.0/2))*e)
	e = 1 + float64(y*e)
	for range 10 {
		e = float64(e * e)
	}
	return e
}

// round rounds to 1/10,000 so that the sum stays 1.
func round(p [classes]float64) [classes]float64 {
	const unit = 10000
	neg, pos := math.Floor(float64(p[Negative]*unit)+0.5), math.Floor(float64(p[Positive]*unit)+0.5)
	return [classes]float64{neg / unit, (unit - neg - pos) / unit, pos / unit}
}

// mostProbable is the most probable class; on a tie neutral.
func mostProbable(p [classes]float64) int {
	switch {
	case p[Negative] > p[Neutral] && p[Negative] > p[Positive]:
		return Negative
	case p[Positive] > p[Neutral] && p[Positive] > p[Negative]:
		return Positive
	}
	return Neutral
}
