package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// follow reads a file as it grows. When another one takes its place it reads the old one
// to its end and returns the place where the new one begins.
func (r *reading) follow(ctx context.Context) (*place, error) {
	for {
		r.to.Alive()
		if err := r.records(ctx); err != nil {
			return nil, err
		}
		if err := r.flush(ctx); err != nil {
			return nil, err
		}
		moved, err := r.moved()
		if err != nil {
			return nil, err
		}
		if moved {
			return r.leave(ctx)
		}
		if !wait(ctx, r.source.config.Poll) {
			return nil, ctx.Err()
		}
	}
}

// moved reports whether another file stands at the path, or this one was cut short.
func (r *reading) moved() (bool, error) {
	path := r.source.config.Path
	mine, err := r.in.file.Stat()
	if err != nil {
		return false, fmt.Errorf("file: look at it: %w", err)
	}
	r.source.size.Store(mine.Size())
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) { // in the midst of its rotation
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("file: look at it: %w", err)
	}
	if !os.SameFile(mine, there) {
		return true, nil
	}
	if mine.Size() >= r.in.raw.n {
		return false, nil
	}
	now := time.Now()
	r.to.Gap(now.Add(-r.source.config.Poll), now, fmt.Sprintf("the file was cut short to %d bytes when %d were read; what was written last before is lost", mine.Size(), r.in.raw.n))
	return true, nil
}

// leave reads what the old file still got, also a last record without a line break, and
// hands over the beginning of the new one.
func (r *reading) leave(ctx context.Context) (*place, error) {
	r.frames.live = false
	if err := r.records(ctx); err != nil {
		return nil, err
	}
	r.at = place{Generation: r.at.Generation + 1}
	return &r.at, r.flush(ctx)
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
