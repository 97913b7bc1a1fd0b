package grafana

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/dashboards"
)

const token = "glsa_verysecret"

// fake answers as Grafana's HTTP API documents (data source, folder, dashboard, alerting
// provisioning): status, bodies, and what it changes in what it is sent.
type fake struct {
	t       *testing.T
	sources map[string]map[string]any
	folders map[string]string
	boards  map[string]map[string]any
	groups  map[string]json.RawMessage
	points  map[string]json.RawMessage
	tree    json.RawMessage
	version int
	writes  int
	before  func(w http.ResponseWriter, r *http.Request) bool // answers instead
}

func newFake(t *testing.T) (*fake, *httptest.Server) {
	t.Helper()
	f := &fake{
		t: t, sources: map[string]map[string]any{}, folders: map[string]string{}, boards: map[string]map[string]any{},
		groups: map[string]json.RawMessage{}, points: map[string]json.RawMessage{},
		tree: json.RawMessage(`{"receiver":"grafana-default-email","routes":[{"receiver":"ops","object_matchers":[["team","=","ops"]],"continue":false}]}`),
	}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return f, s
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.before != nil && f.before(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+token {
		answer(w, http.StatusUnauthorized, map[string]string{"message": "Invalid API key"})
		return
	}
	if r.Method != http.MethodGet {
		f.writes++
	}
	body, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/api/")
	switch {
	case strings.HasPrefix(path, "datasources"):
		f.dataSource(w, r, path, body)
	case strings.HasPrefix(path, "folders"):
		f.folder(w, r, path, body)
	case strings.HasPrefix(path, "dashboards"), path == "search":
		f.board(w, r, path, body)
	case strings.HasPrefix(path, "v1/provisioning"):
		f.alerting(w, r, strings.TrimPrefix(path, "v1/provisioning/"), body)
	default:
		answer(w, http.StatusNotFound, map[string]string{"message": "Not found"})
	}
}

func (f *fake) dataSource(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	uid := strings.TrimPrefix(path, "datasources/uid/")
	if r.Method == http.MethodGet {
		if d, ok := f.sources[uid]; ok {
			answer(w, http.StatusOK, d)
		} else {
			answer(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
		}
		return
	}
	var d map[string]any
	require.NoError(f.t, json.Unmarshal(body, &d))
	assert.Equal(f.t, map[string]any{"password": "reader's"}, d["secureJsonData"])
	delete(d, "secureJsonData") // never told again
	d["id"] = 7
	f.sources[d["uid"].(string)] = d
	answer(w, http.StatusOK, map[string]any{"id": 7, "datasource": d, "message": "Datasource added"})
}

func (f *fake) folder(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	if r.Method == http.MethodGet {
		uid := strings.TrimPrefix(path, "folders/")
		if title, ok := f.folders[uid]; ok {
			answer(w, http.StatusOK, map[string]any{"id": 1, "uid": uid, "title": title})
		} else {
			answer(w, http.StatusNotFound, map[string]string{"message": "folder not found"})
		}
		return
	}
	var d struct{ UID, Title string }
	require.NoError(f.t, json.Unmarshal(body, &d))
	f.folders[d.UID] = d.Title
	answer(w, http.StatusOK, map[string]any{"id": 1, "uid": d.UID, "title": d.Title})
}

func (f *fake) board(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	uid := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case path == "search":
		list := []map[string]any{}
		for id, m := range f.boards {
			list = append(list, map[string]any{"uid": id, "title": m["title"], "type": "dash-db", "folderUid": folderUID})
		}
		answer(w, http.StatusOK, list)
	case r.Method == http.MethodDelete:
		delete(f.boards, uid)
		answer(w, http.StatusOK, map[string]string{"message": "Dashboard deleted"})
	case r.Method == http.MethodGet && f.boards[uid] != nil:
		answer(w, http.StatusOK, map[string]any{"dashboard": f.boards[uid], "meta": map[string]any{"folderUid": folderUID}})
	case r.Method == http.MethodGet:
		answer(w, http.StatusNotFound, map[string]string{"message": "Dashboard not found"})
	default:
		var d struct {
			Dashboard map[string]any
			FolderUID string
			Overwrite bool
		}
		require.NoError(f.t, json.Unmarshal(body, &d))
		assert.Equal(f.t, folderUID, d.FolderUID)
		id := d.Dashboard["uid"].(string)
		if have := f.boards[id]; have != nil && !d.Overwrite && have["version"] != d.Dashboard["version"] {
			answer(w, http.StatusPreconditionFailed, map[string]string{"message": "The dashboard has been changed by someone else", "status": "version-mismatch"})
			return
		}
		f.version++
		d.Dashboard["id"], d.Dashboard["version"] = f.version, float64(f.version)
		f.boards[id] = d.Dashboard
		answer(w, http.StatusOK, map[string]any{"id": f.version, "uid": id, "status": "success", "version": f.version})
	}
}

func (f *fake) alerting(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	store, key := f.groups, path
	switch {
	case path == "policies":
		if r.Method == http.MethodPut {
			f.tree = body
			answer(w, http.StatusAccepted, map[string]string{"message": "policies updated"})
			return
		}
		answer(w, http.StatusOK, f.tree)
		return
	case strings.HasPrefix(path, "contact-points"):
		if r.Method == http.MethodGet {
			answer(w, http.StatusOK, slices.Collect(maps.Values(f.points)))
			return
		}
		var p struct{ UID string }
		require.NoError(f.t, json.Unmarshal(body, &p))
		store, key = f.points, p.UID
	case r.Method == http.MethodGet:
		if g, ok := f.groups[path]; ok {
			answer(w, http.StatusOK, g)
		} else {
			answer(w, http.StatusNotFound, map[string]string{"message": "not found"})
		}
		return
	}
	store[key] = body
	answer(w, http.StatusOK, json.RawMessage(body))
}

func config(address string) Config {
	return Config{URL: address, Token: token, ClickHouse: "http://clickhouse:8123", User: "reader", Password: "reader's", Contact: "ops@example.org"}
}

func list(t *testing.T) []dashboards.Board {
	t.Helper()
	boards, err := dashboards.Boards()
	require.NoError(t, err)
	return boards
}

// apply returns what was done, as "verb what".
func apply(t *testing.T, cfg Config, o Options) (done []string, err error) {
	t.Helper()
	err = Apply(t.Context(), cfg, list(t), o, func(c Change) { done = append(done, string(c.Verb)+" "+c.What) })
	return done, err
}

func only(done []string, verb Verb) (out []string) {
	for _, d := range done {
		if what, ok := strings.CutPrefix(d, string(verb)+" "); ok {
			out = append(out, what)
		}
	}
	return out
}

func TestApplyTwiceChangesNothing(t *testing.T) {
	f, s := newFake(t)
	dry, err := apply(t, config(s.URL), Options{DryRun: true})
	require.NoError(t, err)
	assert.Zero(t, f.writes, "a dry run writes nothing")
	done, err := apply(t, config(s.URL), Options{})
	require.NoError(t, err)
	assert.Equal(t, dry, done, "and tells what would be done")
	assert.Len(t, only(done, Create), 1+1+9+1+1+1)
	assert.Contains(t, string(f.tree), `"ops"`, "routes of others stay")
	assert.Contains(t, string(f.tree), `"Earshot"`)
	writes := f.writes
	done, err = apply(t, config(s.URL), Options{})
	require.NoError(t, err)
	assert.Len(t, only(done, Same), len(done))
	assert.Equal(t, writes, f.writes)
}

func TestWhatPeopleChangedStays(t *testing.T) {
	f, s := newFake(t)
	_, err := apply(t, config(s.URL), Options{})
	require.NoError(t, err)
	f.boards["earshot-care"]["title"] = "Our care"
	f.boards["theirs"] = map[string]any{"uid": "theirs", "title": "Theirs", "version": 1.0}
	f.sources[sourceUID]["jsonData"].(map[string]any)["host"] = "elsewhere"
	done, err := apply(t, config(s.URL), Options{Prune: true})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"data source Earshot", "board Earshot: Customer care"}, only(done, Keep))
	assert.Empty(t, only(done, Update))
	assert.Contains(t, f.boards, "theirs")
	done, err = apply(t, config(s.URL), Options{Overwrite: true})
	require.NoError(t, err)
	assert.Len(t, only(done, Update), 2)
	assert.Equal(t, "Earshot: Customer care", f.boards["earshot-care"]["title"])
}

