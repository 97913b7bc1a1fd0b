package sentiment

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"earshot/pipeline/testclaim"
)

// TestGoldenOnARM builds the golden answers' test for arm64 and runs it under qemu's user
// mode: the same text gives the same bytes there.
func TestGoldenOnARM(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package for another processor")
	}
	emulator := ""
	for _, name := range []string{"qemu-aarch64-static", "qemu-aarch64"} {
		if path, err := exec.LookPath(name); err == nil {
			emulator = path
			break
		}
	}
	if runtime.GOARCH != "arm64" && emulator == "" {
		testclaim.Skip(t, "no qemu-aarch64 on PATH (Debian: apt-get install qemu-user-static)")
	}
	binary := filepath.Join(t.TempDir(), "golden.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	run := []string{binary, "-test.run", "^TestGolden$", "-test.v"}
	if runtime.GOARCH != "arm64" {
		run = append([]string{emulator}, run...)
	}
	out, err = exec.CommandContext(t.Context(), run[0], run[1:]...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestGolden")
}
