package app

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Disk says how much room stays free.
type Disk struct {
	ReserveMB int64 `yaml:"reserve_mb" doc:"mebibytes of the data directory's disk that stay free: below, collecting and storing wait until there is room; 0: no bound"`
}

// Validate names the field that is wrong.
func (d Disk) Validate() error {
	if d.ReserveMB < 0 {
		return fmt.Errorf("disk.reserve_mb: %d is negative", d.ReserveMB)
	}
	return nil
}

// space is the room on the disk that holds a path, in bytes.
type space struct{ free, total uint64 }

// spaceOf asks for the disk of a path; of one that is not there yet, for that of the
// directory in which it would be made.
func spaceOf(path string) (space, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return space{}, fmt.Errorf("disk: %w", err)
	}
	for {
		var s syscall.Statfs_t
		err := syscall.Statfs(path, &s)
		if err == nil {
			return space{free: s.Bavail * uint64(s.Bsize), total: s.Blocks * uint64(s.Bsize)}, nil
		}
		if up := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && up != path {
			path = up
			continue
		}
		return space{}, fmt.Errorf("disk: %s: %w", path, err)
	}
}

// gib writes bytes in gibibytes.
func gib(n uint64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }
