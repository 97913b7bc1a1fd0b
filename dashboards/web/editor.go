package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Editor answers the page on which analysts try queries on the archive. Errors that wrap
// ErrRefused are the asker's to mend.
type Editor interface {
	// Brands are those whose queries can be edited, by name.
	Brands(ctx context.Context, simulated bool) ([]EditedBrand, error)
	// Check reads a query as it is typed; what is wrong with it is part of the answer.
	Check(ctx context.Context, t Trial) (Checked, error)
	// Try asks the archive for the posts that match.
	Try(ctx context.Context, t Trial) (Tried, error)
	// Judge asks the query about posts that say yes or no.
	Judge(ctx context.Context, t Trial) (Judged, error)
	// Without is the query that finds the same posts, but for those with a word.
	Without(query, word string) (string, error)
	// Save makes the query a new version of the brand's, and says what happened.
	Save(ctx context.Context, t Trial) (said string, err error)
	// Mute lets the posts of an author count no more for a brand, and says what happened.
	Mute(ctx context.Context, platform, author, brand string) (said string, err error)
}

// Mistakes of whoever asks, as the answers' status tells them.
var (
	ErrRefused = errors.New("refused")                       // the request cannot be answered as it is
	ErrChanged = errors.New("somebody has changed it since") // the brand is not what the page began with
)

// Trial is a query that an analyst tries.
type Trial struct {
	Brand     string `json:"brand"` // whose other settings count, and whose query it is compared with; empty: none
	Query     string `json:"query"`
	Simulated bool   `json:"simulated"` // on the posts of the simulated stream
	Days      int    `json:"days"`      // before the newest post
	More      bool   `json:"more"`      // on a larger sample, which takes longer
	Version   string `json:"version"`   // of a save: the brand's version that the page began with
	Examples  string `json:"examples"`  // of Judge: lines of yes or no, a tab and a post
}

// EditedBrand is a brand as the page offers it.
type EditedBrand struct {
	Name       string   `json:"name"`
	Query      string   `json:"query"`
	Version    string   `json:"version"`
	State      string   `json:"state"`
	Exclusions []string `json:"exclusions"`
}

// Checked is what a query says of itself.
type Checked struct {
	Mistake  *Mistake  `json:"mistake"` // nil: the query can be used, and the rest is known
	Reads    string    `json:"reads"`
	Version  string    `json:"version"`
	Warnings []Warning `json:"warnings"`
	Command  string    `json:"command"` // what makes it the brand's query
}

// Mistake is a mistake and where it stands.
type Mistake struct {
	Line    int    `json:"line"` // from 1; 0: it has no place
	Column  int    `json:"column"`
	Text    string `json:"text"` // with the line of the query and a caret
	Problem string `json:"problem"`
}

// Warning is what is legal but probably not meant.
type Warning struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Kind   string `json:"kind"`
	Text   string `json:"text"`
}

// Tried is what a query does on the archive. Counts are of all posts of these days,
// extended from the sample where it is one.
type Tried struct {
	Sample   string    `json:"sample"` // which posts were asked
	Every    uint64    `json:"every"`  // one in so many posts
	Posts    uint64    `json:"posts"`
	Matches  uint64    `json:"matches"`
	ADay     float64   `json:"a_day"`
	Compared bool      `json:"compared"` // with the brand's present query; the next four are known
	Before   uint64    `json:"before"`
	Both     uint64    `json:"both"`
	Added    uint64    `json:"added"`
	Removed  uint64    `json:"removed"`
	Days     []Day     `json:"days"`
	Warnings []Warning `json:"warnings"`
	Shown    []Example `json:"shown"` // drawn by the hash of their identity: the same posts for the same question
}

// Day is what a query finds on a day (UTC).
type Day struct {
	Day     string `json:"day"`
	Posts   uint64 `json:"posts"`
	Matches uint64 `json:"matches"`
	Before  uint64 `json:"before"`
}

// Example is a post of the archive as a query sees it.
type Example struct {
	Change   string    `json:"change"` // added, removed, or empty: the query matches, as the present one does
	Platform string    `json:"platform"`
	ID       string    `json:"id"`
	AuthorID string    `json:"author_id"`
	Author   string    `json:"author"`
	At       string    `json:"at"`
	URL      string    `json:"url"`
	Title    []Segment `json:"title"`
	Text     []Segment `json:"text"`
	Beside   []string  `json:"beside"`  // what matched beside title and text: hashtag, handle, link
	Decided  []string  `json:"decided"` // parts of the query that decided a change
	Record   string    `json:"record"`  // the post as JSON, to be kept as an example of yes or no
}

