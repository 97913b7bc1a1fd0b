package language

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"earshot/pipeline/testclaim"
)

// BenchmarkDetect reads real tweets; cpu-posts/s leaves out what other programs of the
// machine took.
func BenchmarkDetect(b *testing.B) {
	d, err := New()
	require.NoError(b, err)
	content, err := os.ReadFile(testclaim.Data(b, "sentiment/val.tsv"))
	require.NoError(b, err)
	var texts []string
	for row := range strings.Lines(string(content)) {
		columns := strings.SplitN(strings.TrimSuffix(row, "\n"), "\t", 4)
		texts = append(texts, columns[3])
	}
	all := d.NewCandidates(nil)
	b.ReportAllocs()
	before := cpu(b)
	i := 0
	for b.Loop() {
		d.Detect("", texts[i%len(texts)], "", all)
		i++
	}
	b.ReportMetric(float64(b.N)/(cpu(b)-before), "cpu-posts/s")
}

// cpu is the processor time of this process in seconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6 + float64(u.Stime.Sec) + float64(u.Stime.Usec)/1e6
}
