package pipeline

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// benchPost is a post of 800 bytes with most of the fields that a platform gives.
func benchPost(b *testing.B) []byte {
	b.Helper()
	data, err := os.ReadFile("testdata/posts/bench.json")
	require.NoError(b, err)
	var p Post
	_, err = DecodePost(data, &p)
	require.NoError(b, err)
	b.ReportAllocs()
	return p.AppendJSON(nil)
}

func BenchmarkDecodePost(b *testing.B) {
	data := benchPost(b)
	var p Post
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := DecodePost(data, &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePostStdlib(b *testing.B) {
	data := benchPost(b)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var p Post
		if err := json.Unmarshal(data, &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	data := benchPost(b)
	var p Post
	_, err := DecodePost(data, &p)
	require.NoError(b, err)
	b.SetBytes(int64(len(data)))
	var dst []byte
	for b.Loop() {
		dst = p.AppendJSON(dst[:0])
	}
}

func BenchmarkAppendJSONStdlib(b *testing.B) {
	data := benchPost(b)
	var p Post
	_, err := DecodePost(data, &p)
	require.NoError(b, err)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := json.Marshal(&p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	data := benchPost(b)
	var p Post
	_, err := DecodePost(data, &p)
	require.NoError(b, err)
	for b.Loop() {
		if err := p.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}
