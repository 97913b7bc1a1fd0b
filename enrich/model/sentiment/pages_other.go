//go:build !linux

package sentiment

// onBigPages returns data where it is: only Linux is asked for big pages.
func onBigPages(data []byte) []byte { return data }