// Segment is a piece of a text; the pieces in order are the text.
type Segment struct {
	Text string `json:"text"`
	Hit  bool   `json:"hit"`
}

// Judged is how a query does on posts that say yes or no.
type Judged struct {
	Precision string  `json:"precision"`
	Recall    string  `json:"recall"`
	Posts     []Judge `json:"posts"`
}

// Judge is a post that says yes or no, and what the query says.
type Judge struct {
	Line    int       `json:"line"`
	Wanted  bool      `json:"wanted"`
	Found   bool      `json:"found"`
	Text    []Segment `json:"text"`
	Decided []string  `json:"decided"` // of a miss
}

// Bounds of a trial.
const (
	tryTimeout  = 45 * time.Second
	maxExamples = 4 << 20
	maxDays     = 366
)

// editing adds the page of queries; without an Editor there is none.
func (s *Server) editing(mux *http.ServeMux) {
	mux.HandleFunc("GET /queries", func(w http.ResponseWriter, _ *http.Request) { s.send(w, "queries.html") })
	mux.HandleFunc("GET /api/queries/brands", s.brands)
	mux.HandleFunc("POST /api/queries/check", trial(s, s.Editor.Check))
	mux.HandleFunc("POST /api/queries/try", trial(s, s.Editor.Try))
	mux.HandleFunc("POST /api/queries/judge", trial(s, s.Editor.Judge))
	mux.HandleFunc("POST /api/queries/without", trial(s, func(_ context.Context, q struct{ Query, Word string }) (map[string]string, error) {
		out, err := s.Editor.Without(q.Query, q.Word)
		return map[string]string{"query": out}, err
	}))
	mux.HandleFunc("POST /api/queries/save", s.writing(trial(s, func(ctx context.Context, t Trial) (map[string]string, error) {
		return said(s.Editor.Save(ctx, t))
	})))
	mux.HandleFunc("POST /api/queries/mute", s.writing(trial(s, func(ctx context.Context, q struct{ Platform, Author, Brand string }) (map[string]string, error) {
		return said(s.Editor.Mute(ctx, q.Platform, q.Author, q.Brand))
	})))
}

func said(text string, err error) (map[string]string, error) {
	return map[string]string{"said": text}, err
}

func (s *Server) brands(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), panelTimeout)
	defer cancel()
	list, err := s.Editor.Brands(ctx, r.URL.Query().Get("simulated") == "true")
	if err != nil {
		s.refuse(w, status(err), err)
		return
	}
	s.answer(w, map[string]any{"brands": append([]EditedBrand{}, list...), "simulated": s.Simulated, "writable": len(s.Token) > 0})
}

// trial answers a request with what ask says of its body.
func trial[Q, A any](s *Server, ask func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxExamples))
		d.DisallowUnknownFields()
		if err := d.Decode(&q); err != nil {
			s.refuse(w, http.StatusBadRequest, fmt.Errorf("the request is no JSON of a query: %w", err))
			return
		}
		if t, ok := any(&q).(*Trial); ok {
			t.Days = min(max(t.Days, 1), maxDays)
		}
		ctx, cancel := context.WithTimeout(r.Context(), tryTimeout)
		defer cancel()
		out, err := ask(ctx, q)
		switch {
		case err == nil:
			s.answer(w, out)
		case r.Context().Err() == nil: // else nobody waits for the answer
			s.refuse(w, status(err), err)
		}
	}
}

// status tells whose mistake an error is.
func status(err error) int {
	switch {
	case errors.Is(err, ErrChanged):
		return http.StatusConflict
	case errors.Is(err, ErrRefused):
		return http.StatusBadRequest
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	default:
		return http.StatusBadGateway
	}
}

// writing asks for the token. A page of another origin cannot send the header: the browser
// would have to ask us first, and we do not answer.
func (s *Server) writing(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := s.Token.Reveal()
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		ours, theirs := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(given))
		switch {
		case token == "":
			s.refuse(w, http.StatusForbidden, errors.New("nothing can be written here: set web.token, or use the command"))
		case !bearer || subtle.ConstantTimeCompare(ours[:], theirs[:]) != 1:
			s.Log.Warn().Str("path", r.URL.Path).Msg("web: a change was refused: the token is not ours")
			s.refuse(w, http.StatusUnauthorized, errors.New("the token is not the one of web.token"))
		default:
			next(w, r)
		}
	}
}
