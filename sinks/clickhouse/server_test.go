package clickhouse

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/sinks"
)

func quiet() zerolog.Logger { return zerolog.Nop() }

func TestServerKeepsItsDataAndPasswords(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir)
	db := open(t, first)
	require.NoError(t, Migrate(t.Context(), db, db.database))
	_, err := openLedger(t, db).Write(t.Context(), sinks.NewBatch(0, 99))
	require.NoError(t, err)
	require.NoError(t, first.Close(t.Context()))

	second := start(t, dir)
	assert.Equal(t, first.Credentials(), second.Credentials())
	assert.Equal(t, "100", answer(t, open(t, second), "SELECT count() FROM posts"))
	info, err := os.Stat(filepath.Join(dir, "credentials.json"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestServerTakesTheNextFreePort(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // a test
	var taken int
	for taken = randomPort(); ; taken++ {
		other, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(taken)))
		if err == nil {
			defer other.Close() //nolint:errcheck // a test
			break
		}
	}
	server, err := Start(t.Context(), ServerConfig{Dir: t.TempDir(), HTTPPort: taken, Logger: quiet()})
	require.NoError(t, err)
	defer server.Close(context.Background()) //nolint:errcheck // a test
	assert.Greater(t, server.httpPort, taken)
	assert.Less(t, server.httpPort, lastPort)
}

func TestServerSaysWhyItDoesNotStart(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libchdb.so")
	require.NoError(t, os.WriteFile(text, []byte("not a library"), 0o600))
	elf := filepath.Join(t.TempDir(), "libchdb.so")
	require.NoError(t, os.WriteFile(elf, []byte("\x7fELF and nothing else"), 0o600))
	for name, c := range map[string]struct{ library, want string }{
		"missing": {filepath.Join(t.TempDir(), "none.so"), "make setup"},
		"text":    {text, "not a shared library"},
		"broken":  {elf, "glibc"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Start(t.Context(), ServerConfig{Dir: t.TempDir(), Library: c.library, HTTPPort: randomPort(), Logger: quiet()})
			require.ErrorIs(t, err, ErrLibrary)
			require.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, LibraryVar)
		})
	}
	require.ErrorIs(t, checkSum(text, strings.Repeat("0", 64)), ErrLibrary)
}

func TestDirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	_, err := Start(t.Context(), ServerConfig{Dir: dir, HTTPPort: randomPort(), Logger: quiet()})
	require.ErrorContains(t, err, "in use by another")
}

func TestUsers(t *testing.T) {
	db := fresh(t)
	creds := shared.Credentials()
	cfg := DefaultConfig()
	cfg.Addr, cfg.User, cfg.Password = shared.Addr(), creds.Writer, "wrong"
	_, err := Open(t.Context(), cfg)
	require.ErrorContains(t, err, "clickhouse.password")
	assert.False(t, Retryable(err))
	assert.NotContains(t, err.Error(), "wrong")

	cfg.User, cfg.Password = "default", ""
	_, err = Open(t.Context(), cfg)
	require.Error(t, err, "there is no way in without a password")

	require.NoError(t, Migrate(t.Context(), db, "earshot"))
	cfg.User, cfg.Password = creds.Reader, creds.ReaderPassword
	reader, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	defer reader.Close() //nolint:errcheck // a test
	reader = reader.In("earshot")
	assert.Equal(t, "0", answer(t, reader, "SELECT count() FROM posts_current"))
	assert.Equal(t, "0", answer(t, reader, "SELECT count() FROM coverage_spine"))
	for _, forbidden := range []string{
		"DROP TABLE posts", "INSERT INTO dirty (brand) VALUES ('x')", "CREATE TABLE x (a Int8) ENGINE = Memory",
		"SELECT * FROM file('/etc/passwd', LineAsString)", "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
		"SELECT 1 SETTINGS max_execution_time = 100000", "SELECT count() FROM `" + db.database + "`.posts",
	} {
		err := reader.Query(t.Context(), forbidden, "TSV", new(bytes.Buffer))
		require.Error(t, err, forbidden)
	}
}

func TestQueryFormatsAndErrors(t *testing.T) {
	db := fresh(t)
	var b bytes.Buffer
	require.NoError(t, db.Query(t.Context(), "SELECT 1 AS a, 'x' AS b", "JSONEachRow", &b))
	assert.JSONEq(t, `{"a":1,"b":"x"}`, b.String())
	err := db.Query(t.Context(), "SELECT nothing FROM nowhere", "TSV", &b)
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 60, e.Code)
	assert.False(t, e.Retryable)
	assert.Contains(t, e.Error(), "earshot schema apply")
	// Broken off after rows have been sent: still an error.
	b.Reset()
	err = db.Query(t.Context(), "SELECT throwIf(number = 300000) FROM numbers(1000000) SETTINGS max_block_size = 1000", "TSV", &b)
	require.ErrorContains(t, err, "395")
}

