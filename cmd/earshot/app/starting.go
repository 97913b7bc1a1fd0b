package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// A process that runs for long may start while its servers are away: a power cut ends and
// all machines come back at once, or a supervisor starts it again in the middle of an
// outage. It waits then, as it does when they go away later, and says so to whoever asks
// whether it is ready. What waiting does not mend (a password, an older schema) ends it.

// startPause bounds the pause between two attempts to start; each attempt waits for some
// time itself (startWait).
const startPause = 5 * time.Second

// persist tries to start until it works or the error is none of a server that is away.
func persist(ctx context.Context, log zerolog.Logger, door *front, try func(context.Context) error) error {
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, startPause) {
		err := try(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err() // told to stop: what broke on the way says nothing more
		case err == nil || !away(err):
			return err
		}
		door.wait(err)
		log.Warn().Err(err).Msg("waiting for the servers: the start goes on by itself once they answer")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// away reports that a server does not answer or cannot work now. Only what is known to be
// of this kind counts: a process that waits for ever for something else would be silent
// about a mistake.
func away(err error) bool {
	if f, ok := errors.AsType[*Failure](err); ok && f.Code != ExitUnreachable {
		return false
	}
	if !clickhouse.Retryable(err) || !kafka.Retryable(err) {
		return false
	}
	if answered, ok := errors.AsType[*clickhouse.Error](err); ok {
		return answered.Retryable
	}
	for _, mistake := range []func(error) bool{is[*tls.CertificateVerificationError], is[tls.AlertError], is[tls.RecordHeaderError]} {
		if mistake(err) {
			return false
		}
	}
	return kafka.Away(err) || is[net.Error](err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// runPatience is how long one attempt of a process that waits anyway tries by itself.
const runPatience = 2 * time.Second

// begin connects a process that runs for long, and waits for its servers.
func begin(ctx context.Context, cfg *Config, servers *Servers, door *front, log zerolog.Logger) (l *line, err error) {
	err = persist(ctx, log, door, func(ctx context.Context) (err error) {
		l, err = connect(ctx, cfg, servers, cfg.activeStreams(), runPatience, log)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.door = door
	if !cfg.has(RoleEnrich) {
		return l, nil
	}
	err = persist(ctx, log, door, func(ctx context.Context) error {
		err := l.store(ctx, false)
		if err != nil { // the next attempt begins anew
			l.stores, l.workers, l.books, l.back = nil, nil, nil, nil
			err = errors.Join(err, l.closeTables())
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// alerting is detecting, which waits for the tables.
func (l *line) alerting(ctx context.Context) (alerts stage, err error) {
	err = persist(ctx, l.log, l.door, func(ctx context.Context) (err error) {
		if alerts, err = l.detecting(ctx); err != nil && !l.cfg.has(RoleEnrich) {
			err = errors.Join(err, l.closeTables()) // they were opened for the alerts alone
		}
		return err
	})
	return alerts, err
}

// closeTables forgets the connection to ClickHouse.
func (l *line) closeTables() error {
	if l.db == nil {
		return nil
	}
	db := l.db
	l.db = nil
	return db.Close()
}

// front is where the monitor answers, from the first moment of the process: until it runs
// it is alive, not ready, and says what it waits for.
type front struct {
	listener net.Listener // nil: nobody may ask
	requests *requests    // nil: of nobody
	shows    atomic.Pointer[http.Handler]
	waits    atomic.Pointer[error]
	stop     context.CancelFunc
	ended    chan struct{}
	err      error // of serving; may be read once ended is closed
}

var errStarting = errors.New("starting")

// openFront listens, if the configuration says where.
func openFront(ctx context.Context, m Monitor) (*front, error) {
	f := &front{}
	f.wait(errStarting)
	if m.Listen == "" {
		return f, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", m.Listen)
	if err != nil {
		return nil, fmt.Errorf("monitor.listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, *f.waits.Load()) })
	f.show(mux)
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.listener, f.stop, f.ended = listener, stop, make(chan struct{})
	go func() {
		defer close(f.ended)
		f.err = serve(own, listener, &http.Server{Handler: f, ReadHeaderTimeout: readyTimeout})
	}()
	return f, nil
}

// wait notes what the process waits for.
func (f *front) wait(why error) { f.waits.Store(&why) }

// show changes who answers.
func (f *front) show(h http.Handler) { f.shows.Store(&h) }

// ServeHTTP hands a request on to whoever answers now.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*f.shows.Load()).ServeHTTP(w, r) }

// run lets a handler answer until ctx ends.
func (f *front) run(ctx context.Context, h http.Handler) error {
	f.show(h)
	select {
	case <-f.ended:
		return f.err
	case <-ctx.Done():
		f.close()
		return f.err
	}
}

// close stops answering; it may be repeated.
func (f *front) close() {
	if f.listener != nil {
		f.stop()
		<-f.ended
	}
}