func TestNewVersionsAndPrune(t *testing.T) {
	f, s := newFake(t)
	_, err := apply(t, config(s.URL), Options{})
	require.NoError(t, err)
	// As an older version left them: another text under its own mark, and a board that is no more.
	old := f.boards["earshot-topics"]
	old["description"] = "as it was"
	old[mark] = hash(bareModel(old))
	gone := map[string]any{"uid": "earshot-gone", "title": "Gone", "version": 1.0}
	gone[mark] = hash(bareModel(gone))
	f.boards["earshot-gone"] = gone
	var diffs []string
	require.NoError(t, Apply(t.Context(), config(s.URL), list(t), Options{Prune: true, DryRun: true}, func(c Change) { diffs = append(diffs, c.Diff) }))
	assert.Contains(t, strings.Join(diffs, "\n"), `-  "description": "as it was"`)
	done, err := apply(t, config(s.URL), Options{Prune: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"board Earshot: Topics"}, only(done, Update))
	assert.Equal(t, []string{"board Gone"}, only(done, Remove))
	assert.NotContains(t, f.boards, "earshot-gone")
	assert.NotEqual(t, "as it was", f.boards["earshot-topics"]["description"])
}

func TestBadDays(t *testing.T) {
	for name, c := range map[string]struct {
		before func(w http.ResponseWriter, r *http.Request) bool
		says   string
	}{
		"401": {func(w http.ResponseWriter, _ *http.Request) bool {
			answer(w, http.StatusUnauthorized, map[string]string{"message": "expired"})
			return true
		}, "set grafana.token"},
		"403": {func(w http.ResponseWriter, _ *http.Request) bool {
			answer(w, http.StatusForbidden, map[string]string{"message": "need datasources:read"})
			return true
		}, "least rights"},
		"409": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				answer(w, http.StatusConflict, map[string]string{"message": "data source with the same name already exists"})
			}
			return r.Method == http.MethodPost
		}, "rename or remove"},
		"500 for ever": {func(w http.ResponseWriter, _ *http.Request) bool {
			answer(w, http.StatusInternalServerError, nil)
			return true
		}, "try again later"},
		"cut": {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, "no whole answer"},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(w, "<html>")
			return true
		}, "no whole answer"},
	} {
		t.Run(name, func(t *testing.T) {
			f, s := newFake(t)
			f.before = c.before
			_, err := apply(t, config(s.URL), Options{})
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), token)
			assert.NotContains(t, err.Error(), "reader's")
		})
	}
	t.Run("500 once, then well", func(t *testing.T) {
		f, s := newFake(t)
		failed := 0
		f.before = func(w http.ResponseWriter, _ *http.Request) bool {
			failed++
			if failed == 1 {
				answer(w, http.StatusBadGateway, nil)
			}
			return failed == 1
		}
		_, err := apply(t, config(s.URL), Options{})
		require.NoError(t, err)
	})
	t.Run("somebody saves meanwhile", func(t *testing.T) {
		f, s := newFake(t)
		_, err := apply(t, config(s.URL), Options{})
		require.NoError(t, err)
		old := f.boards["earshot-topics"]
		old["description"] = "as it was"
		old[mark] = hash(bareModel(old))
		f.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				old["version"] = 999.0
			}
			return false
		}
		_, err = apply(t, config(s.URL), Options{})
		require.ErrorContains(t, err, "somebody changed it meanwhile")
	})
	t.Run("slow: the reader gives up", func(t *testing.T) {
		f, s := newFake(t)
		ctx, cancel := context.WithCancel(t.Context())
		f.before = func(_ http.ResponseWriter, r *http.Request) bool {
			cancel()
			<-r.Context().Done()
			return true
		}
		err := Apply(ctx, config(s.URL), list(t), Options{}, func(Change) {})
		require.ErrorContains(t, err, "no whole answer")
	})
}

func TestConfigIsChecked(t *testing.T) {
	for address, says := range map[string]string{"ftp://x": "not a URL", "https://a:b@x": "without a password", "nonsense": "not a URL"} {
		require.ErrorContains(t, Config{URL: address}.Validate(), says, address)
		_, err := connect(t.Context(), address, token)
		require.ErrorContains(t, err, "grafana.url")
	}
	require.NoError(t, Config{}.Validate())
	for address, says := range map[string]string{"": "no", "http://x": "names no port", "x:1": "not an address"} {
		_, err := Config{ClickHouse: address}.dataSource()
		require.Error(t, err, says)
	}
	assert.NotContains(t, fmt.Sprintf("%v %+v", config("http://x"), config("http://x")), token)
}
