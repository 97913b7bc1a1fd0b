// Command claims reads the stream of `go test -json`, prints the closing line of each
// package and the whole output of what failed, and keeps count of tests and of claims
// that could not be tested, so that a skip is never silent.
//
//	go test -json ./... | claims -append FILE    prints, adds its counts to FILE
//	claims -report FILE                          prints the sum as the last line
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// mark begins the message of a skipped claim (package testclaim).
const mark = "claim skipped: "

type event struct {
	Action, Package, Test, Output, FailedBuild, ImportPath string
}

type tally struct {
	Passed, Failed, Skipped int
	Claims                  []string
}

func main() {
	add := flag.String("append", "", "add the counts of this run to `FILE`")
	report := flag.String("report", "", "print the sum of `FILE`")
	flag.Parse()
	ok, err := false, error(nil)
	if *report != "" {
		ok, err = sum(*report, os.Stdout)
	} else {
		ok, err = run(os.Stdin, os.Stdout, *add)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "claims:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, file string) (bool, error) {
	t, err := read(in, out)
	if err != nil {
		return false, err
	}
	line, err := json.Marshal(t)
	if err != nil {
		return false, err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	_, err = f.Write(append(line, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	return t.Failed == 0, err
}

// read follows one run. Output is held back for each test until it is known whether
// it failed.
func read(in io.Reader, out io.Writer) (tally, error) {
	var t tally
	held, failed := map[string]*strings.Builder{}, map[string]bool{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text()) // what the tool itself says
			continue
		}
		id := e.Package + e.ImportPath + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if held[id] == nil {
				held[id] = &strings.Builder{}
			}
			held[id].WriteString(e.Output)
		case "fail", "build-fail":
			if e.Test != "" || !failed[e.Package] { // a package fails with its test, or by itself
				t.Failed++
			}
			failed[e.Package] = true
			fmt.Fprint(out, take(held, id))
		case "pass":
			if e.Test != "" {
				t.Passed++
			}
			closing(out, e, take(held, id))
		case "skip":
			t.skip(e, take(held, id))
		}
	}
	return t, lines.Err()
}

func (t *tally) skip(e event, output string) {
	if e.Test == "" {
		return // a package without tests
	}
	t.Skipped++
	if _, why, found := strings.Cut(output, mark); found {
		why, _, _ = strings.Cut(why, "\n")
		t.Claims = append(t.Claims, e.Package+" "+e.Test+": "+why)
	}
}

// closing prints the last line of a package ("ok  earshot/pipeline  0.2s").
func closing(out io.Writer, e event, output string) {
	if e.Test != "" {
		return
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "ok") {
			fmt.Fprint(out, line)
		}
	}
}

func take(held map[string]*strings.Builder, id string) string {
	b := held[id]
	if b == nil {
		return ""
	}
	delete(held, id)
	return b.String()
}

func sum(file string, out io.Writer) (bool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	var all tally
	for line := range strings.Lines(string(data)) {
		var t tally
		if err := json.Unmarshal([]byte(line), &t); err != nil {
			return false, err
		}
		all.Passed += t.Passed
		all.Failed += t.Failed
		all.Skipped += t.Skipped
		all.Claims = append(all.Claims, t.Claims...)
	}
	slices.Sort(all.Claims)
	all.Claims = slices.Compact(all.Claims)
	for _, c := range all.Claims {
		fmt.Fprintln(out, mark+c)
	}
	fmt.Fprintf(out, "%d tests passed, %d failed, %d skipped; %d claims skipped\n",
		all.Passed, all.Failed, all.Skipped, len(all.Claims))
	return all.Failed == 0, nil
}
