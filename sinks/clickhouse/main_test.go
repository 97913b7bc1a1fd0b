package clickhouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// TestMain is also the server: Start executes the test binary again.
func TestMain(m *testing.M) {
	if code := RunChild(os.Args[1:]); code >= 0 {
		os.Exit(code)
	}
	if len(os.Args) == 3 && os.Args[1] == parentArgument {
		os.Exit(parent(os.Args[2]))
	}
	os.Exit(run(m))
}

// parentArgument makes the test binary a program that only starts a server, prints its
// process id and waits to be killed.
const parentArgument = "__parent"

func parent(dir string) int {
	server, err := Start(context.Background(), ServerConfig{Dir: dir, HTTPPort: randomPort(), Logger: zerolog.Nop()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(server.PID())
	select {}
}

// shared is the server that most tests use, each in databases of its own.
var shared *Server //nolint:gochecknoglobals // one server for all tests

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "earshot-clickhouse-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // scratch
	shared, err = Start(context.Background(), ServerConfig{
		Dir: dir, HTTPPort: randomPort(), NativePort: randomPort(), Logger: zerolog.New(os.Stderr),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := shared.Close(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

func randomPort() int { return 20000 + rand.IntN(10000) }
