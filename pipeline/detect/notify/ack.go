package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"

	"earshot/pipeline"
)

// Acknowledger makes links by which a person takes note of an incident, and serves them.
// Whoever has the link may use it: it is signed, and names one incident alone.
type Acknowledger struct {
	Secret pipeline.Secret
	Base   string // public address of the server, such as https://alerts.example.org
	Find   func(ctx context.Context, id string) (pipeline.Incident, bool, error)
	Store  func(ctx context.Context, id, by string, at time.Time) error
}

// Link is the address for one incident.
func (a *Acknowledger) Link(id string) string {
	return strings.TrimSuffix(a.Base, "/") + "/incidents/" + url.PathEscape(id) + "?signature=" + a.sign(id)
}

func (a *Acknowledger) sign(id string) string {
	mac := hmac.New(sha256.New, []byte(a.Secret.Reveal()))
	mac.Write([]byte("acknowledge\x00" + id))
	return hex.EncodeToString(mac.Sum(nil))
}

const longestName = 100

// Handler serves the links. Reading shows the incident and changes nothing, because
// scanners of mail read every link; the button takes note.
func (a *Acknowledger) Handler() http.Handler {
	mux := http.NewServeMux()
	serve := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		id := r.PathValue("id")
		if !hmac.Equal([]byte(a.sign(id)), []byte(r.URL.Query().Get("signature"))) {
			page(w, http.StatusForbidden, "This link is not valid.", "")
			return
		}
		i, ok, err := a.Find(r.Context(), id)
		switch {
		case err != nil:
			page(w, http.StatusServiceUnavailable, "The incidents cannot be read now. Try again.", "")
			return
		case !ok:
			page(w, http.StatusNotFound, "There is no such incident.", "")
			return
		}
		said := ""
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
			by := oneLine(strings.TrimSpace(r.PostFormValue("by")))
			if by == "" || len(by) > longestName {
				page(w, http.StatusBadRequest, "Say who you are, in at most 100 letters.", form)
				return
			}
			if err := a.Store(r.Context(), id, by, time.Now()); err != nil {
				page(w, http.StatusServiceUnavailable, "That could not be stored now. Try again.", form)
				return
			}
			page(w, http.StatusOK, fmt.Sprintf("Thank you, %s: noted.", by), "")
			return
		}
		if i.Ack.Known() {
			said = fmt.Sprintf(" %s took note of it at %s.", i.AckBy, clock(i.Ack))
		}
		page(w, http.StatusOK, headline(&i, "")+"."+said, form)
	}
	mux.HandleFunc("GET /incidents/{id}", serve)
	mux.HandleFunc("POST /incidents/{id}", serve)
	return mux
}

const form = `<form method="post"><label>Your name <input name="by" maxlength="100" required></label> <button>Take note of it</button></form>`

func page(w http.ResponseWriter, code int, text, form string) {
	w.WriteHeader(code)
	fmt.Fprintf(w, "<!doctype html><meta charset=\"utf-8\"><title>Earshot</title><p>%s</p>%s\n", html.EscapeString(text), form)
}
