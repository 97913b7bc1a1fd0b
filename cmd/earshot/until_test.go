package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds what a test waits for: a loaded machine may take it, what takes longer
// has failed.
const patience = 5 * time.Minute

// until waits until something holds. It asks on the goroutine of the test, so that a
// question that fails ends the test with its reason; said is what the program told.
func until(t *testing.T, what string, said fmt.Stringer, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(50 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "waited in vain: %s; the program says:\n%v", what, said)
	}
}
