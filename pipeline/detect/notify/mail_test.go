package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// certificate is one of its own authority, for 127.0.0.1; path is its file.
func certificate(t *testing.T) (cert tls.Certificate, path string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

// mailServer speaks RFC 5321 with STARTTLS (RFC 3207) and AUTH PLAIN (RFC 4954).
type mailServer struct {
	net.Listener
	tls   *tls.Config
	group sync.WaitGroup
	mu    sync.Mutex
	day   mailDay
	mails []string
	plain []string // commands that came unencrypted
}

// mailDay is how a server behaves.
type mailDay struct {
	noTLS  bool   // STARTTLS is not offered
	refuse string // answer to RCPT; empty: taken
	busy   bool   // answers 421 at once
}

func (s *mailServer) today(day mailDay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.day = day
}

// seen is what came so far.
func (s *mailServer) seen() (mails, plain []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails), slices.Clone(s.plain)
}

func newMailServer(t *testing.T) (*mailServer, Channel) {
	cert, path := certificate(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &mailServer{Listener: l, tls: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}}
	s.group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.group.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		assert.NoError(t, l.Close())
		s.group.Wait()
	})
	return s, Channel{Name: "mail", Type: "email", SMTP: l.Addr().String(), User: "earshot", Password: "sesame", From: "Earshot <earshot@example.org>",
		To: []string{"oncall@example.org"}, CAFile: path}
}

func (s *mailServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	in, secure := bufio.NewReader(conn), false
	say := func(text string) { _, _ = conn.Write([]byte(text + "\r\n")) }
	s.mu.Lock()
	day := s.day
	s.mu.Unlock()
	if day.busy {
		say("421 too busy")
		return
	}
	say("220 hello")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		if !secure {
			s.mu.Lock()
			s.plain = append(s.plain, line)
			s.mu.Unlock()
		}
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); {
		case verb == "EHLO" && secure:
			say("250-hello\r\n250 AUTH PLAIN")
		case verb == "EHLO" && !day.noTLS:
			say("250-hello\r\n250 STARTTLS")
		case verb == "STARTTLS":
			say("220 go on")
			secured := tls.Server(conn, s.tls)
			if secured.HandshakeContext(context.Background()) != nil {
				return
			}
			conn, in, secure = secured, bufio.NewReader(secured), true
		case verb == "AUTH":
			say("235 welcome")
		case verb == "RCPT" && day.refuse != "":
			say(day.refuse)
		case verb == "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mu.Lock()
			s.mails = append(s.mails, b.String())
			s.mu.Unlock()
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func TestMailIsEncryptedAndWellFormed(t *testing.T) {
	s, c := newMailServer(t)
	way, err := NewWay(c, nil, nil)
	require.NoError(t, err)
	require.NoError(t, way.Send(t.Context(), message(pipeline.IncidentOpen)))
	require.NoError(t, way.Send(t.Context(), message(pipeline.IncidentResolved)))
	mails, plain := s.seen()
	require.Len(t, mails, 2)
	for _, line := range plain {
		assert.NotContains(t, line, "AUTH", "the password goes nowhere unencrypted")
		assert.NotContains(t, line, "MAIL")
	}
	m, err := mail.ReadMessage(strings.NewReader(mails[0]))
	require.NoError(t, err)
	assert.Contains(t, m.Header.Get("Subject"), "Acme: 1,200 mentions")
	assert.Equal(t, "<0123456789abcdef.1.x@earshot>", m.Header.Get("Message-Id"))
	assert.Equal(t, "<0123456789abcdef@earshot>", m.Header.Get("References"))
	assert.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
	assert.Empty(t, m.Header.Get("Bcc"), "words of strangers make no headers")
}

func TestMailOnBadDays(t *testing.T) {
	s, c := newMailServer(t)
	way, err := NewWay(c, nil, nil)
	require.NoError(t, err)
	refused := func() bool {
		err := way.Send(t.Context(), message(pipeline.IncidentOpen))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "sesame")
		_, ok := err.(*RefusedError) //nolint:errorlint // exactly this
		return ok
	}
	s.today(mailDay{refuse: "550 no such user"})
	assert.True(t, refused())
	s.today(mailDay{refuse: "450 greylisted"})
	assert.False(t, refused())
	s.today(mailDay{busy: true})
	assert.False(t, refused())
	s.today(mailDay{noTLS: true})
	assert.False(t, refused(), "no TLS: nothing is sent, and it may be mended")
	mails, _ := s.seen()
	assert.Empty(t, mails)

	s.today(mailDay{})
	c.CAFile = ""
	way, err = NewWay(c, nil, nil)
	require.NoError(t, err)
	assert.False(t, refused(), "an unknown authority")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, way.Send(gone, message(pipeline.IncidentOpen)))
	mails, _ = s.seen()
	assert.Empty(t, mails)
}
