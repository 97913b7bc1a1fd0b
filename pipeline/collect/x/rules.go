package x

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"earshot/pipeline/collect/client"
	"earshot/pipeline/collect/rules"
	"earshot/pipeline/query"
)

// plan is what is asked for.
type plan struct {
	rules    []string // of the stream
	searches []string // of recent search, which allows less characters
	edition  string   // changes with them
	looked   time.Time
}

// tag marks the rules that are ours: others of the App are left alone.
const tag = "earshot"

// rule is one of the platform.
type rule struct {
	ID    string `json:"id,omitempty"`
	Value string `json:"value"`
	Tag   string `json:"tag,omitempty"`
}

// refreshed is how often changed brands are looked for.
const refreshed = 10 * time.Second

// refresh makes the platform's rules what the brands ask for now. X takes them up without
// a new connection.
func (r *run) refresh(ctx context.Context) error {
	if !r.plan.looked.IsZero() && r.now().Sub(r.plan.looked) < refreshed {
		return nil
	}
	next, err := r.derive(ctx)
	if err != nil {
		return err
	}
	next.looked = r.now()
	if len(next.rules) == 0 {
		return errors.New("there is nothing to ask for: name a brand with a query, or rules")
	}
	if next.edition != r.plan.edition {
		if err := r.install(ctx, next.rules); err != nil {
			return fmt.Errorf("rules: %w", err)
		}
	}
	r.plan = next
	return nil
}

// Follow makes the rules follow the brands.
func (s *Source) Follow(brands rules.Brands) { s.brands = brands }

// Rules are those that brands come to.
func (s *Source) Rules(brands []query.Brand) rules.Report {
	return rules.Derive(rules.X(s.cfg.RuleLength, s.cfg.MaxRules), brands, s.cfg.Rules)
}

// derive makes the plan. What the brands' queries lose stands in the report of
// `earshot source rules`.
func (s *Source) derive(ctx context.Context) (plan, error) {
	var list []query.Brand
	if s.cfg.Brands && s.brands != nil {
		var err error
		if list, _, err = s.brands(ctx); err != nil {
			return plan{}, fmt.Errorf("brands: %w", err)
		}
	}
	p := plan{rules: s.Rules(list).Rules, searches: rules.Derive(rules.X(s.cfg.QueryLen, s.cfg.MaxRules), list, s.cfg.Rules).Rules}
	p.edition = short(strings.Join(p.rules, "\n"))
	return p, nil
}

func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// install adds what is missing before it deletes what is not wanted, so that nothing is
// unheard between; if there is no room for that, the other way round.
func (s *Source) install(ctx context.Context, want []string) error {
	have, err := s.installed(ctx)
	if err != nil {
		return err
	}
	var add []rule
	var drop []string
	mine := map[string]bool{}
	for _, h := range have {
		switch {
		case h.Tag != tag:
		case slices.Contains(want, h.Value) && !mine[h.Value]:
			mine[h.Value] = true
		default:
			drop = append(drop, h.ID)
		}
	}
	for _, w := range want {
		if !mine[w] {
			add = append(add, rule{Value: w, Tag: tag})
		}
	}
	room := s.cfg.MaxRules - len(have)
	if len(add) <= room {
		return errors.Join(s.add(ctx, add), s.drop(ctx, drop))
	}
	return errors.Join(s.drop(ctx, drop), s.add(ctx, add))
}

const rulesPath = "/2/tweets/search/stream/rules"

// installed are the rules of the App, of all pages.
func (s *Source) installed(ctx context.Context) ([]rule, error) {
	var all []rule
	next := ""
	for {
		resp, err := s.http.Get(ctx, s.cfg.Endpoint+rulesPath+next, s.header())
		if err != nil {
			return nil, err
		}
		var a struct {
			Data []rule `json:"data"`
			Meta struct {
				Next string `json:"next_token"`
			} `json:"meta"`
		}
		if err := json.Unmarshal(resp.Body, &a); err != nil {
			return nil, fmt.Errorf("decode rules: %w", err)
		}
		all = append(all, a.Data...)
		if a.Meta.Next == "" || len(a.Data) == 0 {
			return all, nil
		}
		next = "?pagination_token=" + a.Meta.Next
	}
}

