package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// How bad a finding is.
const (
	findingOK   = "ok"
	findingWarn = "warn" // it works, but somebody should look
	findingFail = "fail" // it does not work, or soon will not
)

// Finding is one thing that doctor looked at.
type Finding struct {
	State string `json:"state"` // ok, warn or fail
	Area  string `json:"area"`  // data, clock, kafka, clickhouse, line ...
	Said  string `json:"said"`
	Mend  string `json:"mend,omitempty"` // what to do, of what is not ok
}

// findings collects them in the order in which they were made.
type findings []Finding

func (f *findings) ok(area, format string, args ...any) {
	*f = append(*f, Finding{State: findingOK, Area: area, Said: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(area, mend, format string, args ...any) {
	*f = append(*f, Finding{findingWarn, area, fmt.Sprintf(format, args...), mend})
}

func (f *findings) fail(area, mend, format string, args ...any) {
	*f = append(*f, Finding{findingFail, area, fmt.Sprintf(format, args...), mend})
}

func (f findings) count(state string) int {
	n := 0
	for _, one := range f {
		if one.State == state {
			n++
		}
	}
	return n
}

// write prints a line for each finding, and one for each mend.
func (f findings) write(w io.Writer) error {
	var b strings.Builder
	for _, one := range f {
		fmt.Fprintf(&b, "%-4s  %-10s  %s\n", one.State, one.Area, one.Said)
		if one.Mend != "" {
			fmt.Fprintf(&b, "%18smend: %s\n", "", one.Mend)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeJSON prints one object a line.
func (f findings) writeJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, one := range f {
		if err := out.Encode(one); err != nil {
			return fmt.Errorf("doctor: %w", err)
		}
	}
	return nil
}
