package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"earshot/dashboards"
	"earshot/pipeline"
)

//go:embed static
var static embed.FS

// Querier asks the database as a user that may only read. Errors may come after part of the answer.
type Querier interface {
	Query(ctx context.Context, sql, format string, w io.Writer) error
}

// Server answers the web view's requests.
type Server struct {
	Boards []dashboards.Board
	DB     Querier
	Log    zerolog.Logger
	// Simulated says which data the view opens with.
	Simulated bool
	Editor    Editor          // answers the page of queries; nil: there is none
	Token     pipeline.Secret // what whoever writes must know; empty: nothing can be written
}

const (
	panelTimeout = 30 * time.Second
	maxBody      = 64 << 10
	maxRows      = 10_000 // of a panel
)

// Handler serves the pages and their questions.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /b/{uid}", s.page)
	mux.HandleFunc("GET /static/{file}", s.file)
	mux.HandleFunc("GET /api/boards", s.boards)
	mux.HandleFunc("GET /api/boards/{uid}", s.board)
	mux.HandleFunc("POST /api/boards/{uid}/choices/{name}", s.choices)
	mux.HandleFunc("POST /api/boards/{uid}/panels/{id}", s.panel)
	mux.HandleFunc("POST /api/boards/{uid}/marks/{index}", s.marks)
	if s.Editor != nil {
		s.editing(mux)
	}
	return s.guard(mux)
}

// guard refuses what does not come from our own page, and tells the browser to fetch
// nothing from elsewhere.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "+
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !ours(r) {
			http.Error(w, "this address is for the machine it runs on", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ours refuses names that a foreign page may have pointed at this machine (DNS rebinding),
// and requests that another origin's page sends.
func ours(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "http://"+r.Host
}

func (s *Server) page(w http.ResponseWriter, _ *http.Request) { s.send(w, "index.html") }

func (s *Server) file(w http.ResponseWriter, r *http.Request) { s.send(w, r.PathValue("file")) }

func (s *Server) send(w http.ResponseWriter, name string) {
	raw, err := static.ReadFile("static/" + name)
	if err != nil {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	kinds := map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
	kind := kinds[name[max(strings.LastIndexByte(name, '.'), 0):]]
	if kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(raw) // a browser that left does not need it
}

// listed is a board in the list.
type listed struct {
	UID         string `json:"uid"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

func (s *Server) boards(w http.ResponseWriter, _ *http.Request) {
	out := struct {
		Boards    []listed `json:"boards"`
		Simulated bool     `json:"simulated"`
		Queries   bool     `json:"queries"`
	}{Simulated: s.Simulated, Queries: s.Editor != nil}
	for _, b := range s.Boards {
		out.Boards = append(out.Boards, listed{b.UID, b.Title, b.Description})
	}
	s.answer(w, out)
}

func (s *Server) board(w http.ResponseWriter, r *http.Request) {
	if b := s.find(w, r); b != nil {
		s.answer(w, b.File)
	}
}

func (s *Server) find(w http.ResponseWriter, r *http.Request) *dashboards.Board {
	i := slices.IndexFunc(s.Boards, func(b dashboards.Board) bool { return b.UID == r.PathValue("uid") })
	if i < 0 {
		s.refuse(w, http.StatusNotFound, errors.New("there is no such board"))
		return nil
	}
	return &s.Boards[i]
}

// request is what the reader of a board has chosen.
type request struct {
	From   int64               `json:"from"` // Unix seconds
	To     int64               `json:"to"`
	Step   int64               `json:"step"` // seconds
	Values map[string][]string `json:"values"`
	CSV    bool                `json:"csv"`
}

// asked returns the board and the scope of a request; what is wrong with it is answered here.
func (s *Server) asked(w http.ResponseWriter, r *http.Request) (b *dashboards.Board, q request, scope dashboards.Scope, ok bool) {
	if b = s.find(w, r); b == nil {
		return nil, q, scope, false
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		s.refuse(w, http.StatusBadRequest, fmt.Errorf("the request is no JSON of a scope: %w", err))
		return b, q, scope, false
	}
	scope = dashboards.Scope{From: time.Unix(q.From, 0), To: time.Unix(q.To, 0), Step: time.Duration(q.Step) * time.Second, Values: q.Values}
	if q.To <= q.From {
		s.refuse(w, http.StatusBadRequest, errors.New("the range is empty: to must be after from"))
		return b, q, scope, false
	}
	return b, q, scope, true
}

func (s *Server) panel(w http.ResponseWriter, r *http.Request) {
	b, q, scope, ok := s.asked(w, r)
	if !ok {
		return
	}
	id, _ := strconv.Atoi(r.PathValue("id")) // 0 is no panel
	i := slices.IndexFunc(b.Panels, func(p dashboards.Panel) bool { return p.ID == id && len(p.Targets) > 0 })
	if i < 0 {
		s.refuse(w, http.StatusNotFound, errors.New("there is no such panel"))
		return
	}
	s.ask(w, r, b, b.Panels[i].Targets[0].SQL, scope, q.CSV)
}

func (s *Server) marks(w http.ResponseWriter, r *http.Request) {
	b, _, scope, ok := s.asked(w, r)
	if !ok {
		return
	}
	i, err := strconv.Atoi(r.PathValue("index"))
	if err != nil || i < 0 || i >= len(b.Annotations.List) {
		s.refuse(w, http.StatusNotFound, errors.New("there is no such annotation"))
		return
	}
	s.ask(w, r, b, b.Annotations.List[i].Target.SQL, scope, false)
}

func (s *Server) choices(w http.ResponseWriter, r *http.Request) {
	b, _, scope, ok := s.asked(w, r)
	if !ok {
		return
	}
	for _, v := range b.Templating.List {
		switch {
		case v.Name != r.PathValue("name"):
		case v.Type == "custom":
			s.answer(w, map[string]any{"data": v.Choices()})
			return
		case v.Type == "query":
			s.ask(w, r, b, v.Query, scope, false)
			return
		}
	}
	s.refuse(w, http.StatusNotFound, errors.New("there is no such variable"))
}

// ask runs a text of a board and sends the rows, as JSON or to be saved as CSV.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, b *dashboards.Board, text string, scope dashboards.Scope, csv bool) {
	sql, err := b.Expand(text, scope)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), panelTimeout)
	defer cancel()
	var out strings.Builder
	format, kind := "JSONCompact", "application/json"
	if csv {
		format, kind = "CSVWithNames", "text/csv; charset=utf-8"
	}
	began := time.Now()
	limited := fmt.Sprintf("SELECT * FROM (%s) LIMIT %d SETTINGS output_format_json_quote_64bit_integers = 0", sql, maxRows)
	if err := s.DB.Query(ctx, limited, format, &out); err != nil {
		if r.Context().Err() == nil {
			s.Log.Warn().Err(err).Str("board", b.UID).Msg("web: a panel cannot be drawn")
			s.refuse(w, http.StatusBadGateway, fmt.Errorf("ClickHouse does not answer: %w", err))
		}
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Server-Timing", fmt.Sprintf("clickhouse;dur=%d", time.Since(began).Milliseconds()))
	_, _ = io.WriteString(w, out.String())
}

func (s *Server) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.Log.Debug().Err(err).Msg("web: an answer was not taken")
	}
}

func (s *Server) refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()}) // a browser that left does not need it
}
