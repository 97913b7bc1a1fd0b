package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// email sends by SMTP, always encrypted.
type email struct {
	c    Channel
	dial Dialer
	host string
	port int
	tls  *tls.Config
}

// smtps is the port where TLS comes first (RFC 8314); elsewhere STARTTLS is a must.
const smtps = 465

const mailTimeout = 30 * time.Second

func newMail(c Channel, dial Dialer) (Way, error) {
	host, text, err := net.SplitHostPort(c.SMTP)
	if err != nil {
		return nil, fmt.Errorf("notify: channel %s: smtp: %w", c.Name, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("notify: channel %s: smtp: %q is not a port", c.Name, text)
	}
	e := &email{c: c, dial: dial, host: host, port: port, tls: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("notify: channel %s: ca_file: %w", c.Name, err)
		}
		e.tls.RootCAs = x509.NewCertPool()
		if !e.tls.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("notify: channel %s: ca_file: %s holds no certificate", c.Name, c.CAFile)
		}
	}
	return e, nil
}

func (e *email) Folds() bool { return false }

// Send delivers one mail. All messages of an incident share a thread, and the Message-ID is
// that of the message, so that one that comes twice is recognised.
func (e *email) Send(ctx context.Context, m *Message) error {
	msg, err := e.compose(m)
	if err != nil {
		return &RefusedError{"notify: " + err.Error()}
	}
	options := []mail.Option{mail.WithPort(e.port), mail.WithTLSConfig(e.tls), mail.WithTimeout(mailTimeout), mail.WithTLSPolicy(mail.TLSMandatory)}
	dial := e.dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: mailTimeout}).DialContext
	}
	if e.port == smtps {
		options = append(options, mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, e.tls), nil
		}))
	} else {
		options = append(options, mail.WithDialContextFunc(mail.DialContextFunc(dial)))
	}
	if e.c.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(e.c.User), mail.WithPassword(e.c.Password.Reveal()))
	}
	client, err := mail.NewClient(e.host, options...)
	if err != nil {
		return &RefusedError{"notify: " + err.Error()}
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return mailError(err)
	}
	return nil
}

// mailError tells a refusal for ever (5xx of a recipient or of the content) from what may
// go well later.
func mailError(err error) error {
	if sent, ok := errors.AsType[*mail.SendError](err); ok && !sent.IsTemp() && sent.ErrorCode() >= 500 {
		return &RefusedError{"notify: the mail server refuses: " + err.Error()}
	}
	return fmt.Errorf("notify: mail: %w", err)
}

func (e *email) compose(m *Message) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := msg.From(e.c.From); err != nil {
		return nil, err
	}
	if err := msg.To(e.c.To...); err != nil {
		return nil, err
	}
	msg.Subject(oneLine(m.Title))
	msg.SetMessageIDWithValue(idOf(m.ID) + "@earshot")
	msg.SetGenHeader("References", "<"+idOf(m.Key)+"@earshot>")
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetDateWithValue(m.At.Time())
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	return msg, nil
}

// idOf writes an identifier with what a Message-ID may hold.
func idOf(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '.'
	}, id)
}
