package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	kafkasasl "github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const (
	clientID = "earshot"
	// requestTimeout bounds a request; a broker gets half of it to reach its replicas.
	requestTimeout = 20 * time.Second
	dialTimeout    = 5 * time.Second
	// metadataTTL is short, so that a moved leader or a new topic is found soon.
	metadataTTL = 2 * time.Second
)

// Client is a connection to one Kafka cluster, shared by all that this room offers.
// It is safe for concurrent use.
type Client struct {
	cfg       Config
	requests  *kafkago.Client
	transport *kafkago.Transport
	dialer    *kafkago.Dialer
	admin     *kgo.Client // asks for topic ids, which kafka-go cannot show
}

// Open prepares a client; it does not connect yet. The configuration must name brokers.
func Open(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Embedded() {
		return nil, errors.New("kafka.brokers: is empty; start the embedded broker and name its address")
	}
	tlsConfig, err := cfg.TLS.config()
	if err != nil {
		return nil, err
	}
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...), kgo.ClientID(clientID), kgo.DialTimeout(dialTimeout),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.RetryTimeout(requestTimeout),
	}
	netDialer := &net.Dialer{Timeout: dialTimeout}
	transport := &kafkago.Transport{
		Dial: netDialer.DialContext, DialTimeout: dialTimeout, ClientID: clientID, TLS: tlsConfig, MetadataTTL: metadataTTL,
	}
	dialer := &kafkago.Dialer{ClientID: clientID, Timeout: dialTimeout, DualStack: true, TLS: tlsConfig}
	if tlsConfig != nil {
		options = append(options, kgo.DialTLSConfig(tlsConfig))
	}
	if mechanism != nil {
		options = append(options, kgo.SASL(mechanism))
		transport.SASL = saslAdapter{mechanism}
		dialer.SASLMechanism = saslAdapter{mechanism}
	}
	admin, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("kafka: open: %w", err)
	}
	return &Client{
		cfg:       cfg,
		requests:  &kafkago.Client{Addr: kafkago.TCP(cfg.Brokers...), Timeout: requestTimeout, Transport: transport},
		transport: transport,
		dialer:    dialer,
		admin:     admin,
	}, nil
}

// Close ends all connections. Nothing else of the client may be in use.
func (c *Client) Close() {
	c.admin.Close()
	c.transport.CloseIdleConnections()
}

// Name puts the configured prefix before the name of a topic or consumer group.
func (c *Client) Name(name string) string { return c.cfg.TopicPrefix + name }

func (t TLS) config() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.ca_file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka.tls.ca_file: %s holds no certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.cert_file: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	if s.Mechanism == "" {
		return nil, nil
	}
	password, err := s.secret()
	if err != nil {
		return nil, err
	}
	switch s.Mechanism {
	case Plain:
		return plain.Auth{User: s.User, Pass: password}.AsMechanism(), nil
	case ScramSHA256:
		return scram.Auth{User: s.User, Pass: password}.AsSha256Mechanism(), nil
	default:
		return scram.Auth{User: s.User, Pass: password}.AsSha512Mechanism(), nil
	}
}

// saslAdapter lends franz-go's mechanisms to kafka-go, so that one set serves both.
type saslAdapter struct{ sasl.Mechanism }

// Start begins an authentication.
func (a saslAdapter) Start(ctx context.Context) (kafkasasl.StateMachine, []byte, error) {
	host := ""
	if m := kafkasasl.MetadataFromContext(ctx); m != nil {
		host = m.Host
	}
	session, first, err := a.Authenticate(ctx, host)
	return saslSession{session}, first, err
}

type saslSession struct{ sasl.Session }

// Next answers a challenge of the broker.
func (s saslSession) Next(_ context.Context, challenge []byte) (bool, []byte, error) {
	return s.Challenge(challenge)
}
