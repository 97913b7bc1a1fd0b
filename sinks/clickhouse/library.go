package clickhouse

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// LibraryVar names the environment variable that holds the path of libchdb.so.
const LibraryVar = "EARSHOT_LIBCHDB"

// libraryVersion is the release that `make setup` fetches and that was tried.
const libraryVersion = "26.7.3"

// ErrLibrary says that the embedded ClickHouse cannot be loaded; its text says why.
var ErrLibrary = errors.New("the embedded ClickHouse cannot be loaded")

// errInUse says that another server has the data directory.
var errInUse = errors.New("is in use by another ClickHouse")

// mendLibrary ends every complaint about the library.
const mendLibrary = "; run `make setup`, set " + LibraryVar +
	" to a libchdb.so of your own, or set clickhouse.addr to use a server"

// librarySums are the known sha256 sums of the library by platform.
func librarySums() map[string]string {
	return map[string]string{"linux/amd64": "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5"}
}

// FindLibrary returns the path of libchdb.so: the given one, else that of
// EARSHOT_LIBCHDB, else the one in the user's cache directory, which alone is checked
// against its known sha256 (once; the result is remembered beside it by size and time).
func FindLibrary(path string) (string, error) {
	if path == "" {
		path = os.Getenv(LibraryVar)
	}
	if path != "" {
		return checkReadable(path)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: no cache directory: %w%s", ErrLibrary, err, mendLibrary)
	}
	path, err = checkReadable(filepath.Join(cache, "earshot", "chdb-"+libraryVersion, "libchdb.so"))
	if err != nil {
		return "", err
	}
	return path, checkSum(path, librarySums()[runtime.GOOS+"/"+runtime.GOARCH])
}

// checkReadable returns the absolute path of a library that at least looks like one.
func checkReadable(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%w: %w%s", ErrLibrary, err, mendLibrary)
	}
	f, err := os.Open(abs)
	if err != nil {
		return "", fmt.Errorf("%w: %w%s", ErrLibrary, err, mendLibrary)
	}
	defer f.Close() //nolint:errcheck // read only
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil {
		return "", fmt.Errorf("%w: %s is too short to be a library%s", ErrLibrary, abs, mendLibrary)
	}
	if runtime.GOOS == "linux" && string(magic) != "\x7fELF" {
		return "", fmt.Errorf("%w: %s is not a shared library%s", ErrLibrary, abs, mendLibrary)
	}
	return abs, nil
}

// checkSum compares the library with its known sum; an unknown platform has none.
func checkSum(path, want string) error {
	if want == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: %w%s", ErrLibrary, err, mendLibrary)
	}
	seal := fmt.Sprintf("%s %d %d\n", want, info.Size(), info.ModTime().UnixNano())
	sealed := path + ".verified"
	if old, err := os.ReadFile(sealed); err == nil && string(old) == seal {
		return nil
	}
	got, err := fileSum(path)
	if err != nil {
		return fmt.Errorf("%w: %w%s", ErrLibrary, err, mendLibrary)
	}
	if got != want {
		return fmt.Errorf("%w: %s has sha256 %s, expected %s: it is damaged or another release%s",
			ErrLibrary, path, got, want, mendLibrary)
	}
	// A cache that cannot be written costs a second at the next start, nothing else.
	_ = os.WriteFile(sealed, []byte(seal), 0o600)
	return nil
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // read only
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// explainChild turns the last words of a server that died at its start into advice.
func explainChild(dir, words string) error {
	words = strings.TrimSpace(words)
	switch {
	case strings.Contains(words, "Code: 76"):
		return fmt.Errorf("clickhouse: the data directory %s %w: "+
			"stop the other `earshot`, or set another `data:` (%s)", dir, errInUse, lastLine(words))
	case strings.Contains(words, "Address already in use"):
		return fmt.Errorf("%w: %s", errPortTaken, lastLine(words))
	case strings.Contains(words, childLoadFailed):
		return fmt.Errorf("%w: %s (it needs glibc)%s", ErrLibrary, lastLine(words), mendLibrary)
	case strings.Contains(words, "No space left on device"), strings.Contains(words, "Code: 243"):
		return fmt.Errorf("clickhouse: no space left for %s: free some, or set another `data:`", dir)
	}
	return fmt.Errorf("clickhouse: the embedded server stopped while it started: %s", lastLine(words))
}

// lastLine picks the line that tells most: the last with an error code, else the last.
func lastLine(s string) string {
	last := "it said nothing"
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "Code: ") || line != "" && !strings.Contains(last, "Code: ") {
			last = line
		}
	}
	return last
}
