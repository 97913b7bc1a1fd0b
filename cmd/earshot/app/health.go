package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"earshot/pipeline"
)

// Monitor says how the program is watched from outside.
type Monitor struct {
	Listen    string          `yaml:"listen" doc:"loopback host:port of /metrics (Prometheus), /healthz and /readyz; empty: none"`
	Heartbeat pipeline.Secret `yaml:"heartbeat" doc:"URL that is fetched while all is well; a service elsewhere alerts when that stops"`
	Every     time.Duration   `yaml:"every" doc:"pause between two heartbeats"`
}

// DefaultMonitor listens nowhere.
func DefaultMonitor() Monitor { return Monitor{Every: time.Minute} }

// Validate names the field that is wrong.
func (m Monitor) Validate() error {
	var all []error
	if m.Listen != "" && !loopback(m.Listen) {
		all = append(all, fmt.Errorf("monitor.listen: %q is not host:port of this machine alone, as 127.0.0.1:9464: "+
			"nobody has to log in there", m.Listen))
	}
	if m.Heartbeat != "" {
		if u, err := url.Parse(m.Heartbeat.Reveal()); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			all = append(all, errors.New("monitor.heartbeat: is not a URL that begins with https:// or http://"))
		}
	}
	if m.Every < time.Second || m.Every > 24*time.Hour {
		all = append(all, fmt.Errorf("monitor.every: %s is not between 1s and 24h", m.Every))
	}
	return errors.Join(all...)
}

const (
	readyTimeout = 5 * time.Second // of all questions of one /readyz
	beatTimeout  = 10 * time.Second
	closeTimeout = 2 * time.Second
)

// ready says why the process cannot do its work now; nil if it can.
func (l *line) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var all []error
	if _, err := l.ends(ctx, l.streams[0]); err != nil {
		all = append(all, err)
	}
	if l.db != nil {
		all = append(all, l.db.Ping(ctx))
	}
	return errors.Join(append(all, l.guard.low())...)
}

// monitor is the stage that tells the world outside how the process is: the first to
// begin, and it ends with the sources.
func (l *line) monitor() stage {
	s := stage{name: "monitor"}
	if l.cfg.Monitor.Listen != "" {
		s.tasks = append(s.tasks, func(ctx context.Context) error { return l.door.run(ctx, l.handler()) })
	}
	if l.cfg.Monitor.Heartbeat != "" {
		s.tasks = append(s.tasks, func(ctx context.Context) error {
			beat(ctx, l.cfg.Monitor, l.ready, l.log)
			return nil
		})
	}
	return s
}

// serve answers requests until ctx ends, and lets those in hand finish within a moment.
func serve(ctx context.Context, listener net.Listener, server *http.Server) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err := server.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func (l *line) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(l.registry(), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, l.ready(r.Context())) })
	return mux
}

func answer(w http.ResponseWriter, problem error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if problem != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, problem)
		return
	}
	fmt.Fprintln(w, "ok")
}

// beat fetches the URL as long as the process is ready. A heartbeat that fails is
// nobody's harm here: the service that misses it alerts.
func beat(ctx context.Context, m Monitor, ready func(context.Context) error, log zerolog.Logger) {
	client := &http.Client{Timeout: beatTimeout}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(m.Every)
	defer tick.Stop()
	for {
		if err := ready(ctx); err != nil {
			log.Warn().Err(err).Msg("no heartbeat: the process is not ready")
		} else if err := fetch(ctx, client, m.Heartbeat); err != nil && ctx.Err() == nil {
			log.Warn().Err(err).Msg("the heartbeat was not taken")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func fetch(ctx context.Context, client *http.Client, to pipeline.Secret) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.Reveal(), http.NoBody)
	if err != nil {
		return errors.New("heartbeat: the URL cannot be asked")
	}
	res, err := client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok { // its text holds the URL, which is a secret
			err = u.Err
		}
		return fmt.Errorf("heartbeat: %w", err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("heartbeat: the service answers %s", res.Status)
	}
	return nil
}
