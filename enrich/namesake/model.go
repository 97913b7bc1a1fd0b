package namesake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"earshot/pipeline"
)

// Format is the version of the file and of the features: a model of another one is refused.
const Format = 2

// The bounds of a model, which travels in one Kafka record. Weights are whole thousandths.
const (
	maxWeights = 1000
	maxWeight  = 1_000_000
	maxFeature = 100 // bytes
)

// Model tells how sure the words of a post speak of the brand. It is immutable once
// learnt or read, and safe for concurrent use.
type Model struct {
	Format int      `json:"format"`
	Name   []string `json:"name"` // words of the ambiguous name
	Yes    int      `json:"yes"`  // examples that it was learnt from
	No     int      `json:"no"`
	Bias   int      `json:"bias"` // log-odds in thousandths of a post of which no word is known

	// Weights are what a word, "#hashtag" or "@handle" adds to the log-odds, in
	// thousandths. "in ~" is the word right before the name, "~ fc" right after; "scor*"
	// is any longer word that begins so.
	Weights map[string]int `json:"weights"`

	names   map[string]bool
	version string
}

// Score is the probability, 0 to 1 in thousandths, that the post means the brand, if as
// many posts mean it as do not: the words decide, not how often the brand is meant. Sums are
// whole numbers and the result is rounded, so it is the same on every machine.
func (m *Model) Score(p *pipeline.Post) float64 {
	sum := m.Bias
	for _, f := range features(p, m.names) {
		sum += m.Weights[f]
	}
	return math.Round(1000/(1+math.Exp(-float64(sum)/1000))) / 1000
}

// Version changes with the results of Score.
func (m *Model) Version() string { return m.version }

// Encode writes the model as JSON with sorted keys: the same model gives the same bytes.
func (m *Model) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("namesake: encode: %w", err)
	}
	return append(b, '\n'), nil
}

// ErrModel is what Decode returns of a file that is no valid model.
var ErrModel = errors.New("not a context model")

// Decode reads what Encode wrote.
func Decode(b []byte) (*Model, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	m := &Model{}
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("namesake: %w: %w", ErrModel, err)
	}
	switch {
	case d.More():
		return nil, fmt.Errorf("namesake: %w: something follows it", ErrModel)
	case m.Format != Format:
		return nil, fmt.Errorf("namesake: %w: format %d, this program reads %d; learn it again", ErrModel, m.Format, Format)
	case len(m.Weights) > maxWeights:
		return nil, fmt.Errorf("namesake: %w: %d weights, at most %d", ErrModel, len(m.Weights), maxWeights)
	case m.Bias > maxWeight || m.Bias < -maxWeight:
		return nil, fmt.Errorf("namesake: %w: bias %d is absurd", ErrModel, m.Bias)
	}
	for f, w := range m.Weights {
		if len(f) > maxFeature {
			return nil, fmt.Errorf("namesake: %w: %.20q… is longer than %d bytes", ErrModel, f, maxFeature)
		}
		if w > maxWeight || w < -maxWeight {
			return nil, fmt.Errorf("namesake: %w: weight %d of %q is absurd", ErrModel, w, f)
		}
	}
	return m, m.ready()
}

// ready derives what is not in the file.
func (m *Model) ready() error {
	m.names = map[string]bool{}
	for _, n := range m.Name {
		m.names[n] = true
	}
	b, err := m.Encode()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	m.version = hex.EncodeToString(sum[:6])
	return nil
}
