package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// ServerConfig says where and how the embedded ClickHouse runs.
type ServerConfig struct {
	Dir            string // its data directory; made if missing
	Library        string // path of libchdb.so; empty: see FindLibrary
	Binary         string // a `clickhouse` binary to run instead of the library; empty: none
	HTTPPort       int    // preferred port on 127.0.0.1; the next free one below 32768 is taken; 0: 8123
	NativePort     int    // the same for the native protocol; 0: off, because a TCP reset there kills the engine
	MaxMemoryBytes int64  // of the whole server; 0: 2 GiB
	Logger         zerolog.Logger
}

// Ports at and above lastPort may be handed out by the kernel for outgoing
// connections, so that a restart could find its own port taken.
const (
	defaultHTTPPort = 8123
	lastPort        = 32768
	defaultMemory   = 2 << 30
	readyTimeout    = 60 * time.Second
	stopTimeout     = 30 * time.Second
	orphanTime      = 10 * time.Second
	orphanPoll      = 200 * time.Millisecond
	readerSeconds   = 120
)

// Server is a ClickHouse that runs as a child process of this one, is restarted
// whatever happens to it, and dies with us.
type Server struct {
	cfg        ServerConfig
	configFile string
	creds      Credentials
	httpPort   int
	nativePort int

	stop chan struct{} // closed by Close
	done chan struct{} // closed when the supervisor has ended
	once sync.Once

	mu       sync.Mutex
	up       bool
	restarts int
	current  *child
}

// Start starts the server and returns when it answers. ctx bounds the start alone.
func Start(ctx context.Context, cfg ServerConfig) (*Server, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: data directory: %w", err)
	}
	cfg.Dir = dir
	if cfg.Binary == "" {
		if cfg.Library, err = FindLibrary(cfg.Library); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("clickhouse: data directory: %w", err)
	}
	s := &Server{cfg: cfg, stop: make(chan struct{}), done: make(chan struct{})}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	first, err := s.first(ctx)
	if err != nil {
		return nil, err
	}
	s.set(first, true)
	go s.supervise(first)
	return s, nil
}

// first launches the server. The one of a process that was killed a moment ago may still
// hold the directory: it follows its parent within seconds, so that is waited for.
func (s *Server) first(ctx context.Context) (*child, error) {
	for deadline := time.Now().Add(orphanTime); ; {
		c, err := s.launch()
		if err != nil {
			return nil, err
		}
		if err = s.waitReady(ctx, c); err == nil {
			return c, nil
		}
		c.end()
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, err
		}
		switch {
		case errors.Is(err, errPortTaken): // by somebody else, after we had found it free
			s.cfg.HTTPPort = s.httpPort + 1
			if err := s.prepare(ctx); err != nil {
				return nil, err
			}
		case errors.Is(err, errInUse):
			time.Sleep(orphanPoll)
		default:
			return nil, err
		}
	}
}

// errPortTaken says that another server answers where ours should.
var errPortTaken = errors.New("clickhouse: another server answers on the port")

// prepare chooses ports and writes the server's files.
func (s *Server) prepare(ctx context.Context) (err error) {
	if s.creds, err = credentials(s.cfg.Dir); err != nil {
		return err
	}
	if s.httpPort, err = freePort(ctx, s.cfg.HTTPPort, defaultHTTPPort); err != nil {
		return err
	}
	if s.cfg.NativePort != 0 {
		if s.nativePort, err = freePort(ctx, s.cfg.NativePort, s.cfg.NativePort); err != nil {
			return err
		}
	}
	memory := s.cfg.MaxMemoryBytes
	if memory == 0 {
		memory = defaultMemory
	}
	s.configFile, err = writeServerFiles(serverValues{
		Dir: s.cfg.Dir, HTTPPort: s.httpPort, NativePort: s.nativePort,
		MaxMemory: memory, ReaderMaxMemory: memory / 2, ReaderMaxSeconds: readerSeconds,
		WriterSum: sum(s.creds.WriterPassword), ReaderSum: sum(s.creds.ReaderPassword),
	})
	return err
}

// freePort returns the preferred port or the next free one below 32768.
func freePort(ctx context.Context, preferred, fallback int) (int, error) {
	if preferred == 0 {
		preferred = fallback
	}
	var lc net.ListenConfig
	for port := preferred; port < lastPort; port++ {
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("clickhouse: no free port from %d to %d on 127.0.0.1", preferred, lastPort-1)
}

// Addr is the server's HTTP address, http://127.0.0.1:port; it stays the same over restarts.
func (s *Server) Addr() string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.httpPort))
}

// NativeAddr is the address of the native protocol, or empty if that is off.
func (s *Server) NativeAddr() string {
	if s.nativePort == 0 {
		return ""
	}
	return "clickhouse://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.nativePort))
}

