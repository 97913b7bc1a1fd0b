package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// Runtime is what the owner of a data directory leaves there for others: how to reach
// its servers. The file is readable by its owner alone, since it holds passwords.
type Runtime struct {
	PID        int       `json:"pid"`
	Command    string    `json:"command"` // run, import, sql or schema
	Roles      []string  `json:"roles"`   // of a run
	Started    time.Time `json:"started"`
	Kafka      string    `json:"kafka,omitempty"`      // host:port; empty if the broker is not embedded
	ClickHouse string    `json:"clickhouse,omitempty"` // http://host:port; empty if the server is not embedded
	Writer     login     `json:"writer,omitzero"`
	Reader     login     `json:"reader,omitzero"`
}

// login is a user in plain text: it is only ever written to the runtime file.
type login struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// Directory is a data directory that this process owns.
type Directory struct {
	path string
	lock *os.File
}

const (
	lockFile    = "lock"
	runtimeFile = "runtime.json"
	// attachWait is how long another command may take to start its servers or to end.
	attachWait = 2 * time.Minute
	attachPoll = 100 * time.Millisecond
)

// claim takes the data directory for this process, or finds the process whose servers
// we may use: one of the given commands. While another one holds it, claim waits.
func claim(ctx context.Context, path string, usable []string, log zerolog.Logger) (*Directory, *Runtime, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, nil, fmt.Errorf("data directory: %w; set another `data:`", err)
	}
	ctx, cancel := context.WithTimeout(ctx, attachWait)
	defer cancel()
	told := false
	for {
		dir, err := tryLock(path)
		if dir != nil || err != nil {
			return dir, nil, err
		}
		rt, err := readRuntime(path)
		if err != nil {
			return nil, nil, err
		}
		if rt != nil {
			if slices.Contains(usable, rt.Command) {
				return nil, rt, nil
			}
			if rt.Command == "run" {
				return nil, nil, fmt.Errorf("data directory: %s belongs to a running `earshot run` (process %d): "+
					"stop it, or set another `data:`", path, rt.PID)
			}
			if !told {
				told = true
				log.Info().Int("pid", rt.PID).Msgf("waiting for `earshot %s` to leave the data directory", rt.Command)
			}
		}
		select {
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("data directory: %s is in use by another process: %w", path, ctx.Err())
		case <-time.After(attachPoll):
		}
	}
}

// tryLock returns nil without an error if another process has the lock. The lock is the
// kernel's and dies with its process, so nothing stale is left after a kill.
func tryLock(path string) (*Directory, error) {
	f, err := os.OpenFile(filepath.Join(path, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &Directory{path: path, lock: f}, os.RemoveAll(filepath.Join(path, runtimeFile))
	}
	if closed := f.Close(); closed != nil {
		return nil, fmt.Errorf("data directory: %w", closed)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, fmt.Errorf("data directory: lock %s: %w", path, err)
}

// readRuntime returns nil if the owner has not written it yet.
func readRuntime(path string) (*Runtime, error) {
	content, err := os.ReadFile(filepath.Join(path, runtimeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	rt := &Runtime{}
	if err := json.Unmarshal(content, rt); err != nil {
		return nil, fmt.Errorf("data directory: %s: %w", runtimeFile, err)
	}
	return rt, nil
}

// publish writes the runtime file, as a whole or not at all.
func (d *Directory) publish(rt Runtime) error {
	content, err := json.MarshalIndent(rt, "", "  ")
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	whole := filepath.Join(d.path, runtimeFile)
	part := whole + ".part"
	if err := os.WriteFile(part, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := os.Rename(part, whole); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// release gives the directory back.
func (d *Directory) release() error {
	return errors.Join(os.RemoveAll(filepath.Join(d.path, runtimeFile)), d.lock.Close())
}

func (l login) secret() pipeline.Secret { return pipeline.Secret(l.Password) }
