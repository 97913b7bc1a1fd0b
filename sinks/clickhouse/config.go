package clickhouse

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"earshot/pipeline"
)

// Config names a ClickHouse server and the way to it.
type Config struct {
	Addr          string          `yaml:"addr" json:"addr,omitempty" doc:"host:port (HTTP), http://, https://, clickhouse:// or clickhouses:// (native, TLS); empty: the embedded server"`
	HTTPAddr      string          `yaml:"http_addr" json:"http_addr,omitempty" doc:"with a native addr: where the HTTP interface is, which carries inserts and raw output; default: port 8123 (8443 with TLS) of the same host"`
	User          string          `yaml:"user" json:"user,omitempty" doc:"user that may create and write tables"`
	Password      pipeline.Secret `yaml:"password" json:"password,omitempty" doc:"its password"`
	PasswordFile  string          `yaml:"password_file" json:"password_file,omitempty" doc:"file that holds the password instead"`
	Database      string          `yaml:"database" json:"database,omitempty" doc:"database of real posts; simulated ones have another"`
	Cluster       string          `yaml:"cluster" json:"cluster,omitempty" doc:"experimental: name of a cluster of that server (remote_servers) on which the tables are made: replicated, sharded, under distributed ones; empty: one server"`
	TLS           TLS             `yaml:"tls" json:"tls,omitzero" doc:"certificates, for https:// and clickhouses://"`
	InsertTimeout time.Duration   `yaml:"insert_timeout" json:"insert_timeout,omitempty" doc:"an insert into the ledger that has not ended by then is refused by the server itself"`
}

// TLS names the certificates of a connection.
type TLS struct {
	CAFile   string `yaml:"ca_file" json:"ca_file,omitempty" doc:"certificate authority; default: the system's"`
	CertFile string `yaml:"cert_file" json:"cert_file,omitempty" doc:"our certificate"`
	KeyFile  string `yaml:"key_file" json:"key_file,omitempty" doc:"its key"`
	Insecure bool   `yaml:"insecure" json:"insecure,omitempty" doc:"do not check the server's certificate; for tests alone"`
}

// DefaultConfig is the embedded server.
func DefaultConfig() Config {
	return Config{User: "default", Database: pipeline.LiveStream().Database, InsertTimeout: 15 * time.Second}
}

// Validate names the field that is wrong and the mend.
func (c Config) Validate() error {
	var errs []error
	if !nameOK(c.Database) {
		errs = append(errs, fmt.Errorf("clickhouse.database: %q is not a name of letters, digits and _", c.Database))
	}
	if c.InsertTimeout < time.Second || c.InsertTimeout > time.Hour {
		errs = append(errs, fmt.Errorf("clickhouse.insert_timeout: %s is not between 1s and 1h", c.InsertTimeout))
	}
	if c.Cluster != "" && (c.Addr == "" || !nameOK(c.Cluster)) {
		errs = append(errs, fmt.Errorf("clickhouse.cluster: %q needs an addr, and to be a name of letters, digits and _", c.Cluster))
	}
	if c.Password != "" && c.PasswordFile != "" {
		errs = append(errs, errors.New("clickhouse.password: give it or password_file, not both"))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		errs = append(errs, errors.New("clickhouse.tls: cert_file and key_file belong together"))
	}
	if c.Addr != "" {
		if _, err := c.place(); err != nil {
			errs = append(errs, err)
		}
		if c.User == "" {
			errs = append(errs, errors.New("clickhouse.user: is missing"))
		}
	}
	return errors.Join(errs...)
}

func nameOK(name string) bool {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`).MatchString(name)
}

// place is an Addr taken apart.
type place struct {
	native string   // host:port of the native protocol; empty: HTTP alone
	http   *url.URL // of the HTTP interface
	secure bool
}

// place reads Addr and HTTPAddr.
func (c Config) place() (place, error) {
	raw := c.Addr
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return place{}, fmt.Errorf("clickhouse.addr: %q is not host:port, http://, https://, clickhouse:// or clickhouses://host:port", c.Addr)
	}
	p := place{secure: u.Scheme == "https" || u.Scheme == "clickhouses"}
	switch u.Scheme {
	case "http", "https":
		p.http = &url.URL{Scheme: u.Scheme, Host: withPort(u, httpPort(p.secure)), Path: "/"}
		return p, nil
	case "clickhouse":
		p.native = withPort(u, "9000")
	case "clickhouses":
		p.native = withPort(u, "9440")
	default:
		return place{}, fmt.Errorf("clickhouse.addr: %q: unknown scheme %q; use http, https, clickhouse or clickhouses", c.Addr, u.Scheme)
	}
	if c.HTTPAddr != "" {
		other, err := Config{Addr: c.HTTPAddr}.place()
		if err != nil || other.native != "" {
			return place{}, fmt.Errorf("clickhouse.http_addr: %q is not host:port, http:// or https://", c.HTTPAddr)
		}
		p.http = other.http
		return p, nil
	}
	scheme := "http"
	if p.secure {
		scheme = "https"
	}
	p.http = &url.URL{Scheme: scheme, Host: net.JoinHostPort(u.Hostname(), httpPort(p.secure)), Path: "/"}
	return p, nil
}

func httpPort(secure bool) string {
	if secure {
		return "8443"
	}
	return "8123"
}

func withPort(u *url.URL, fallback string) string {
	if port := u.Port(); port != "" {
		fallback = port
	}
	return net.JoinHostPort(u.Hostname(), fallback)
}

// password returns the password, from its file if one is named.
func (c Config) password() (string, error) {
	if c.PasswordFile == "" {
		return c.Password.Reveal(), nil
	}
	raw, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("clickhouse.password_file: %w", err)
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

// tlsConfig returns nil for a plain connection.
func (c Config) tlsConfig(secure bool) (*tls.Config, error) {
	if !secure {
		return nil, nil //nolint:nilnil // no TLS is no configuration, not an error
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.TLS.Insecure} //nolint:gosec // the user's wish, named so
	if c.TLS.CAFile != "" {
		pem, err := os.ReadFile(c.TLS.CAFile)
		if err != nil {
			return nil, fmt.Errorf("clickhouse.tls.ca_file: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("clickhouse.tls.ca_file: %s holds no certificate", c.TLS.CAFile)
		}
	}
	if c.TLS.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.TLS.CertFile, c.TLS.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("clickhouse.tls.cert_file: %w", err)
		}
		out.Certificates = []tls.Certificate{cert}
	}
	return out, nil
}
