package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// table is the tables of deliveries and incidents, in memory.
type table struct {
	mu        sync.Mutex
	rows      map[string]pipeline.Delivery
	incidents []pipeline.Incident
}

func (s *table) PutDeliveries(_ context.Context, all []pipeline.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = map[string]pipeline.Delivery{}
	}
	for _, d := range all {
		if old, ok := s.rows[d.ID]; !ok || old.State == pipeline.DeliveryWaiting || d.State != pipeline.DeliveryWaiting {
			s.rows[d.ID] = d
		}
	}
	return nil
}

func (s *table) Deliveries(_ context.Context, state pipeline.DeliveryState, ids ...string) ([]pipeline.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []pipeline.Delivery
	for _, d := range s.rows {
		if d.State == state || slices.Contains(ids, d.ID) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b pipeline.Delivery) int {
		if a.Created != b.Created {
			return int(a.Created - b.Created)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

func (s *table) Incidents(context.Context, time.Time) ([]pipeline.Incident, error) {
	return s.incidents, nil
}

func (s *table) states() map[pipeline.DeliveryState]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[pipeline.DeliveryState]int{}
	for _, d := range s.rows {
		out[d.State]++
	}
	return out
}

// people keep what they are told, or refuse it.
type people struct {
	mu    sync.Mutex
	told  []Message
	err   error
	tries int
	folds bool
}

func (p *people) Folds() bool { return p.folds }

func (p *people) Send(_ context.Context, m *Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if p.err != nil {
		return p.err
	}
	p.told = append(p.told, *m)
	return nil
}

func (p *people) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *people) titles() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]string, len(p.told))
	for i, m := range p.told {
		out[i] = string(m.Event) + " " + m.Title
	}
	return out
}

// tried is how often they were asked.
func (p *people) tried() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries
}

func incident(n, revision int, state pipeline.IncidentState) pipeline.Incident {
	at := pipeline.At(time.Now().UTC())
	return pipeline.Incident{ID: fmt.Sprint("id", n), Brand: fmt.Sprint("Brand", n), State: state, Severity: pipeline.SeverityWarning, Opened: at, Updated: at, Revision: revision,
		Evidence: []pipeline.Evidence{{Kind: pipeline.AlertVolume, Minutes: 30, Observed: 100, Expected: 1, Score: 2}}}
}

// serve runs a queue until stop is called.
func serve(t *testing.T, q *Queue) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

func TestMessagesAreToldAtLeastOnceAndFoldAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, hook, pager := &table{}, &people{}, &people{folds: true}
		members := []Member{{Channel{Name: "hook"}, hook}, {Channel{Name: "pager"}, pager}}
		q := &Queue{Store: store, Members: members, Log: zerolog.Nop(), Ack: func(id string) string { return "https://ack/" + id }}
		stop := serve(t, q)
		require.NoError(t, q.Tell(t.Context(), incident(1, 1, pipeline.IncidentOpen), Opened))
		require.NoError(t, q.Tell(t.Context(), incident(1, 1, pipeline.IncidentOpen), Opened))
		time.Sleep(time.Minute)
		assert.Len(t, hook.titles(), 1, "the same message twice is one")
		synctest.Wait()
		assert.Equal(t, "https://ack/id1", hook.told[0].Ack)

		// The receiver is away for hours: it is asked ever more rarely, and then told once.
		away := errors.New("connection refused")
		hook.set(away)
		pager.set(away)
		for n := 2; n <= 30; n++ {
			require.NoError(t, q.Tell(t.Context(), incident(n, 1, pipeline.IncidentOpen), Opened))
			require.NoError(t, q.Tell(t.Context(), incident(n, 2, pipeline.IncidentResolved), Resolved))
			time.Sleep(5 * time.Minute)
		}
		assert.Less(t, hook.tried(), 100)
		stop() // and a restart
		q = &Queue{Store: store, Members: members, Log: zerolog.Nop()}
		stop = serve(t, q)
		hook.set(nil)
		pager.set(nil)
		time.Sleep(10 * time.Minute)
		got := hook.titles()
		assert.LessOrEqual(t, len(got), 1+1+6, "no storm: %v", got)
		assert.True(t, slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "missed While nobody could be told") }), "%v", got)
		synctest.Wait()
		for _, m := range hook.told {
			for _, i := range m.Incidents {
				assert.True(t, m.Event != Missed || i.State == pipeline.IncidentResolved, "as it was known last")
			}
		}
		assert.LessOrEqual(t, len(pager.titles()), 1+29, "the latest of each incident")
		assert.Zero(t, store.states()[pipeline.DeliveryWaiting])
		stop()
	})
}

func TestWhatIsRefusedIsADeadLetterAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, hook := &table{}, &people{err: &RefusedError{"410 gone"}}
		q := &Queue{Store: store, Members: []Member{{Channel{Name: "hook"}, hook}}, Log: zerolog.Nop()}
		stop := serve(t, q)
		defer stop()
		require.NoError(t, q.Tell(t.Context(), incident(1, 1, pipeline.IncidentOpen), Opened))
		time.Sleep(time.Minute)
		assert.Equal(t, map[pipeline.DeliveryState]int{pipeline.DeliveryDead: 1}, store.states())
		dead, err := store.Deliveries(t.Context(), "", "id1/1/hook")
		require.NoError(t, err)
		assert.Equal(t, "410 gone", dead[0].Reason)
		hook.set(nil)
		require.NoError(t, q.Tell(t.Context(), incident(2, 1, pipeline.IncidentOpen), Opened))
		time.Sleep(time.Minute)
		assert.Len(t, hook.titles(), 1)

		hook.set(errors.New("away for ever"))
		require.NoError(t, q.Tell(t.Context(), incident(3, 1, pipeline.IncidentOpen), Opened))
		time.Sleep(giveUp + time.Hour)
		assert.Equal(t, 2, store.states()[pipeline.DeliveryDead], "given up after a day")

		hook.set(&LaterError{time.Now().Add(50 * time.Minute), "429"})
		require.NoError(t, q.Tell(t.Context(), incident(4, 1, pipeline.IncidentOpen), Opened))
		time.Sleep(time.Minute)
		tries := hook.tried()
		time.Sleep(40 * time.Minute)
		assert.Equal(t, tries, hook.tried(), "it wanted to be left alone")
	})
}

func TestWhoIsToldOfWhat(t *testing.T) {
	q := &Queue{}
	brand := func(severity pipeline.Severity, kinds ...pipeline.AlertKind) *pipeline.Incident {
		i := &pipeline.Incident{Brand: "Acme", Severity: severity}
		for _, k := range kinds {
			i.Evidence = append(i.Evidence, pipeline.Evidence{Kind: k})
		}
		return i
	}
	warning := brand(pipeline.SeverityWarning, pipeline.AlertVolume)
	assert.True(t, q.wants(&Channel{}, warning, Opened))
	assert.False(t, q.wants(&Channel{}, brand(pipeline.SeverityInfo, pipeline.AlertVolume), Opened))
	assert.True(t, q.wants(&Channel{MinSeverity: pipeline.SeverityInfo}, brand(pipeline.SeverityInfo, pipeline.AlertVolume), Opened))
	assert.False(t, q.wants(&Channel{Brands: []string{"Zenith"}}, warning, Opened))
	assert.True(t, q.wants(&Channel{Brands: []string{"Acme"}}, warning, Opened))
	rival := brand(pipeline.SeverityInfo, pipeline.AlertRival)
	assert.False(t, q.wants(&Channel{MinSeverity: pipeline.SeverityInfo}, rival, Opened), "who hears of all hears of the rival itself")
	assert.True(t, q.wants(&Channel{MinSeverity: pipeline.SeverityInfo, Brands: []string{"Acme"}}, rival, Opened))
	source := &pipeline.Incident{Source: "feed", Severity: pipeline.SeverityWarning, Evidence: []pipeline.Evidence{{Kind: pipeline.AlertCoverage}}}
	assert.True(t, q.wants(&Channel{Brands: []string{"Acme"}}, source, Opened), "a blind source concerns everybody")
	simulated := *warning
	simulated.Simulated = true
	assert.False(t, q.wants(&Channel{}, &simulated, Opened), "nobody is called because of the simulation")
	noted := *warning
	noted.Ack = 1
	assert.False(t, q.wants(&Channel{}, &noted, Worse), "somebody knows")
	assert.True(t, q.wants(&Channel{}, &noted, Resolved))
}

func TestDigestsComeOnceAPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins on Saturday, 2000-01-01
		store, hook := &table{}, &people{}
		store.incidents = []pipeline.Incident{incident(1, 1, pipeline.IncidentOpen)}
		store.incidents[0].Severity = pipeline.SeverityInfo
		members := []Member{{Channel{Name: "hook", Digest: []string{"daily", "weekly"}}, hook}, {Channel{Name: "pager", Digest: []string{"daily"}}, &people{folds: true}}}
		stop := serve(t, &Queue{Store: store, Members: members, Log: zerolog.Nop()})
		time.Sleep(9 * time.Hour)
		stop()
		stop = serve(t, &Queue{Store: store, Members: members, Log: zerolog.Nop()})
		time.Sleep(24 * time.Hour)
		stop()
		got := hook.titles()
		assert.Equal(t, []string{"digest Digest: 0 incidents", "digest Digest: 0 incidents", "digest Digest: 0 incidents", "digest Digest: 1 incident"}, sorted(got), "two days and a week begun")
	})
	monday, length := lastDue(time.Date(2026, 11, 23, 7, 59, 0, 0, time.UTC), "weekly") // a Monday
	assert.Equal(t, "2026-11-16T08:00:00Z 168h0m0s", monday.Format(time.RFC3339)+" "+length.String())
	monday, _ = lastDue(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), "weekly")
	assert.Equal(t, "2026-11-23", monday.Format(time.DateOnly))
}

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}

func TestTakingNote(t *testing.T) {
	var noted []string
	a := &Acknowledger{Secret: "0123456789abcdef", Find: func(_ context.Context, id string) (pipeline.Incident, bool, error) {
		return pipeline.Incident{Brand: "<b>Acme", Severity: "warning"}, id == "1", nil
	}, Store: func(_ context.Context, id, by string, _ time.Time) error {
		noted = append(noted, id+" "+by)
		return nil
	}}
	server := httptest.NewServer(a.Handler())
	defer server.Close()
	a.Base = server.URL
	ask := func(method, address string, form url.Values) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Do(req)
		require.NoError(t, err)
		defer res.Body.Close() //nolint:errcheck // a test
		body := make([]byte, 4096)
		n, _ := res.Body.Read(body)
		return res.StatusCode, string(body[:n])
	}
	code, body := ask(http.MethodGet, a.Link("1"), nil)
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, body, "&lt;b&gt;Acme")
	assert.Empty(t, noted, "scanners of mail read links")
	code, _ = ask(http.MethodPost, a.Link("1"), url.Values{"by": {" Ann "}})
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, []string{"1 Ann"}, noted)
	for address, want := range map[string]int{strings.Replace(a.Link("1"), "/1?", "/2?", 1): http.StatusForbidden, server.URL + "/incidents/1": http.StatusForbidden,
		a.Link("2"): http.StatusNotFound, server.URL + "/": http.StatusNotFound} {
		code, _ = ask(http.MethodPost, address, url.Values{"by": {"Eve"}})
		assert.Equal(t, want, code, address)
	}
	for _, by := range []string{"", strings.Repeat("x", 101)} {
		code, _ = ask(http.MethodPost, a.Link("1"), url.Values{"by": {by}})
		assert.Equal(t, http.StatusBadRequest, code)
	}
	assert.Len(t, noted, 1)
}
