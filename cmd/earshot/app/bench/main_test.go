package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"

	"earshot/cmd/earshot/app"
)

// The variables that turn the test binary into one of the two programs that are compared.
const (
	childVar   = "EARSHOT_BENCH_CHILD"   // line or floor
	jobVar     = "EARSHOT_BENCH_JOB"     // its configuration file
	profileVar = "EARSHOT_BENCH_PROFILE" // folder for CPU profiles of the line; empty: none
	postsVar   = "EARSHOT_BENCH_POSTS"   // posts of a round
	roundsVar  = "EARSHOT_BENCH_ROUNDS"  // rounds
)

// TestMain is also the embedded ClickHouse, the line and the floor.
func TestMain(m *testing.M) {
	if code := app.RunChild(os.Args[1:]); code >= 0 {
		os.Exit(code)
	}
	programs := map[string]func(job string) error{"line": runLine, "floor": runFloor}
	if program := programs[os.Getenv(childVar)]; program != nil {
		if err := program(os.Getenv(jobVar)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(peakMemory())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// peakMemory is the most memory that this process ever held, in bytes. (The rusage of
// a child also counts what its parent held when it was forked.)
func peakMemory() int64 { return memoryOf("/proc/self/status", "VmHWM:") }

// memoryOf reads a line of a process's status in bytes; 0 if there is none.
func memoryOf(file, line string) int64 {
	status, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if f := bytes.Fields(lines.Bytes()); len(f) == 3 && string(f[0]) == line {
			kib, _ := strconv.ParseInt(string(f[1]), 10, 64) // 0 if the kernel says something else
			return kib << 10
		}
	}
	return 0
}
