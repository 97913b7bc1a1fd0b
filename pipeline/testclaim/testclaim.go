// Package testclaim finds the data that tests of published claims need, and makes a
// claim that could not be tested visible instead of silent. It is used by tests only.
package testclaim

import (
	"os"
	"path/filepath"
	"testing"
)

// DataVar names the environment variable that holds the folder of test data.
const DataVar = "EARSHOT_DATA"

// Data returns the path of a file of test data, named relative to its folder `data`
// (EARSHOT_DATA may name that folder or the one that holds it). Without it the test
// is skipped as "claim skipped", or fails where CI=true.
func Data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv(DataVar)
	if dir == "" {
		Skip(t, DataVar+" is not set, so "+name+" cannot be read")
	}
	var missing error
	for _, base := range []string{filepath.Join(dir, "data"), dir} {
		path := filepath.Join(base, filepath.FromSlash(name))
		_, err := os.Stat(path)
		if err == nil {
			return path
		}
		missing = err
	}
	Skip(t, missing.Error())
	return ""
}

// Skip skips the test as a claim that could not be tested, or fails it where CI=true.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("claim not tested: %s", why)
	}
	t.Skipf("claim skipped: %s", why)
}