// together is how many rules one request changes.
const together = 100

func (s *Source) add(ctx context.Context, list []rule) error {
	for part := range slices.Chunk(list, together) {
		if err := s.change(ctx, map[string]any{"add": part}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) drop(ctx context.Context, ids []string) error {
	for part := range slices.Chunk(ids, together) {
		if err := s.change(ctx, map[string]any{"delete": map[string]any{"ids": part}}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) change(ctx context.Context, what map[string]any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	header := s.header()
	header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(ctx, client.Request{Method: http.MethodPost, Address: s.cfg.Endpoint + rulesPath, Header: header, Body: body})
	if status, ok := errors.AsType[*client.StatusError](err); ok && status.Code == http.StatusBadRequest {
		return s.refused(status.Body, err)
	}
	if err != nil {
		return err
	}
	var a answer
	if json.Unmarshal(resp.Body, &a) == nil && len(a.Errors) > 0 && !duplicates(a.Errors) {
		return s.refused(resp.Body, nil)
	}
	return nil
}

// duplicates reports whether X only says that it has the rules already.
func duplicates(all []problem) bool {
	return !slices.ContainsFunc(all, func(p problem) bool { return p.Title != "DuplicateRule" })
}

// refused names the rule that X does not take. A rule is no secret.
func (s *Source) refused(body []byte, err error) error {
	var a answer
	if json.Unmarshal(body, &a) == nil && len(a.Errors) > 0 {
		return fmt.Errorf("the platform refuses the rule %.200q: %s", a.Errors[0].Value, s.told(a.Errors[0]))
	}
	if err == nil {
		err = errors.New("the platform refuses a rule and does not say why")
	}
	return err
}

// told is what the platform says of a problem, without the token should it echo it.
func (s *Source) told(p problem) string {
	title, detail := p.Title, p.Detail
	if token := s.cfg.Token.Reveal(); token != "" {
		title, detail = strings.ReplaceAll(title, token, "***"), strings.ReplaceAll(detail, token, "***")
	}
	return fmt.Sprintf("%.100s: %.200s", title, detail)
}

// Check asks for the rules, which costs nothing, and for what of the project's cap is used.
func (s *Source) Check(ctx context.Context) (string, error) {
	if s.cfg.Token == "" {
		return "", errors.New("x: token is missing: make an App in the Developer Console at https://developer.x.com and give its bearer token")
	}
	have, err := s.installed(ctx)
	if err != nil {
		if status, ok := errors.AsType[*client.StatusError](err); ok && status.Code < 500 {
			return "", fmt.Errorf("x: %w: %s", err, mend)
		}
		return "", fmt.Errorf("x: %w", err)
	}
	said := fmt.Sprintf("the filtered stream is open; the App has %d rules; the budget here is %d reads a %s", len(have), s.cfg.Budget.Reads, s.cfg.Budget.Period)
	resp, err := s.http.Get(ctx, s.cfg.Endpoint+"/2/usage/tweets", s.header())
	if err != nil {
		return said + "; what the project has used cannot be read (" + err.Error() + ")", nil //nolint:nilerr // it is told, and no failure of the credentials
	}
	var usage struct {
		Data struct {
			Cap  json.Number `json:"project_cap"`
			Used json.Number `json:"project_usage"`
		} `json:"data"`
	}
	if json.Unmarshal(resp.Body, &usage) == nil && usage.Data.Used != "" {
		said += fmt.Sprintf("; the project has used %s of %s reads", usage.Data.Used, usage.Data.Cap)
	}
	return said, nil
}
