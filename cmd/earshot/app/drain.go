package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// drainTime is how long the parts may take, all together, to finish what they have in
// hand. What is cut off then is not lost: it is read again at the next start.
const drainTime = 10 * time.Second

var errDrain = errors.New("stopped before all work in hand was finished; nothing is lost, the next start goes on from there")

// stage is a set of tasks that stop together.
type stage struct {
	name  string
	tasks []func(context.Context) error
}

// runStages runs all stages until ctx ends or a task fails, and then stops them one
// after the other, in their order: sources before workers, workers before what folds.
// A task that returns nil has done its work; the others go on.
func runStages(ctx context.Context, stages []stage) error {
	base := context.WithoutCancel(ctx)
	stop, failed := context.WithCancel(ctx)
	defer failed()
	type running struct {
		cancel context.CancelFunc
		group  *errgroup.Group
	}
	parts := make([]running, len(stages))
	for i, s := range stages {
		own, cancel := context.WithCancel(base)
		defer cancel()
		group := &errgroup.Group{}
		for _, task := range s.tasks {
			group.Go(func() error {
				err := task(own)
				if err != nil && own.Err() == nil {
					failed()
					return fmt.Errorf("%s: %w", s.name, err)
				}
				return nil
			})
		}
		parts[i] = running{cancel, group}
	}
	<-stop.Done()
	late := time.NewTimer(drainTime)
	defer late.Stop()
	var all []error
	for _, p := range parts {
		p.cancel()
		ended := make(chan error, 1)
		go func() { ended <- p.group.Wait() }()
		select {
		case err := <-ended:
			all = append(all, err)
		case <-late.C:
			return errors.Join(append(all, errDrain)...)
		}
	}
	return errors.Join(all...)
}
