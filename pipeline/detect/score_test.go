package detect

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline/testclaim"
)

// labelled reads the five series with their windows.
func labelled(t *testing.T) []Labelled {
	t.Helper()
	content, err := os.ReadFile(testclaim.Data(t, "nab/windows.json"))
	require.NoError(t, err)
	windows, err := ReadWindows("windows.json", strings.NewReader(string(content)))
	require.NoError(t, err)
	var set []Labelled
	for _, name := range []string{"AAPL", "CRM", "CVS", "FB", "KO"} {
		path := testclaim.Data(t, "nab/Twitter_volume_"+name+".csv")
		f, err := os.Open(path)
		require.NoError(t, err)
		s, err := ReadSeries(filepath.Base(path), f)
		require.NoError(t, f.Close())
		require.NoError(t, err)
		set = append(set, Labelled{s, windows[s.Name]})
	}
	return set
}

func TestPublishedScore(t *testing.T) {
	set := labelled(t)
	all, _, err := Evaluate(DefaultConfig(), set)
	require.NoError(t, err)
	t.Log("default       ", all)
	assert.GreaterOrEqual(t, all.Normal(), 82.0)
	assert.LessOrEqual(t, all.FalsePerWeek(), 0.25)
	out, _, err := LeaveOneOut(DefaultConfig(), set)
	require.NoError(t, err)
	t.Log("leave one out ", out)
	assert.GreaterOrEqual(t, out.Normal(), 78.0)
	assert.LessOrEqual(t, out.FalsePerWeek(), 0.35)
}

// TestScorerAgreesWithTheTool compares our scorer with the benchmark's tool.
func TestScorerAgreesWithTheTool(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed; our own scorer is tested without it")
	}
	set := labelled(t)
	tool := filepath.Join(filepath.Dir(testclaim.Data(t, "nab/windows.json")), "..", "..", "tools", "nab_score.py")
	for _, threshold := range []float64{4, 9.5, 15} {
		cfg := DefaultConfig()
		cfg.Threshold = threshold
		all, _, err := Evaluate(cfg, set)
		require.NoError(t, err)
		out := "series,timestamp\n"
		args := []string{tool, testclaim.Data(t, "nab/windows.json"), filepath.Join(t.TempDir(), "alerts.csv")}
		for _, s := range set {
			alerts, err := Backtest(cfg, s.Series)
			require.NoError(t, err)
			for _, a := range alerts {
				out += s.Name + "," + s.Stamps[a.Row] + "\n"
			}
			args = append(args, testclaim.Data(t, "nab/"+s.Name))
		}
		require.NoError(t, os.WriteFile(args[2], []byte(out), 0o600))
		said, err := exec.CommandContext(t.Context(), python, args...).CombinedOutput()
		require.NoError(t, err, string(said))
		last := strings.Split(strings.TrimSpace(string(said)), "\n")
		want := fmt.Sprintf("%-28s score %6.1f  windows %d/%d  false rows %4d  false episodes a brand-week %.2f",
			"all", all.Normal(), all.Hit, all.Windows, all.Rows, all.FalsePerWeek())
		assert.Equal(t, want, last[len(last)-1])
	}
}

func TestRateByHand(t *testing.T) {
	s := Series{Name: "hand"}
	begin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 1000 {
		s.Times = append(s.Times, begin.Add(time.Duration(i)*time.Hour))
	}
	labels := []Span{{s.Times[300], s.Times[399]}, {s.Times[600], s.Times[699]}}
	perfect, err := Rate(s, labels, []Alert{{Row: 300}, {Row: 600}, {Row: 650}, {Row: 10}})
	require.NoError(t, err)
	assert.InDelta(t, 100, perfect.Normal(), 1e-9, "at the begin of each window; the probation counts for nothing")
	nothing, err := Rate(s, labels, nil)
	require.NoError(t, err)
	assert.Zero(t, nothing.Normal())
	wrong, err := Rate(s, labels, []Alert{{Row: 200}, {Row: 203}, {Row: 220}})
	require.NoError(t, err)
	assert.InDelta(t, -2-3*0.11, wrong.Raw, 1e-9)
	assert.Equal(t, 2, wrong.Episodes)
	_, err = Rate(s, []Span{{begin.Add(time.Minute), s.Times[9]}}, nil)
	require.ErrorContains(t, err, "is not one of rows")
}

func TestBurstsAreFound(t *testing.T) {
	for _, c := range []struct {
		rate   float64
		median time.Duration
	}{{10, 3 * time.Minute}, {1, 15 * time.Minute}} {
		got, err := RunBursts(DefaultConfig(), BurstTrial{Rate: c.rate, Factor: 5, Trials: 60, Seed: 1})
		require.NoError(t, err)
		t.Logf("%g a minute: %d of 60, median %s, 90 %% within %s, %.3f false a week", c.rate, got.Found, got.Median, got.P90, got.False)
		assert.GreaterOrEqual(t, got.Found, 57)
		assert.LessOrEqual(t, got.Median, c.median)
	}
}

func TestReadSeriesSaysWhatIsWrong(t *testing.T) {
	for content, want := range map[string]string{
		"":                                              "the file is empty",
		"time,count\n":                                  "should be timestamp,value",
		"timestamp,value\nyesterday,1\n":                `x:2: "yesterday" is not a time`,
		"timestamp,value\n2020-01-01,many\n":            `x:2: "many" is not a count`,
		"timestamp,value\n2020-01-01,-1\n":              "is not a count of 0 or more",
		"timestamp,value\n2020-01-01,1\n":               "at least 2 are needed",
		"timestamp,value\n2020-01-01,1,2\n":             "wrong number of fields",
		"timestamp,value\n2020-01-02,1\n2020-01-01,1\n": "not later than the line before",
	} {
		_, err := ReadSeries("x", strings.NewReader(content))
		require.ErrorContains(t, err, want, content)
	}
}

func FuzzReadSeries(f *testing.F) {
	f.Add("timestamp,value\n2020-01-01 00:00:00,1\n2020-01-01 00:05:00,2\n")
	f.Fuzz(func(t *testing.T, content string) {
		s, err := ReadSeries("x", strings.NewReader(content))
		if err != nil {
			return
		}
		require.Len(t, s.Counts, len(s.Times))
		_, err = json.Marshal(s.Counts)
		require.NoError(t, err)
		_, _ = Backtest(DefaultConfig(), s)
	})
}
