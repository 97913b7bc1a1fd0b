package clickhouse

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// childArgument is the hidden argument under which the program executes itself again
// to become the ClickHouse server.
const childArgument = "__clickhouse"

// childLoadFailed begins the child's complaint about its library.
const childLoadFailed = "load libchdb"

// blockForEver starts the listeners and then reads a pipe that the parent holds: the
// server stops, cleanly, when the pipe closes, which is also what a parent's death does.
const blockForEver = "SELECT count() FROM file('/dev/fd/3', LineAsString, 'l String') FORMAT Null"

// listen starts the listeners that a configuration names. (START LISTEN QUERIES ALL would
// open the native port as well, on 9000, unasked.)
func listen(configFile string) string {
	config, err := os.ReadFile(configFile)
	if err == nil && strings.Contains(string(config), "<tcp_port>") {
		return "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
	}
	return "SYSTEM START LISTEN HTTP; "
}

// RunChild turns this process into the ClickHouse server if args (os.Args without the
// program's name) ask for it, and returns its exit status when it ends. Otherwise it
// returns -1 at once. main and TestMain call it before anything else:
//
//	if code := clickhouse.RunChild(os.Args[1:]); code >= 0 {
//		os.Exit(code)
//	}
func RunChild(args []string) int {
	if len(args) == 0 || args[0] != childArgument {
		return -1
	}
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "clickhouse: the hidden argument needs a library and a configuration")
		return 2
	}
	if err := runLibrary(args[1], localArguments(args[2])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// localArguments are those of clickhouse-local that make it a server.
func localArguments(configFile string) []string {
	return []string{"--config-file=" + configFile, "--log-level=warning", "-q", listen(configFile) + blockForEver}
}

// runLibrary calls the engine's own command line and returns when the server has ended.
func runLibrary(library string, args []string) error {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("%s: %w", childLoadFailed, err)
	}
	for _, name := range []string{"chdb_set_signal_handlers_enabled", "chdb_query_cmdline"} {
		if _, err := purego.Dlsym(handle, name); err != nil {
			return fmt.Errorf("%s: %w", childLoadFailed, err)
		}
	}
	var setSignalHandlers func(enabled int32)
	var queryCommandLine func(argc int32, argv unsafe.Pointer) uintptr
	purego.RegisterLibFunc(&setSignalHandlers, handle, "chdb_set_signal_handlers_enabled")
	purego.RegisterLibFunc(&queryCommandLine, handle, "chdb_query_cmdline")

	setSignalHandlers(0) // Go has its own
	args = append([]string{"clickhouse"}, args...)
	argv := make([]*byte, len(args)+1)
	for i, a := range args {
		argv[i] = &append([]byte(a), 0)[0]
	}
	queryCommandLine(int32(len(args)), unsafe.Pointer(&argv[0])) //nolint:gosec // a C call needs a C array
	runtime.KeepAlive(argv)
	return nil
}
