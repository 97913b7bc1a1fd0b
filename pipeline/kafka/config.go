package kafka

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"earshot/pipeline"
)

// Config says how to reach Kafka and how our topics are made.
type Config struct {
	Brokers           []string      `yaml:"brokers" json:"brokers,omitempty" doc:"host:port of the brokers; none means the broker inside the process"`
	TopicPrefix       string        `yaml:"topic_prefix" json:"topic_prefix,omitempty" doc:"put before every topic and consumer group"`
	Partitions        int           `yaml:"partitions" json:"partitions,omitempty" doc:"partitions of a topic of posts when it is created; never changed later"`
	ReplicationFactor int           `yaml:"replication_factor" json:"replication_factor,omitempty" doc:"copies of a topic when it is created; 0 is the broker's default"`
	Retention         time.Duration `yaml:"retention" json:"retention,omitempty" doc:"how long Kafka keeps posts"`
	RetentionBytes    int64         `yaml:"retention_bytes" json:"retention_bytes,omitempty" doc:"bytes that Kafka keeps of a topic, all partitions together; -1 is no limit"`
	TLS               TLS           `yaml:"tls" json:"tls,omitzero" doc:"encryption"`
	SASL              SASL          `yaml:"sasl" json:"sasl,omitzero" doc:"authentication"`
}

// TLS settings. Certificates are PEM files.
type TLS struct {
	Enabled  bool   `yaml:"enabled" json:"enabled,omitempty" doc:"encrypt the connection"`
	CAFile   string `yaml:"ca_file" json:"ca_file,omitempty" doc:"certificate authority; none is the system's"`
	CertFile string `yaml:"cert_file" json:"cert_file,omitempty" doc:"our certificate, if the broker asks for one"`
	KeyFile  string `yaml:"key_file" json:"key_file,omitempty" doc:"key of our certificate"`
}

// SASL settings. An empty mechanism means no authentication.
type SASL struct {
	Mechanism    string          `yaml:"mechanism" json:"mechanism,omitempty" doc:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512" enum:"PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"`
	User         string          `yaml:"user" json:"user,omitempty" doc:"user name"`
	Password     pipeline.Secret `yaml:"password" json:"password,omitempty" doc:"password"`
	PasswordFile string          `yaml:"password_file" json:"password_file,omitempty" doc:"file that holds the password"`
}

// SASL mechanisms.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// DefaultConfig is the embedded broker: four partitions, a week, and at most 384 MiB
// a topic of posts, because the embedded broker reads its whole log when it opens.
func DefaultConfig() Config {
	return Config{Partitions: 4, Retention: 7 * 24 * time.Hour, RetentionBytes: 384 << 20}
}

// Embedded reports whether the broker inside the process is to be used.
func (c Config) Embedded() bool { return len(c.Brokers) == 0 }

// Validate checks the configuration and names the field of every mistake.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("kafka.%s: %s", field, fmt.Sprintf(format, args...)))
	}
	for i, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			bad(fmt.Sprintf("brokers[%d]", i), "%q is not host:port", b)
		}
	}
	if strings.ContainsFunc(c.TopicPrefix, func(r rune) bool { return !topicRune(r) }) {
		bad("topic_prefix", "%q: only letters, digits, '.', '_' and '-' are allowed in a topic", c.TopicPrefix)
	}
	if c.Partitions < 1 || c.Partitions > 1000 {
		bad("partitions", "%d is not between 1 and 1000", c.Partitions)
	}
	if c.ReplicationFactor < 0 || c.ReplicationFactor > 100 {
		bad("replication_factor", "%d is not between 0 (the broker's default) and 100", c.ReplicationFactor)
	}
	if c.Retention < time.Hour {
		bad("retention", "%s is shorter than an hour: an outage would lose posts", c.Retention)
	}
	if c.RetentionBytes != -1 && c.RetentionBytes < 1<<20 {
		bad("retention_bytes", "%d is neither -1 (no limit) nor at least 1048576", c.RetentionBytes)
	}
	errs = append(errs, c.TLS.validate(), c.SASL.validate())
	return errors.Join(errs...)
}

func (t TLS) validate() error {
	if (t.CertFile == "") != (t.KeyFile == "") {
		return errors.New("kafka.tls.cert_file: cert_file and key_file go together")
	}
	if !t.Enabled && (t.CAFile != "" || t.CertFile != "") {
		return errors.New("kafka.tls.enabled: files are given, but TLS is not enabled")
	}
	return nil
}

func (s SASL) validate() error {
	switch {
	case s.Mechanism == "" && (s.User != "" || s.Password != "" || s.PasswordFile != ""):
		return errors.New("kafka.sasl.mechanism: a user is given, but no mechanism")
	case s.Mechanism == "":
		return nil
	case !slices.Contains([]string{Plain, ScramSHA256, ScramSHA512}, s.Mechanism):
		return fmt.Errorf("kafka.sasl.mechanism: %q is not PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
	case s.User == "":
		return errors.New("kafka.sasl.user: is missing")
	case s.Password != "" && s.PasswordFile != "":
		return errors.New("kafka.sasl.password_file: stands beside password; keep one")
	case s.Password == "" && s.PasswordFile == "":
		return errors.New("kafka.sasl.password: is missing (or name a password_file)")
	}
	return nil
}

// secret returns the password, read from its file if it stands there.
func (s SASL) secret() (string, error) {
	if s.PasswordFile == "" {
		return s.Password.Reveal(), nil
	}
	b, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("kafka: read sasl.password_file: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func topicRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}
