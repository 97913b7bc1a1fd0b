package meta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/inbound"
)

const (
	// nearly is the share (in percent) of an app's limit beyond which we pause, and rest
	// for how long: the window of the limits is an hour.
	nearly = 95
	rest   = 15 * time.Minute
	mend   = "renew the access token, and look at its permissions at https://developers.facebook.com/tools/debug/accesstoken"
)

// graph asks the Graph API.
type graph struct {
	cfg  *Common
	http *client.Client

	mu    sync.Mutex
	until time.Time // no request before: the limit is nearly used up
}

// page is a list with its cursor.
type page struct {
	Data   []json.RawMessage `json:"data"`
	Paging struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		Next string `json:"next"` // holds the token: only whether it is there matters
	} `json:"paging"`
}

// after is the cursor of the next page, or empty.
func (p *page) after() string {
	if p.Paging.Next == "" {
		return ""
	}
	return p.Paging.Cursors.After
}

// apiError is what every failed request answers.
type apiError struct {
	Error struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    int    `json:"code"`
		Subcode int    `json:"error_subcode"`
	} `json:"error"`
}

// errGone says that an object does not exist, or not for us.
var errGone = errors.New("the object does not exist any more")

func (g *graph) get(ctx context.Context, path string, q url.Values, into any) error {
	g.mu.Lock()
	until := g.until
	g.mu.Unlock()
	address := g.cfg.Endpoint + "/" + path
	if time.Now().Before(until) {
		return &client.LimitedError{Address: client.Redact(address), Until: until, What: "X-App-Usage"}
	}
	q.Set("access_token", g.cfg.Token.Reveal())
	if g.cfg.AppSecret != "" {
		q.Set("appsecret_proof", inbound.Sign(g.cfg.AppSecret.Reveal(), []byte(g.cfg.Token.Reveal())))
	}
	resp, err := g.http.Get(ctx, address+"?"+q.Encode(), nil)
	if err != nil {
		return explain(err, time.Now())
	}
	if used(resp.Header) >= nearly {
		g.mu.Lock()
		g.until = time.Now().Add(rest)
		g.mu.Unlock()
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	return nil
}

// used is the greatest percentage of a limit that an answer tells of.
func used(h http.Header) float64 {
	type usage struct {
		Calls float64 `json:"call_count"`
		CPU   float64 `json:"total_cputime"`
		Time  float64 `json:"total_time"`
	}
	var app usage
	_ = json.Unmarshal([]byte(h.Get("X-App-Usage")), &app) // absent most of the time
	most := max(app.Calls, app.CPU, app.Time)
	var business map[string][]usage
	if json.Unmarshal([]byte(h.Get("X-Business-Use-Case-Usage")), &business) == nil {
		for _, list := range business {
			for _, u := range list {
				most = max(most, u.Calls, u.CPU, u.Time)
			}
		}
	}
	return most
}

// explain reads the API's own error.
func explain(err error, now time.Time) error {
	status, ok := errors.AsType[*client.StatusError](err)
	if !ok {
		return err
	}
	var a apiError
	if json.Unmarshal(status.Body, &a) != nil || a.Error.Code == 0 {
		return err
	}
	e := a.Error
	switch {
	case e.Code == 4 || e.Code == 17 || e.Code == 32 || e.Code == 613 || e.Code >= 80000 && e.Code <= 80014:
		return &client.LimitedError{Address: status.Address, Until: now.Add(regain(status.Header)), What: "error " + strconv.Itoa(e.Code)}
	case e.Code == 190:
		return fmt.Errorf("%w: error 190 (the access token has ended): %s", err, mend)
	case e.Code == 10 || e.Code >= 200 && e.Code < 300:
		return fmt.Errorf("%w: error %d (a permission is missing): %s", err, e.Code, mend)
	case e.Code == 100 && e.Subcode == 33:
		return fmt.Errorf("%w: error 100/33: %w", err, errGone)
	}
	return fmt.Errorf("%w: error %d/%d %.60q", err, e.Code, e.Subcode, e.Type)
}

// regain is how long a business has to wait, else the hour of the other limits.
func regain(h http.Header) time.Duration {
	var business map[string][]struct {
		Minutes int `json:"estimated_time_to_regain_access"`
	}
	longest := 0
	if json.Unmarshal([]byte(h.Get("X-Business-Use-Case-Usage")), &business) == nil {
		for _, list := range business {
			for _, u := range list {
				longest = max(longest, u.Minutes)
			}
		}
	}
	if longest > 0 {
		return time.Duration(min(longest, 24*60)) * time.Minute
	}
	return time.Hour
}

// moment reads "2026-01-01T00:00:00+0000".
func moment(text string) pipeline.Time {
	t, err := time.Parse("2006-01-02T15:04:05-0700", text)
	if err != nil {
		if t, err = time.Parse(time.RFC3339, text); err != nil {
			return 0
		}
	}
	return pipeline.At(t)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// comma joins fields.
func comma(fields ...string) string { return strings.Join(fields, ",") }
