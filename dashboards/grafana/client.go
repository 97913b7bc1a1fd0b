package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	gapi "github.com/grafana/grafana-api-golang-client"

	"earshot/pipeline"
)

// The client's retries cannot be interrupted, so there are few of them.
const (
	requestTimeout = 20 * time.Second
	retries        = 2
	retryPause     = 500 * time.Millisecond
)

var errAbsent = errors.New("is not there")

// client is the Grafana of a URL.
type client struct{ api *gapi.Client }

func connect(ctx context.Context, address string, token pipeline.Secret) (*client, error) {
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	api, err := gapi.New(strings.TrimSuffix(address, "/"), gapi.Config{
		HTTPHeaders: map[string]string{"X-Disable-Provenance": "true"}, // people may edit rules and routes in Grafana
		APIKey:      token.Reveal(), NumRetries: retries, RetryTimeout: retryPause,
		Client: &http.Client{Timeout: requestTimeout, Transport: bound{ctx, http.DefaultTransport}},
	})
	if err != nil {
		return nil, fmt.Errorf("grafana: %w", err)
	}
	return &client{api: api}, nil
}

// bound ends requests with a context, of which the client knows nothing.
type bound struct {
	ctx  context.Context //nolint:containedctx // of one run of apply
	next http.RoundTripper
}

func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.next.RoundTrip(r.WithContext(b.ctx)) //nolint:wrapcheck // the client wraps it
}

var statusOf = regexp.MustCompile(`^status: (\d+), body: (?s:(.*))$`)

// explain says what is wrong and how to mend it; what is not there is errAbsent.
func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if _, absent := errors.AsType[gapi.ErrNotFound](err); absent {
		return fmt.Errorf("grafana: %s: %w", what, errAbsent)
	}
	found := statusOf.FindStringSubmatch(err.Error())
	if found == nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return fmt.Errorf("grafana: %s: no whole answer; is Grafana there, and is grafana.url right? (%w)", what, err)
	}
	mend := map[string]string{
		"400": "Grafana does not understand it; it is made for Grafana 11 and later",
		"401": "the token is not accepted: make one for a service account and set grafana.token",
		"403": "the service account may not do this; its least rights are in docs/boards.md",
		"409": "something of the same name is there under another id: rename or remove it",
		"412": "somebody changed it meanwhile: apply again, or with --overwrite",
	}[found[1]]
	if mend == "" {
		mend = "Grafana failed; try again later"
	}
	var body struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal([]byte(found[2]), &body) // what is no JSON has no message
	return fmt.Errorf("grafana: %s: status %s %q: %s", what, found[1], body.Message, mend)
}

func (c *client) dataSource(uid string) (*gapi.DataSource, error) {
	d, err := c.api.DataSourceByUID(uid)
	return d, explain("read data source "+uid, err)
}

func (c *client) putDataSource(d *gapi.DataSource, create bool) error {
	if create {
		_, err := c.api.NewDataSource(d)
		return explain("create data source "+d.Name, err)
	}
	return explain("update data source "+d.Name, c.api.UpdateDataSourceByUID(d))
}

func (c *client) folder(uid string) (title string, err error) {
	f, err := c.api.FolderByUID(uid)
	if err != nil {
		return "", explain("read folder "+uid, err)
	}
	return f.Title, nil
}

func (c *client) putFolder(uid, title string) error {
	_, err := c.api.NewFolder(title, uid)
	return explain("create folder "+title, err)
}

// board returns the model as Grafana has it.
func (c *client) board(uid string) (map[string]any, error) {
	d, err := c.api.DashboardByUID(uid)
	if err != nil {
		return nil, explain("read board "+uid, err)
	}
	return d.Model, nil
}

func (c *client) putBoard(folder string, model map[string]any, overwrite bool) error {
	_, err := c.api.NewDashboard(gapi.Dashboard{Model: model, FolderUID: folder, Overwrite: overwrite, Message: "earshot dashboards apply"})
	return explain(fmt.Sprintf("save board %s", model["title"]), err)
}

func (c *client) dropBoard(uid string) error {
	return explain("remove board "+uid, c.api.DeleteDashboardByUID(uid))
}

// boardsIn lists the uids of the boards of a folder.
func (c *client) boardsIn(folder string) ([]string, error) {
	list, err := c.api.Dashboards()
	if err != nil {
		return nil, explain("list boards", err)
	}
	var out []string
	for _, d := range list {
		if d.FolderUID == folder {
			out = append(out, d.UID)
		}
	}
	return out, nil
}

func (c *client) rules(folder, group string) (gapi.RuleGroup, error) {
	g, err := c.api.AlertRuleGroup(folder, group)
	return g, explain("read alert rules "+group, err)
}

func (c *client) putRules(g gapi.RuleGroup) error {
	return explain("save alert rules "+g.Title, c.api.SetAlertRuleGroup(g))
}

func (c *client) contact(uid string) (gapi.ContactPoint, error) {
	list, err := c.api.ContactPoints()
	if err != nil {
		return gapi.ContactPoint{}, explain("list contact points", err)
	}
	i := slices.IndexFunc(list, func(p gapi.ContactPoint) bool { return p.UID == uid })
	if i < 0 {
		return gapi.ContactPoint{}, errAbsent
	}
	return list[i], nil
}

func (c *client) putContact(p *gapi.ContactPoint, create bool) error {
	if create {
		_, err := c.api.NewContactPoint(p)
		return explain("create contact point "+p.Name, err)
	}
	return explain("update contact point "+p.Name, c.api.UpdateContactPoint(p))
}

func (c *client) policies() (gapi.NotificationPolicyTree, error) {
	t, err := c.api.NotificationPolicyTree()
	return t, explain("read notification policies", err)
}

func (c *client) putPolicies(t *gapi.NotificationPolicyTree) error {
	return explain("save notification policies", c.api.SetNotificationPolicyTree(t))
}
