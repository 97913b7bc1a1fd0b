// Command gen writes the language tables from the n-gram statistics of lingua-go.
package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pemistahl/lingua-go/serialization"
	"google.golang.org/protobuf/proto"

	"earshot/enrich/model/language"
	"earshot/enrich/model/language/measure"
)

func main() {
	rows := flag.Int("rows", 690_000, "rows that the Latin group keeps")
	data := flag.String("data", os.Getenv("EARSHOT_DATA"), "directory of the labelled texts")
	flag.Parse()
	if err := run(flag.Arg(0), *data, *rows); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// script is a group to make.
type script struct {
	script language.Script
	codes  string
	rows   int
}

func run(output, data string, latin int) error {
	all, err := measure.ReadTexts(data)
	if err != nil {
		return err
	}
	texts := measure.Training(all)
	codes := language.GroupCodes()
	scripts := []script{
		{language.Latin, codes[0], latin},
		{language.Cyrillic, codes[1], latin / 6},
		{language.Arabic, codes[2], latin / 20},
		{language.Devanagari, codes[3], latin / 50},
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pemistahl/lingua-go").Output() //nolint:noctx // ends with the generator
	if err != nil {
		return fmt.Errorf("find lingua-go: %w", err)
	}
	var groups []language.Group
	for _, s := range scripts {
		g, err := build(filepath.Join(strings.TrimSpace(string(dir)), "language-models"), s, texts)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d letters, %d rows\n", s.codes, len(g.Letters), len(g.Keys))
		groups = append(groups, g)
	}
	if err := tune(groups, texts); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := language.Encode(&out, groups); err != nil {
		return err
	}
	fmt.Printf("%d bytes\n", out.Len())
	if err := os.WriteFile(output, out.Bytes(), 0o644); err != nil { //nolint:gosec // not a secret
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// entry is an n-gram of one language: the key and ln P(last letter | letters before).
type entry struct {
	key  uint64
	lane uint8
	logp float32
}

// build makes the group of a script.
func build(dir string, s script, texts []measure.Text) (language.Group, error) {
	codes := strings.Fields(s.codes)
	g := language.Group{Script: s.script, Codes: codes}
	alphabet := map[rune]byte{}
	m := newMaker(codes)
	counted := map[string][language.MaxOrder + 1]map[string]float32{}
	if s.script == language.Latin {
		for code := range strings.FieldsSeq(language.Counted) {
			counted[code] = count(texts, code)
		}
	}
	for order := 1; order <= language.MaxOrder; order++ {
		var entries []entry
		for lane, code := range codes {
			grams := counted[code][order]
			if grams == nil {
				var err error
				if grams, err = load(dir, code, order); err != nil {
					return g, err
				}
			}
			if order == 1 {
				enroll(&g, alphabet, grams)
			}
			entries = appendEntries(entries, alphabet, grams, uint8(lane))
		}
		slices.SortFunc(entries, func(a, b entry) int {
			if c := bytes.Compare(ordered(a.key), ordered(b.key)); c != 0 {
				return c
			}
			return int(a.lane) - int(b.lane)
		})
		m.add(order, entries)
	}
	m.choose(&g, s.rows)
	return g, nil
}

// ordered are the bytes of a key, the first letter first.
func ordered(key uint64) []byte {
	return []byte{byte(key), byte(key >> 8), byte(key >> 16), byte(key >> 24), byte(key >> 32)}
}

// enroll gives the letters of a language their codes. Letters that are foreign to it
// (fewer than one in 100,000) get none.
func enroll(g *language.Group, alphabet map[rune]byte, grams map[string]float32) {
	// The most frequent first: the order decides the codes.
	names := slices.SortedFunc(maps.Keys(grams), func(a, b string) int {
		if c := cmp.Compare(grams[b], grams[a]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	for _, s := range names {
		r, _ := utf8.DecodeRuneInString(s)
		if grams[s] >= foreign && alphabet[r] == 0 && len(g.Letters) < 255 {
			g.Letters = append(g.Letters, r)
			alphabet[r] = byte(len(g.Letters))
		}
	}
}

// foreign is ln 1/100,000.
const foreign = -11.5129

// appendEntries packs n-grams whose letters all have codes.
func appendEntries(entries []entry, alphabet map[rune]byte, grams map[string]float32, lane uint8) []entry {
	var codes []byte
next:
	for s, logp := range grams {
		codes = codes[:0]
		for _, r := range s {
			c := alphabet[r]
			if c == 0 {
				continue next
			}
			codes = append(codes, c)
		}
		entries = append(entries, entry{language.Pack(codes), lane, logp})
	}
	return entries
}

// load reads the statistics of one language and order: ln P(last letter | letters before).
func load(dir, code string, order int) (map[string]float32, error) {
	name := []string{1: "unigrams", 2: "bigrams", 3: "trigrams", 4: "quadrigrams", 5: "fivegrams"}[order]
	path := filepath.Join(dir, code, name+".pb.bin.zip")
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer archive.Close() //nolint:errcheck // read only
	file, err := archive.File[0].Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer file.Close() //nolint:errcheck // read only
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var m serialization.SerializableLanguageModel
	if err := proto.Unmarshal(content, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	grams := map[string]float32{}
	for _, set := range m.NgramSets {
		for _, s := range set.Ngrams {
			grams[s] = float32(math.Log(set.Probability))
		}
	}
	return grams, nil
}
