package app

import (
	"fmt"
	"strings"
	"time"
)

// report tells how far it is, until it is stopped.
func (l Label) report(p *labelProgress) (stop func()) {
	if l.Progress == nil {
		return func() {}
	}
	begin, quit, ended := time.Now(), make(chan struct{}), make(chan struct{})
	tell := func(end string) {
		fmt.Fprintf(l.Progress, "\r\x1b[K%s%s", progressLine(p.lines.Load(), p.bytes.Load(), l.Size, time.Since(begin)), end)
	}
	go func() {
		defer close(ended)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell("")
			case <-quit:
				tell("\n")
				return
			}
		}
	}()
	return func() { close(quit); <-ended }
}

// progressLine is a bar where the size of the input is known, and else a count.
func progressLine(lines, done, size int64, passed time.Duration) string {
	count := fmt.Sprintf("%d texts, %.0f a second", lines, float64(lines)/max(passed.Seconds(), 1e-3))
	if size <= 0 {
		return count
	}
	const width = 30
	share := min(1, float64(done)/float64(size))
	full := int(share * width)
	left := ""
	if share > 0 && share < 1 {
		left = fmt.Sprintf(", %s left", (time.Duration(float64(passed) * (1 - share) / share)).Round(time.Second))
	}
	return fmt.Sprintf("[%s%s] %3.0f %%, %s%s", strings.Repeat("█", full), strings.Repeat("░", width-full), 100*share, count, left)
}
