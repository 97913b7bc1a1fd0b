package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// desk is an Editor that remembers what it was asked.
type desk struct {
	trials []Trial
	wrote  []string
	err    error
}

func (d *desk) Brands(context.Context, bool) ([]EditedBrand, error) { return nil, d.err }
func (d *desk) Check(_ context.Context, t Trial) (Checked, error) {
	d.trials = append(d.trials, t)
	return Checked{Reads: "read"}, d.err
}
func (d *desk) Try(_ context.Context, t Trial) (Tried, error) {
	d.trials = append(d.trials, t)
	return Tried{Shown: []Example{{Text: []Segment{{Text: "<script>alert(1)</script>"}}}}}, d.err
}
func (d *desk) Judge(context.Context, Trial) (Judged, error) { return Judged{Precision: "0.5"}, d.err }
func (d *desk) Without(query, word string) (string, error)   { return query + " NOT " + word, d.err }
func (d *desk) Save(_ context.Context, t Trial) (string, error) {
	d.wrote = append(d.wrote, t.Query)
	return "saved", d.err
}
func (d *desk) Mute(_ context.Context, platform, author, brand string) (string, error) {
	d.wrote = append(d.wrote, platform+"/"+author+" "+brand)
	return "muted", d.err
}

const token = "a token of some length"

func queries(t *testing.T, server *Server) (*desk, http.Handler) {
	t.Helper()
	d := &desk{}
	server.Editor = d
	return d, server.Handler()
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func TestQueriesAreAnswered(t *testing.T) {
	d, h := queries(t, &Server{Log: zerolog.Nop(), Token: token})
	page := do(h, http.MethodGet, "/queries", "", nil)
	assert.Equal(t, http.StatusOK, page.Code)
	assert.Contains(t, page.Body.String(), "queries.js")
	assert.NotContains(t, page.Header().Get("Content-Security-Policy"), "unsafe")
	assert.JSONEq(t, `{"brands":[],"simulated":false,"writable":true}`, do(h, http.MethodGet, "/api/queries/brands", "", nil).Body.String())
	for path, holds := range map[string]string{"check": `"reads":"read"`, "try": `\u003cscript\u003e`, "judge": `"precision":"0.5"`} {
		w := do(h, http.MethodPost, "/api/queries/"+path, `{"brand":"Acme","query":"acme","days":-4}`, nil)
		assert.Equal(t, http.StatusOK, w.Code, path)
		assert.Contains(t, w.Body.String(), holds, path)
		assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	}
	assert.Equal(t, 1, d.trials[0].Days, "days are bounded")
	assert.Contains(t, do(h, http.MethodPost, "/api/queries/without", `{"query":"a","word":"b"}`, nil).Body.String(), "a NOT b")
	for body, says := range map[string]string{`{`: "no JSON", `{"sql":"SELECT 1"}`: "unknown field"} {
		w := do(h, http.MethodPost, "/api/queries/try", body, nil)
		assert.Equal(t, http.StatusBadRequest, w.Code)
		assert.Contains(t, w.Body.String(), says)
	}
	elsewhere := func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }
	assert.Equal(t, http.StatusForbidden, do(h, http.MethodPost, "/api/queries/try", `{}`, elsewhere).Code)
	for err, status := range map[error]int{
		fmt.Errorf("%w: not so", ErrRefused): http.StatusBadRequest, fmt.Errorf("x: %w", ErrChanged): http.StatusConflict,
		context.DeadlineExceeded: http.StatusGatewayTimeout, fmt.Errorf("gone"): http.StatusBadGateway,
	} {
		d.err = err
		w := do(h, http.MethodPost, "/api/queries/try", `{}`, nil)
		assert.Equal(t, status, w.Code, err)
		assert.Contains(t, w.Body.String(), err.Error())
	}
}

func TestWritingNeedsTheToken(t *testing.T) {
	var log bytes.Buffer
	d, h := queries(t, &Server{Log: zerolog.New(&log), Token: token})
	const save, mute = `{"brand":"Acme","query":"acme"}`, `{"platform":"x","author":"spam","brand":"Acme"}`
	for name, set := range map[string]func(*http.Request){
		"none": nil, "another": bearer("a token of another kind"), "a part": bearer(token[:10]), "more": bearer(token + "s"), "empty": bearer(""),
		"as a cookie":     func(r *http.Request) { r.Header.Set("Cookie", "token="+token) },
		"of another kind": func(r *http.Request) { r.Header.Set("Authorization", "Basic "+token) },
		"bare":            func(r *http.Request) { r.Header.Set("Authorization", token) },
	} {
		for path, body := range map[string]string{"save": save, "mute": mute} {
			w := do(h, http.MethodPost, "/api/queries/"+path, body, set)
			assert.Equal(t, http.StatusUnauthorized, w.Code, name)
			assert.NotContains(t, w.Body.String(), token)
		}
	}
	assert.Empty(t, d.wrote)
	assert.NotContains(t, log.String(), token)
	assert.Contains(t, do(h, http.MethodPost, "/api/queries/save", save, bearer(token)).Body.String(), "saved")
	assert.Contains(t, do(h, http.MethodPost, "/api/queries/mute", mute, bearer(token)).Body.String(), "muted")
	assert.Equal(t, []string{"acme", "x/spam Acme"}, d.wrote)
	foreign := func(r *http.Request) { bearer(token)(r); r.Header.Set("Origin", "http://127.0.0.1:1") }
	assert.Equal(t, http.StatusForbidden, do(h, http.MethodPost, "/api/queries/save", save, foreign).Code)

	d, h = queries(t, &Server{Log: zerolog.Nop()})
	for _, set := range []func(*http.Request){nil, bearer(""), bearer(token)} {
		w := do(h, http.MethodPost, "/api/queries/save", save, set)
		assert.Equal(t, http.StatusForbidden, w.Code)
		assert.Contains(t, w.Body.String(), "web.token")
	}
	assert.Empty(t, d.wrote)
}

func TestWithoutAnEditorThereIsNoPage(t *testing.T) {
	_, h := view(t)
	assert.Equal(t, http.StatusNotFound, do(h, http.MethodGet, "/queries", "", nil).Code)
	assert.Contains(t, do(h, http.MethodGet, "/api/boards", "", nil).Body.String(), `"queries":false`)
}

// TestThePageMakesNoMarkupOfTexts: texts of posts are hostile; no script of ours turns a
// text into markup or code.
func TestThePageMakesNoMarkupOfTexts(t *testing.T) {
	for _, name := range []string{"common.js", "draw.js", "view.js", "queries.js"} {
		raw, err := static.ReadFile("static/" + name)
		require.NoError(t, err)
		for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "setAttribute('on", "http://", "https://"} {
			assert.NotContains(t, strings.ReplaceAll(string(raw), `https?:\/\/`, ""), way, name)
		}
	}
}