func TestVerdicts(t *testing.T) {
	for text, retry := range map[string]bool{
		"Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space":              true,
		"Code: 1001. DB::Exception: std::exception: write failed: No space left on device": true,
		"Code: 241. DB::Exception: Memory limit (total) exceeded":                          true,
		"Code: 252. DB::Exception: Too many parts (3000)":                                  true,
		"Code: 159. DB::Exception: Timeout exceeded":                                       true,
		"Code: 516. DB::Exception: earshot: Authentication failed":                         false,
		"Code: 60. DB::Exception: Unknown table expression identifier 'posts'":             false,
		"Code: 16. DB::Exception: No such column x in table posts":                         false,
		"Code: 62. DB::Exception: Syntax error":                                            false,
		"something that nobody has seen before":                                            true,
	} {
		assert.Equal(t, retry, Retryable(textError("", text)), text)
	}
	require.ErrorContains(t, explainChild("/d", "x\nCode: 243. DB::Exception: no room"), "no space left")
	assert.True(t, Retryable(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}))
	assert.False(t, Retryable(ErrSchema))
	assert.False(t, Retryable(nil))
}

func TestConfig(t *testing.T) {
	ok := func(change func(*Config)) Config { c := DefaultConfig(); change(&c); return c }
	require.NoError(t, DefaultConfig().Validate())
	for addr, want := range map[string][2]string{
		"h:1":                {"", "http://h:1/"},
		"http://h":           {"", "http://h:8123/"},
		"https://h":          {"", "https://h:8443/"},
		"clickhouse://h":     {"h:9000", "http://h:8123/"},
		"clickhouses://h:19": {"h:19", "https://h:8443/"},
		"[::1]:9":            {"", "http://[::1]:9/"},
	} {
		p, err := ok(func(c *Config) { c.Addr = addr }).place()
		require.NoError(t, err, addr)
		assert.Equal(t, want, [2]string{p.native, p.http.String()}, addr)
	}
	for field, c := range map[string]Config{
		"clickhouse.addr":           ok(func(c *Config) { c.Addr = "tcp://h:1" }),
		"clickhouse.addr:":          ok(func(c *Config) { c.Addr = "http://u:p@h:1" }),
		"clickhouse.http_addr":      ok(func(c *Config) { c.Addr, c.HTTPAddr = "clickhouse://h", "clickhouse://h" }),
		"clickhouse.user":           ok(func(c *Config) { c.Addr, c.User = "h:1", "" }),
		"clickhouse.database":       ok(func(c *Config) { c.Database = "a`b" }),
		"clickhouse.insert_timeout": ok(func(c *Config) { c.InsertTimeout = 1 }),
		"clickhouse.tls":            ok(func(c *Config) { c.TLS.CertFile = "x" }),
		"clickhouse.password":       ok(func(c *Config) { c.Password, c.PasswordFile = "x", "y" }),
	} {
		assert.ErrorContains(t, c.Validate(), field)
	}
}

func TestNative(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Addr, cfg.HTTPAddr = shared.NativeAddr(), shared.Addr()
	cfg.User, cfg.Password = shared.Credentials().Writer, shared.Credentials().WriterPassword
	db, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // a test
	require.NoError(t, Migrate(t.Context(), db, "t_native"))
	db = db.In("t_native")
	l := openLedger(t, db)
	_, err = l.Write(t.Context(), sinks.NewBatch(0, 99))
	require.NoError(t, err)
	_, err = l.Write(t.Context(), again(sinks.NewBatch(0, 99)))
	require.NoError(t, err)
	assert.Equal(t, "100", answer(t, db, "SELECT count() FROM posts"))
	_, err = OpenRollups(db, quiet()).Watermark(t.Context())
	require.NoError(t, err)
}

func FuzzAnswerErrors(f *testing.F) {
	f.Add("241", "Code: 241. DB::Exception: Memory")
	f.Add("", "Code: 99999999999999999999")
	f.Fuzz(func(t *testing.T, header, text string) {
		e := textError(header, text)
		assert.NotContains(t, e.Text, "\n")
	})
}

func FuzzQuote(f *testing.F) {
	f.Add(`'; DROP TABLE posts; -- \`)
	f.Fuzz(func(t *testing.T, s string) {
		q := quote(s)
		body := strings.NewReplacer(`\\`, "", `\'`, "").Replace(q[1 : len(q)-1])
		assert.NotContains(t, body, "'", "nothing ends the literal early")
		assert.False(t, strings.HasSuffix(body, `\`))
	})
}
