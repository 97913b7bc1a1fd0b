package app

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// Console is where a command says something: answers go to Out, messages to Log, and
// the status line stands below the messages.
type Console struct {
	Out    io.Writer
	Log    zerolog.Logger
	screen *screen
}

// NewConsole logs to errs as the configuration asks: readable text in a terminal, else
// one JSON object a line.
func NewConsole(cfg Log, out, errs io.Writer) (*Console, error) {
	level, err := zerolog.ParseLevel(cfg.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	w := newScreen(errs)
	var sink io.Writer = w
	if cfg.Format == "text" || cfg.Format == "auto" && w.width() > 0 {
		sink = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly, NoColor: w.width() == 0 || os.Getenv("NO_COLOR") != ""}
	}
	log := zerolog.New(sink).Level(level).With().Timestamp().Logger()
	return &Console{Out: out, Log: log, screen: w}, nil
}

// print writes an answer; the status line makes room for it.
func (c *Console) print(text string) {
	c.screen.show("")
	fmt.Fprint(c.Out, text)
}

// screen is an output with a status line that stays below what is written. Where the
// output is no terminal the line is never drawn.
type screen struct {
	mu   sync.Mutex
	out  io.Writer
	fd   int // of the terminal; -1 if there is none
	line string
}

const eraseLine = "\r\x1b[K"

func newScreen(out io.Writer) *screen {
	s := &screen{out: out, fd: -1}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		s.fd = int(f.Fd())
	}
	return s
}

// width of the terminal in columns; 0 if there is none.
func (s *screen) width() int {
	if s.fd < 0 {
		return 0
	}
	w, _, err := term.GetSize(s.fd)
	if err != nil || w <= 0 {
		return 80
	}
	return w
}

// Write puts p above the status line.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == "" {
		return s.out.Write(p)
	}
	if _, err := io.WriteString(s.out, eraseLine); err != nil {
		return 0, err
	}
	n, err := s.out.Write(p)
	if err != nil {
		return n, err
	}
	_, err = io.WriteString(s.out, s.line)
	return n, err
}

// show draws the status line anew; an empty one is taken away.
func (s *screen) show(line string) {
	if width := s.width(); width > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.line = cutTo(line, width-1)
		fmt.Fprint(s.out, eraseLine+s.line)
	}
}

func cutTo(line string, width int) string {
	if r := []rune(line); len(r) > width {
		return string(r[:max(width-1, 0)]) + "…"
	}
	return line
}
