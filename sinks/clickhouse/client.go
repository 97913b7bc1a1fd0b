package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// DB is a connection to one database of a ClickHouse server. Typed questions go
// through clickhouse-go, by the protocol of the address; inserts and raw output go
// over HTTP, because there a block is what the engine reads and nothing else.
type DB struct {
	conn     driver.Conn
	http     *http.Client
	base     *url.URL
	user     string
	password string
	database string
	cluster  string        // on which tables are made and changed; empty: one server
	timeout  time.Duration // of a fenced insert, held by the server
}

// Open connects and asks the server for a sign of life.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	at, err := cfg.place()
	if err != nil {
		return nil, err
	}
	secret, err := cfg.password()
	if err != nil {
		return nil, err
	}
	secured, err := cfg.tlsConfig(at.secure)
	if err != nil {
		return nil, err
	}
	options := &driver.Options{
		Protocol: driver.HTTP, Addr: []string{at.http.Host}, TLS: secured,
		Auth:        driver.Auth{Username: cfg.User, Password: secret},
		DialTimeout: 10 * time.Second, MaxOpenConns: 16, MaxIdleConns: 4,
	}
	if at.native != "" {
		options.Protocol, options.Addr = driver.Native, []string{at.native}
	}
	conn, err := driver.Open(options)
	if err != nil {
		return nil, explain("open", err)
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	d := &DB{
		conn: conn, base: at.http, user: cfg.User, password: secret, database: cfg.Database, cluster: cfg.Cluster, timeout: cfg.InsertTimeout,
		http: &http.Client{Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: secured, MaxIdleConnsPerHost: 8,
			IdleConnTimeout: 3 * time.Second, // shorter than the server's own, which would cut a request
			WriteBufferSize: 256 << 10,
		}},
	}
	if err := d.Ping(ctx); err != nil {
		_ = d.Close() // the first error tells more
		return nil, err
	}
	return d, nil
}

// In returns the same connection for another database of the server.
func (d *DB) In(database string) *DB {
	other := *d
	other.database = database
	return &other
}

// Database is the name of the database.
func (d *DB) Database() string { return d.database }

// Close ends the connections.
func (d *DB) Close() error {
	d.http.CloseIdleConnections()
	if err := d.conn.Close(); err != nil {
		return fmt.Errorf("clickhouse: close: %w", err)
	}
	return nil
}

// Ping asks the server for a sign of life, with our name and password, on both ways.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.conn.Ping(ctx); err != nil {
		return explain("connect", err)
	}
	return d.In("").post(ctx, "SELECT 1 FORMAT Null", nil, http.NoBody, io.Discard)
}

// Select fills dest, a pointer to a slice of structs with `ch` tags, with the rows of
// a query; {name:Type} parameters are given by Named.
func (d *DB) Select(ctx context.Context, dest any, query string, args ...any) error {
	return explain("query", d.conn.Select(ctx, dest, query, args...))
}

// Named is the value of a {name:Type} parameter, as ClickHouse writes it.
func Named(name, value string) any { return driver.Named(name, value) }

// Exec runs a statement in the database that has no answer.
func (d *DB) Exec(ctx context.Context, statement string) error {
	return d.post(ctx, "", url.Values{"wait_end_of_query": {"1"}, "max_query_size": {"4194304"}}, strings.NewReader(statement), io.Discard)
}

// execWith is Exec with values for the {name:Type} parameters of the statement, as
// ClickHouse writes them.
func (d *DB) execWith(ctx context.Context, statement string, parameters map[string]string) error {
	values := url.Values{"wait_end_of_query": {"1"}}
	for name, value := range parameters {
		values.Set("param_"+name, value)
	}
	return d.post(ctx, "", values, strings.NewReader(statement), io.Discard)
}

// Query writes the answer of a query to w as it comes, in any ClickHouse format ("" is
// the query's own FORMAT, else TabSeparated). An error may come after part of the answer.
func (d *DB) Query(ctx context.Context, query, format string, w io.Writer) error {
	values := url.Values{"http_write_exception_in_output_format": {"0"}}
	if format != "" {
		values.Set("default_format", format)
	}
	return d.post(ctx, "", values, strings.NewReader(query), w)
}

