package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"earshot/dashboards"
	"earshot/dashboards/web"
	"earshot/pipeline"
	"earshot/sinks/clickhouse"
)

// WebConfig says where the web view listens.
type WebConfig struct {
	Listen string `yaml:"listen" doc:"loopback host:port of the web view, which draws the boards without a Grafana; if it is taken, the next free one; empty: none"`
}

// DefaultWebConfig listens on this machine alone.
func DefaultWebConfig() WebConfig { return WebConfig{Listen: "127.0.0.1:8090"} }

// Validate names the field that is wrong.
func (w WebConfig) Validate() error {
	if w.Listen == "" || loopback(w.Listen) {
		return nil
	}
	return fmt.Errorf("web.listen: %q is not host:port of this machine alone, as 127.0.0.1:8090: nobody has to log in there", w.Listen)
}

// loopback reports whether an address reaches this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// webPorts is how many ports are tried before it is said that none is free.
const webPorts = 50

// openWeb listens at the configured port or the next free one.
func openWeb(ctx context.Context, cfg WebConfig) (net.Listener, error) {
	host, text, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("web.listen: %w", err)
	}
	first, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("web.listen: %q is no port", text)
	}
	for port := first; port < first+webPorts; port++ {
		var listener net.Listener
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			return listener, nil
		}
	}
	return nil, fmt.Errorf("web.listen: no port from %d to %d is free: %w", first, first+webPorts-1, err)
}

// serveWeb draws the boards until ctx ends; db is of a user that may only read.
func serveWeb(ctx context.Context, listener net.Listener, db *clickhouse.DB, simulated bool, log zerolog.Logger) error {
	boards, err := dashboards.Boards()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	view := &web.Server{Boards: boards, DB: db, Log: log, Simulated: simulated}
	server := &http.Server{Handler: view.Handler(), ReadHeaderTimeout: readyTimeout, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute}
	return serve(ctx, listener, server)
}

// web is the stage that shows the boards.
func (l *line) web() stage {
	out := stage{name: "web"}
	if l.webView != nil {
		out.tasks = append(out.tasks, func(ctx context.Context) error {
			db, err := openClickHouse(ctx, l.servers.Reader, askWait, l.log)
			if err != nil {
				return errors.Join(err, l.webView.Close())
			}
			return errors.Join(serveWeb(ctx, l.webView, db, len(l.cfg.simulatedBrands()) > 0, l.log), db.Close())
		})
	}
	return out
}

// RunWeb serves the web view over the database of a configured server, of another earshot
// on the same data directory, or of one that it starts for itself.
func RunWeb(ctx context.Context, cfg *Config, c *Console) error {
	err := withTables(ctx, cfg, c.Log, tables{command: "web"}, func(_ *Servers, db *clickhouse.DB, _ pipeline.Stream) error {
		listener, err := openWeb(ctx, cfg.Web)
		if err != nil {
			return failure(ExitConfiguration, err)
		}
		c.print(fmt.Sprintf("\n  The boards: http://%s\n  Ctrl-C ends it.\n\n", listener.Addr()))
		return serveWeb(ctx, listener, db, len(cfg.simulatedBrands()) > 0, c.Log)
	})
	return stopped(ctx, err)
}
