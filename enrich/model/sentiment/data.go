package sentiment

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Row is a labelled text.
type Row struct {
	Label  int // Negative, Neutral or Positive
	Lang   string
	Source string
	Text   string
}

// Data are the labelled texts of a data directory.
type Data struct {
	Train []Row
	Val   []Row // the validation files: never trained on
	Held  []Row // a tenth of more/sentiment, by hash: never trained on
}

// heldOut decides by the text alone, so that a text that stands twice is on one side.
func heldOut(text string, of uint64) bool { return textHash(text)%of == 0 }

func textHash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64() >> 8
}

// HeldOutTarget reports whether a target of target.tsv is never trained on, so that
// sentiment toward a brand can be measured on it: a quarter of them.
func HeldOutTarget(target string) bool { return heldOut(strings.ToLower(target), 4) }

// ReadData reads the directory. Rows that also stand in TweetEval's validation set
// (sources ending in _teval) are left out.
func ReadData(dir string) (*Data, error) {
	d := &Data{}
	for _, f := range []struct {
		name   string
		source string // of the rows; empty: the third column
		to     *[]Row
	}{
		{"train.tsv", "", &d.Train},
		{"zh_train.tsv", "zh-reviews", &d.Train},
		{"val.tsv", "", &d.Val},
		{"zh_val.tsv", "zh-reviews", &d.Val},
	} {
		rows, err := readRows(filepath.Join(dir, "sentiment", f.name), f.source)
		if err != nil {
			return nil, err
		}
		*f.to = append(*f.to, rows...)
	}
	targets, err := readTargets(filepath.Join(dir, "sentiment", "target.tsv"))
	if err != nil {
		return nil, err
	}
	d.Train = append(d.Train, targets...)
	more, err := filepath.Glob(filepath.Join(dir, "more", "sentiment", "*.tsv"))
	if err != nil {
		return nil, fmt.Errorf("sentiment: data: %w", err)
	}
	slices.Sort(more)
	for _, name := range more {
		rows, err := readRows(name, "")
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if heldOut(r.Text, 10) {
				d.Held = append(d.Held, r)
			} else {
				d.Train = append(d.Train, r)
			}
		}
	}
	others, err := readOthers(filepath.Join(dir, "more"))
	if err != nil {
		return nil, err
	}
	d.addNew(others)
	d.forget()
	return d, nil
}

// addNew adds the rows that say what no row of training says yet.
func (d *Data) addNew(rows []Row) {
	known := map[uint64]bool{}
	for _, r := range d.Train {
		known[plainHash(r.Text)] = true
	}
	for _, r := range rows {
		if h := plainHash(r.Text); !known[h] {
			known[h] = true
			d.Train = append(d.Train, r)
		}
	}
}

// forget leaves out of training what says the same as a row that is measured on: tweets
// stand in several sources, with other links, names and signs. Half of TweetEval's
// validation tweets are also in target.tsv.
func (d *Data) forget() {
	measured := map[uint64]bool{}
	for _, r := range slices.Concat(d.Val, d.Held) {
		measured[plainHash(r.Text)] = true
	}
	delete(measured, plainHash("")) // nothing but links, names and signs says nothing
	d.Train = slices.DeleteFunc(d.Train, func(r Row) bool { return measured[plainHash(r.Text)] })
}

// plainHash hashes the letters and digits of a text in lower case, without links and handles.
func plainHash(text string) uint64 {
	var plain strings.Builder
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		if strings.HasPrefix(word, "http") || strings.HasPrefix(word, "@") {
			continue
		}
		for _, r := range word {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				plain.WriteRune(r)
			}
		}
	}
	return textHash(plain.String())
}

func lines(name string, each func(line string) error) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("sentiment: data: %w", err)
	}
	defer func() { _ = f.Close() }()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 4<<20)
	for n := 1; s.Scan(); n++ {
		if err := each(s.Text()); err != nil {
			return fmt.Errorf("sentiment: %s:%d: %w", filepath.Base(name), n, err)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("sentiment: %s: %w", filepath.Base(name), err)
	}
	return nil
}

func readRows(name, source string) (rows []Row, err error) {
	err = lines(name, func(line string) error {
		f := strings.SplitN(line, "\t", 4)
		if len(f) != 4 {
			return fmt.Errorf("%d columns instead of 4", len(f))
		}
		label, err := strconv.Atoi(f[0])
		if err != nil || label < Negative || label > Positive {
			return fmt.Errorf("label %q", f[0])
		}
		if strings.HasSuffix(f[2], "_teval") {
			return nil
		}
		r := Row{Label: label, Lang: f[1], Source: f[2], Text: f[3]}
		if source != "" {
			r.Source = source
		}
		rows = append(rows, r)
		return nil
	})
	return rows, err
}

// readTargets reads the tweets with a label toward a target, but none that names a
// target that is held out.
func readTargets(name string) ([]Row, error) {
	var rows []Row
	var ids []string
	held := map[string]bool{}
	err := lines(name, func(line string) error {
		f := strings.SplitN(line, "\t", 5)
		if len(f) != 5 {
			return fmt.Errorf("%d columns instead of 5", len(f))
		}
		label, err := strconv.Atoi(f[0])
		if err != nil {
			return fmt.Errorf("label %q", f[0])
		}
		if HeldOutTarget(f[1]) {
			held[f[2]], held[f[4]] = true, true
			return nil
		}
		rows = append(rows, Row{Label: sign(label) + 1, Lang: "en", Source: "target", Text: f[4]})
		ids = append(ids, f[2])
		return nil
	})
	var kept []Row
	for i, r := range rows {
		if !held[ids[i]] && !held[r.Text] {
			kept = append(kept, r)
		}
	}
	return kept, err
}