// foldTimeout bounds an insert that may simply be repeated.
const foldTimeout = 2 * time.Minute

// insert writes one block into its table of the database, without a token: for tables that fold.
func (d *DB) insert(ctx context.Context, b *block) error {
	if b.rows() == 0 {
		return nil
	}
	data, err := b.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, foldTimeout)
	defer cancel()
	if err := d.put(ctx, b.statement(), url.Values{}, bytes.NewReader(data)); err != nil {
		b.buf.Buf = nil // a request that failed may still be reading it
		return err
	}
	return nil
}

// errForeign: a proxy's or another server's 200 is no proof that a row is stored.
var errForeign = errors.New("the answer is not ClickHouse's: check clickhouse.addr and what stands before it")

// put sends one insert. It is stored only if ClickHouse itself says so, without a word:
// servers have reported errors in the body behind a status that said all is well.
func (d *DB) put(ctx context.Context, statement string, values url.Values, body io.Reader) error {
	values.Set("async_insert", "0")
	values.Set("wait_end_of_query", "1")
	said := &tail{}
	if err := d.post(ctx, statement, values, body, said); err != nil {
		return err
	}
	if text := said.String(); text != "" {
		return fmt.Errorf("clickhouse: %w", textError("", text))
	}
	return nil
}

// post sends one request and copies the answer. The query goes into the URL if the body
// carries data, else the body is the query.
func (d *DB) post(ctx context.Context, query string, values url.Values, body io.Reader, w io.Writer) error {
	if values == nil {
		values = url.Values{}
	}
	if query != "" {
		values.Set("query", query)
	}
	if d.database != "" {
		values.Set("database", d.database)
	}
	u := *d.base
	u.RawQuery = values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), body)
	if err != nil {
		return fmt.Errorf("clickhouse: request: %w", err)
	}
	req.Header.Set("X-ClickHouse-User", d.user)
	req.Header.Set("X-ClickHouse-Key", d.password)
	resp, err := d.http.Do(req)
	if err != nil {
		return fmt.Errorf("clickhouse: %w", withoutURL(err))
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	code := resp.Header.Get("X-ClickHouse-Exception-Code")
	if resp.StatusCode == http.StatusOK && code == "" {
		if resp.Header.Get("X-ClickHouse-Query-Id") == "" {
			return fmt.Errorf("clickhouse: %w at %s", errForeign, d.base.Host)
		}
		return copyAnswer(w, resp.Body)
	}
	last := &tail{} // rows may stand before the error
	if _, err := io.Copy(last, resp.Body); err != nil && last.String() == "" {
		return fmt.Errorf("clickhouse: answer with status %d: %w", resp.StatusCode, err)
	}
	text := last.String()
	if i := strings.Index(text, "Code: "+code); i > 0 {
		text = text[i:]
	}
	return fmt.Errorf("clickhouse: %w", textError(code, or(text, "HTTP status "+strconv.Itoa(resp.StatusCode))))
}

// brokenMark stands in an answer whose query failed after rows had been sent.
const brokenMark = "__exception__"

// copyAnswer copies an answer. A query that fails half-way ends its answer with a mark
// and the error instead of a status, and breaks the connection.
func copyAnswer(w io.Writer, r io.Reader) error {
	last := &tail{}
	_, err := io.Copy(io.MultiWriter(w, last), r)
	if text := last.String(); strings.Contains(text, brokenMark) {
		if i := strings.LastIndex(text, "Code: "); i >= 0 {
			return fmt.Errorf("clickhouse: %w", textError("", text[i:]))
		}
	}
	if err != nil {
		return fmt.Errorf("clickhouse: answer broke off: %w", err)
	}
	return nil
}

// withoutURL cuts the request's address, with the query in it, out of an error.
func withoutURL(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client returns exactly this
		return u.Err
	}
	return err
}
