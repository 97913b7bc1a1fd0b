package pipeline

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTime(t *testing.T) {
	good := map[string]string{
		"2006-01-02T15:04:05Z":                "2006-01-02T15:04:05.000Z",
		"2006-01-02T15:04:05.1Z":              "2006-01-02T15:04:05.100Z",
		"2006-01-02T15:04:05.123999999999Z":   "2006-01-02T15:04:05.123Z",
		"2006-01-02t15:04:05.123z":            "2006-01-02T15:04:05.123Z",
		"2006-01-02T15:04:05.123+02:00":       "2006-01-02T13:04:05.123Z",
		"2006-01-01T00:04:05-09:30":           "2006-01-01T09:34:05.000Z",
		"2024-02-29T00:00:00+14:00":           "2024-02-28T10:00:00.000Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00.000Z",
		"9999-12-31T23:59:59.999Z":            "9999-12-31T23:59:59.999Z",
		"1969-12-31T23:59:59.9995Z":           "1969-12-31T23:59:59.999Z",
		"1900-03-01T00:00:00.000Z":            "1900-03-01T00:00:00.000Z",
		"2999-01-01T00:00:00.00000000000000Z": "2999-01-01T00:00:00.000Z",
	}
	for in, want := range good {
		got, err := ParseTime(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got.String(), in)
	}
	for _, in := range []string{
		"", "now", "2006-01-02", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z", "2006-1-02T15:04:05.0Z", "2006-13-02T15:04:05Z",
		"2006-00-02T15:04:05Z", "2006-02-30T15:04:05Z", "2023-02-29T15:04:05Z", "2006-01-00T15:04:05Z", "2006-01-02T24:04:05Z",
		"2006-01-02T15:60:05Z", "2006-01-02T15:04:60Z", "2006-01-02T15:04:05.Z", "2006-01-02T15:04:05.1", "2006-01-02T15:04:05ZZ",
		"2006-01-02T15:04:05+0200", "2006-01-02T15:04:05+24:00", "2006-01-02T15:04:05+02:60", "2006-01-02T15:04:05+0a:00",
		"0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "２006-01-02T15:04:05Z", "10000-01-01T00:00:00Z",
	} {
		_, err := ParseTime(in)
		assert.Error(t, err, in)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05.123456789-07:00", "0001-01-01T00:00:00+23:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s)
		want, stdErr := time.Parse(time.RFC3339, strings.ToUpper(s))
		if err != nil {
			// time.Parse is laxer here and there, but not for a plain form of our own.
			if stdErr == nil && want.Year() >= 1 && want.UTC().Year() >= 1 && want.UTC().Year() <= 9999 {
				require.NotEqual(t, want.UTC().Format("2006-01-02T15:04:05.000Z"), s)
			}
			return
		}
		require.NoError(t, stdErr)
		require.Equal(t, want.UnixMilli(), int64(got))
		if got.Known() {
			require.Equal(t, want.UTC().Format("2006-01-02T15:04:05.000Z"), got.String())
		}
	})
}

func TestTimeJSON(t *testing.T) {
	type doc struct {
		A Time `json:"a"`
		B Time `json:"b,omitzero"`
	}
	data, err := json.Marshal(doc{})
	require.NoError(t, err)
	assert.JSONEq(t, `{"a":null}`, string(data))
	data, err = json.Marshal(doc{A: 1709210096789, B: maxTime + 1})
	require.NoError(t, err)
	assert.JSONEq(t, `{"a":"2024-02-29T12:34:56.789Z","b":null}`, string(data))
	d := doc{A: 1, B: 1}
	require.NoError(t, json.Unmarshal([]byte(`{"a":"2024-02-29T12:34:56.789\u005a","b":null}`), &d))
	assert.Equal(t, doc{A: 1709210096789}, d)
	require.Error(t, json.Unmarshal([]byte(`{"a":12}`), &d))
	require.Error(t, json.Unmarshal([]byte(`{"a":"12"}`), &d))
	assert.Empty(t, Time(0).String())
}
