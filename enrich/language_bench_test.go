package enrich

import (
	"syscall"
	"testing"

	"os"
	"strings"

	"github.com/abadojack/whatlanggo"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/testclaim"
)

// BenchmarkLanguages reads the same real tweets with three detectors; cpu-posts/s leaves
// out what other programs of the machine took.
func BenchmarkLanguages(b *testing.B) {
	content, err := os.ReadFile(testclaim.Data(b, "sentiment/val.tsv"))
	require.NoError(b, err)
	var codes, texts []string
	for row := range strings.Lines(string(content)) {
		c := strings.SplitN(strings.TrimSuffix(row, "\n"), "\t", 4)
		if c[1] != "hi" {
			codes, texts = append(codes, c[1]), append(texts, c[3])
		}
	}
	engine := func(name LanguageEngine) func(string) string {
		l, err := NewLanguage(LanguageConfig{Engine: name})
		require.NoError(b, err)
		return func(text string) string { return l.detect("", text, "").Code }
	}
	for _, c := range []struct {
		name string
		make func() func(string) string
	}{
		{"table", func() func(string) string { return engine(LanguageTable) }},
		{"whatlanggo", func() func(string) string {
			return func(text string) string { return whatlanggo.DetectLang(text).Iso6391() }
		}},
		{"lingua", func() func(string) string { return engine(LanguageLingua) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			detect := c.make()
			detect(texts[0])
			b.ReportAllocs()
			b.ResetTimer()
			before, right := processorTime(b), 0
			for i := range b.N {
				at := i * 7919 % len(texts) // a prime: languages mix
				if detect(texts[at]) == codes[at] {
					right++
				}
			}
			b.ReportMetric(float64(b.N)/(processorTime(b)-before), "cpu-posts/s")
			b.ReportMetric(100*float64(right)/float64(b.N), "%right")
		})
	}
}

// processorTime of this process in seconds.
func processorTime(b *testing.B) float64 {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6 + float64(u.Stime.Sec) + float64(u.Stime.Usec)/1e6
}
