package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"earshot/dashboards"
	"earshot/dashboards/web"
	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// WebConfig says where the web view listens.
type WebConfig struct {
	Listen string          `yaml:"listen" doc:"loopback host:port of the web view, which draws the boards without a Grafana; if it is taken, the next free one; empty: none"`
	Token  pipeline.Secret `yaml:"token" doc:"what whoever saves a query or mutes an author in the web view must know, at least 16 characters; empty: the view writes nothing"`
}

// DefaultWebConfig listens on this machine alone.
func DefaultWebConfig() WebConfig { return WebConfig{Listen: "127.0.0.1:8090"} }

// Validate names the field that is wrong.
func (w WebConfig) Validate() error {
	if n := len(w.Token); n > 0 && n < minToken {
		return fmt.Errorf("web.token: has %d characters, fewer than %d: whoever guesses it changes brands", n, minToken)
	}
	if w.Listen == "" || loopback(w.Listen) {
		return nil
	}
	return fmt.Errorf("web.listen: %q is not host:port of this machine alone, as 127.0.0.1:8090: nobody has to log in there", w.Listen)
}

// minToken is the least length of a token, in bytes.
const minToken = 16

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

// serveWeb draws the boards, and answers the page of queries, until ctx ends.
func serveWeb(ctx context.Context, listener net.Listener, e *editor) error {
	boards, err := dashboards.Boards()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	view := &web.Server{Boards: boards, DB: e.db, Log: e.log, Simulated: len(e.cfg.simulatedBrands()) > 0, Editor: e, Token: e.cfg.Web.Token}
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
			return errors.Join(serveWeb(ctx, l.webView, l.editing(db)), db.Close())
		})
	}
	return out
}

// RunWeb serves the web view over the database of a configured server, of another earshot
// on the same data directory, or of one that it starts for itself. Kafka, where the brands
// stand, is asked when somebody edits a query.
func RunWeb(ctx context.Context, cfg *Config, c *Console) error {
	err := withTables(ctx, cfg, c.Log, tables{command: "web", kafka: true}, func(servers *Servers, db *clickhouse.DB, live pipeline.Stream) error {
		listener, err := openWeb(ctx, cfg.Web)
		if err != nil {
			return failure(ExitConfiguration, err)
		}
		c.print(fmt.Sprintf("\n  The boards: http://%s\n  Queries:    http://%[1]s/queries\n  Ctrl-C ends it.\n\n", listener.Addr()))
		e := &editor{cfg: cfg, db: db, log: c.Log, open: func(ctx context.Context) (*kafka.Client, error) {
			return openKafka(ctx, servers.Kafka, c.Log, live)
		}}
		defer e.close()
		return serveWeb(ctx, listener, e)
	})
	return stopped(ctx, err)
}
