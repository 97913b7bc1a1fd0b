package poll

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
)

// Failed tells the runner of a limit and says what went wrong, and for refused
// credentials how to mend it.
func Failed(ctx context.Context, platform, mend string, err error, out pipeline.Session) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if limited, ok := errors.AsType[*client.LimitedError](err); ok {
		out.Limited(limited.Until, limited.What)
	}
	if client.Answered(err, http.StatusUnauthorized, http.StatusForbidden) {
		return fmt.Errorf("%s: %w: %s", platform, err, mend)
	}
	return fmt.Errorf("%s: %w", platform, err)
}
