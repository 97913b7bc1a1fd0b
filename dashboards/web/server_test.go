package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/dashboards"
)

// recorder is a database that remembers what it was asked.
type recorder struct {
	asked, formats []string
	err            error
}

func (r *recorder) Query(_ context.Context, sql, format string, w io.Writer) error {
	r.asked, r.formats = append(r.asked, sql), append(r.formats, format)
	if r.err != nil {
		return r.err
	}
	_, err := io.WriteString(w, `{"meta":[],"data":[]}`)
	return err
}

func view(t *testing.T) (*recorder, http.Handler) {
	t.Helper()
	boards, err := dashboards.Boards()
	require.NoError(t, err)
	db := &recorder{}
	return db, (&Server{Boards: boards, DB: db, Log: zerolog.Nop()}).Handler()
}

func do(h http.Handler, method, path, body string, set func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8090"
	if set != nil {
		set(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const scope = `{"from":1000,"to":5000,"step":60,"values":{"label_set":["live"],"brand":["O'Neill"],"database":["earshot"]}}`

func TestPagesAndFiles(t *testing.T) {
	_, h := view(t)
	for path, holds := range map[string]string{
		"/": "<title>Earshot</title>", "/b/earshot-care": "<title>Earshot</title>", "/static/view.js": "'use strict'",
		"/static/echarts.min.js": "Apache", "/api/boards": "earshot-overview", "/api/boards/earshot-care": `"panels"`,
	} {
		w := do(h, http.MethodGet, path, "", nil)
		assert.Equal(t, http.StatusOK, w.Code, path)
		assert.Contains(t, w.Body.String(), holds, path)
		policy := w.Header().Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'", path)
		assert.NotContains(t, policy, "unsafe", path)
	}
	for _, path := range []string{"/static/nobody.js", "/static/../server.go", "/api/boards/nobody", "/elsewhere"} {
		assert.Contains(t, []int{http.StatusNotFound, http.StatusMovedPermanently, http.StatusTemporaryRedirect}, do(h, http.MethodGet, path, "", nil).Code, path)
	}
}

func TestOnlyOurOwnPageIsAnswered(t *testing.T) {
	_, h := view(t)
	for name, set := range map[string]func(*http.Request){
		"a name that was bent to this machine": func(r *http.Request) { r.Host = "evil.example:8090" },
		"another page":                         func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"another port's page":                  func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:9999") },
	} {
		assert.Equal(t, http.StatusForbidden, do(h, http.MethodPost, "/api/boards/earshot-overview/panels/1", scope, set).Code, name)
	}
	own := func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:8090") }
	assert.Equal(t, http.StatusOK, do(h, http.MethodPost, "/api/boards/earshot-overview/panels/1", scope, own).Code)
	localhost := func(r *http.Request) { r.Host = "localhost:8090" }
	assert.Equal(t, http.StatusOK, do(h, http.MethodGet, "/api/boards", "", localhost).Code)
}

func TestPanelsAskWhatTheBoardSays(t *testing.T) {
	db, h := view(t)
	w := do(h, http.MethodPost, "/api/boards/earshot-overview/panels/1", scope, nil)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	assert.Contains(t, db.asked[0], "earshot.scope_hours(label_set='live', brands=['O''Neill'], platforms=['']")
	assert.Contains(t, db.asked[0], "from=toDateTime(1000), to=toDateTime(5000)")
	assert.Equal(t, "JSONCompact", db.formats[0])
	w = do(h, http.MethodPost, "/api/boards/earshot-overview/panels/1", strings.Replace(scope, "{", `{"csv":true,`, 1), nil)
	assert.Contains(t, w.Header().Get("Content-Type"), "text/csv")
	assert.Equal(t, "CSVWithNames", db.formats[1])
	do(h, http.MethodPost, "/api/boards/earshot-overview/marks/1", scope, nil)
	assert.Contains(t, db.asked[2], "gaps FINAL")
	w = do(h, http.MethodPost, "/api/boards/earshot-overview/choices/database", scope, nil)
	assert.Contains(t, w.Body.String(), `["earshot","earshot_simulated"]`)
	do(h, http.MethodPost, "/api/boards/earshot-overview/choices/brand", scope, nil)
	assert.Contains(t, db.asked[3], "SELECT DISTINCT brand")
}

func TestBadRequests(t *testing.T) {
	db, h := view(t)
	for body, says := range map[string]string{
		`{`: "no JSON", `{"sql":"SELECT 1"}`: "unknown field", `{"from":5,"to":5}`: "range is empty",
		`{"from":1,"to":5,"values":{"database":["system"],"label_set":["live"]}}`: "none of the choices",
		`{"from":1,"to":5,"values":{}}`:                                           "label_set has no value",
		`{"values":{"x":["` + strings.Repeat("y", maxBody) + `"]}}`:               "too large",
	} {
		w := do(h, http.MethodPost, "/api/boards/earshot-overview/panels/1", body, nil)
		assert.Equal(t, http.StatusBadRequest, w.Code, says)
		assert.Contains(t, w.Body.String(), says)
	}
	for _, path := range []string{"/panels/999", "/panels/x", "/marks/9", "/marks/-1", "/choices/nobody", "/choices/datasource"} {
		assert.Equal(t, http.StatusNotFound, do(h, http.MethodPost, "/api/boards/earshot-overview"+path, scope, nil).Code, path)
	}
	assert.Empty(t, db.asked)
	db.err = errors.New("gone")
	w := do(h, http.MethodPost, "/api/boards/earshot-overview/panels/1", scope, nil)
	assert.Equal(t, http.StatusBadGateway, w.Code)
	assert.Contains(t, w.Body.String(), "ClickHouse does not answer: gone")
}