// Credentials returns the server's users.
func (s *Server) Credentials() Credentials { return s.creds }

// State reports whether the server answers and how often it was restarted.
func (s *Server) State() (up bool, restarts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up, s.restarts
}

// PID is the process id of the server at this moment, 0 if it is down.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return 0
	}
	return s.current.cmd.Process.Pid
}

// Close stops the server, which writes what it holds. It is killed when ctx ends.
func (s *Server) Close(ctx context.Context) error {
	s.once.Do(func() { close(s.stop) })
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		s.mu.Lock()
		if s.current != nil {
			_ = s.current.cmd.Process.Kill() // it may have ended just now
		}
		s.mu.Unlock()
		<-s.done
		return fmt.Errorf("clickhouse: the server did not stop in time and was killed: %w", ctx.Err())
	}
}

// supervise restarts the server until Close, with pauses from 0.1 s to 5 s.
func (s *Server) supervise(c *child) {
	defer close(s.done)
	pause := 100 * time.Millisecond
	for {
		s.set(c, true)
		select {
		case <-s.stop:
			s.set(c, false)
			c.end()
			return
		case <-c.exited:
		}
		s.set(nil, false)
		s.cfg.Logger.Error().Str("last_words", lastLine(c.tail.String())).Msg("clickhouse: the embedded server died, starting it again")
		for {
			select {
			case <-s.stop:
				return
			case <-time.After(pause):
			}
			next, err := s.restart()
			if err == nil {
				c, pause = next, 100*time.Millisecond
				break
			}
			pause = min(2*pause, 5*time.Second)
			s.cfg.Logger.Error().Err(err).Dur("pause", pause).Msg("clickhouse: the embedded server does not start")
		}
	}
}

// restart launches the server again on its old port and waits until it answers.
func (s *Server) restart() (*child, error) {
	c, err := s.launch()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := s.waitReady(ctx, c); err != nil {
		c.end()
		return nil, err
	}
	s.mu.Lock()
	s.restarts++
	s.mu.Unlock()
	return c, nil
}

func (s *Server) set(c *child, up bool) {
	s.mu.Lock()
	s.current, s.up = c, up
	s.mu.Unlock()
}

// waitReady asks the server until it answers a user with a password.
func (s *Server) waitReady(ctx context.Context, c *child) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for {
		select {
		case <-c.exited:
			return explainChild(s.cfg.Dir, c.tail.String())
		case <-ctx.Done():
			return fmt.Errorf("clickhouse: the embedded server does not answer: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Addr()+"/?query=SELECT+1", http.NoBody)
		if err != nil {
			return fmt.Errorf("clickhouse: %w", err)
		}
		req.Header.Set("X-ClickHouse-User", s.creds.Writer)
		req.Header.Set("X-ClickHouse-Key", s.creds.WriterPassword.Reveal())
		resp, err := client.Do(req)
		if err != nil {
			continue
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // an error shows in the text
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		if resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized {
			return fmt.Errorf("%w: %d: %s", errPortTaken, s.httpPort, lastLine(string(body)))
		}
	}
}

// child is one life of the server process.
type child struct {
	cmd    *exec.Cmd
	hold   *os.File // our end of the pipe: closing it stops the server cleanly
	tail   *tail
	exited chan struct{}
}

// launch starts the process. Its process group is its own, so that a Ctrl-C in the
// terminal reaches us alone and the server outlives the drain.
func (s *Server) launch() (*child, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	defer r.Close() //nolint:errcheck // the child has its own
	name, args := s.cfg.Binary, append([]string{"local"}, localArguments(s.configFile)...)
	if name == "" {
		if name, err = os.Executable(); err != nil {
			return nil, errors.Join(fmt.Errorf("clickhouse: %w", err), w.Close())
		}
		args = []string{childArgument, s.cfg.Library, s.configFile}
	}
	c := &child{hold: w, tail: new(tail), exited: make(chan struct{})}
	c.cmd = exec.Command(name, args...) //nolint:noctx // ourselves; it is ended by the pipe, not by a context
	c.cmd.Dir = s.cfg.Dir
	c.cmd.Stderr, c.cmd.Stdout = c.tail, c.tail
	c.cmd.ExtraFiles = []*os.File{r}
	c.cmd.SysProcAttr = ownGroup()
	if err := c.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("clickhouse: start the server: %w", err), w.Close())
	}
	go func() {
		_ = c.cmd.Wait() // how it ended is in its last words
		close(c.exited)
	}()
	return c, nil
}

// end closes the pipe and waits; a server that hangs is killed.
func (c *child) end() {
	_ = c.hold.Close() // closing twice is harmless
	select {
	case <-c.exited:
	case <-time.After(stopTimeout):
		_ = c.cmd.Process.Kill() // it may have ended just now
		<-c.exited
	}
}

// tail keeps the last words of a process.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf) - tailBytes; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
