package oracle

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/cmd/earshot/app"
	"earshot/pipeline"
	"earshot/pipeline/kafka/kafkatest"
	"earshot/pipeline/testclaim"
)

const acme = "brands: [{name: Acme, query: acme}]\n"

// TestUnknownKey wants the line, the column and the nearest key, before anything starts.
func TestUnknownKey(t *testing.T) {
	p := newProgram(t, acme+"clickhouse:\n  pasword: x\n")
	for _, args := range [][]string{{"run"}, {"import", "x"}, {"sql", "SELECT 1"}, {"config", "check"}} {
		code, out, errs := p.run(args...)
		assert.Equal(t, app.ExitConfiguration, code)
		assert.Equal(t, "earshot.yaml:3:3: clickhouse.pasword: unknown key; did you mean \"password\"?\n", errs+out)
	}
	assert.NoDirExists(t, p.path("earshot-data"))
}

// TestBadLines imports a file whose lines are wrong in every way, each between two good
// neighbours.
func TestBadLines(t *testing.T) {
	p := newProgram(t, acme)
	huge := strings.Repeat("x", 10<<20)
	bad := map[string]string{ // a line, and why it is refused
		`{"platform":"blog","id":"broken","text":`:                          "invalid JSON at byte",
		`{"platform":"blog","text":"acme"}`:                                 "id is missing",
		`{"platform":"blog","id":"huge","text":"acme ` + huge + `"}`:        "10485806 bytes long and at most 8388608 are read",
		"{\"platform\":\"blog\",\"id\":\"rawnul\",\"text\":\"acme \x00!\"}": "a control character",
		`["platform"]`: "an object",
		`{"platform":"blog","id":7,"text":"acme"}`: "id ",
	}
	mended := []string{
		"{\"platform\":\"blog\",\"id\":\"utf8\",\"text\":\"acme \xff\xfe!\"}",
		`{"platform":"blog","id":"nul","text":"acme \u0000!"}`,
		`{"platform":"blog","id":"1970","text":"acme","created_at":"1970-01-01T00:00:01Z"}`,
		`{"platform":"blog","id":"2999","text":"acme","created_at":"2999-12-31T00:00:00Z"}`,
	}
	var lines []string
	good := 0
	add := func(line string) {
		lines = append(lines, line, fmt.Sprintf(`{"platform":"blog","id":"good-%d","text":"acme is fine"}`, good))
		good++
	}
	for line := range bad {
		add(line)
	}
	for _, line := range mended {
		add(line)
	}
	code, out, errs := p.run("import", p.write("bad.ndjson", lines...))
	t.Logf("%s%s", errs, out)
	assert.Equal(t, app.ExitOK, code)
	assert.Contains(t, errs, fmt.Sprintf("%d records became dead letters", len(bad)))
	assert.Equal(t, fmt.Sprint(good+len(mended)), p.ask("SELECT count() FROM posts"))
	assert.Equal(t, fmt.Sprint(good+len(mended)), p.ask("SELECT count() FROM mentions_current WHERE brand = 'Acme'"), "no neighbour is harmed")

	letters := p.ask("SELECT reason FROM dead_letters FINAL FORMAT TSVRaw")
	assert.Len(t, strings.Split(letters, "\n"), len(bad))
	for _, why := range bad {
		assert.Contains(t, letters, why)
	}
	assert.Equal(t, "1970-01-01 00:00:01.000\n2299-12-31 23:59:59.999", p.ask("SELECT created_at FROM posts WHERE id IN ('1970', '2999') ORDER BY id"), "the claim is kept, as far as the type reaches")
	assert.Contains(t, p.ask("SELECT repairs FROM posts WHERE id = '2999'"), "claimed 2999-12-31T00:00:00.000Z", "and beyond it in words")
	assert.Equal(t, "1", p.ask("SELECT min(abs(dateDiff('hour', seen_at, now64(3))) <= 1 AND abs(dateDiff('hour', event_time, now64(3))) <= 1) FROM posts"),
		"and believed by nothing: partition and event time are ours")
	assert.Equal(t, "acme \uFFFD!", p.ask("SELECT text FROM posts WHERE id = 'nul'"))
	assert.Equal(t, "acme \uFFFD\uFFFD!", p.ask("SELECT text FROM posts WHERE id = 'utf8'"))
}

// TestBadRecords writes straight to Kafka what no collector of ours would.
func TestBadRecords(t *testing.T) {
	p := newProgram(t, acme+"simulate: off\n")
	o := p.start("run")
	p.eventually("earshot runs", o, func() bool { return strings.Contains(o.errs.String(), "earshot runs") })
	rt, ok := p.runtime()
	require.True(t, ok)
	records := []struct{ value, stage, why string }{
		{`{"platform":"blog","id":`, "decode", "invalid JSON"},
		{`{"platform":"blog","text":"acme"}`, "validate", "id is missing"},
		{`{"platform":"blog","id":"s","text":"acme","simulated":true}`, "validate", "simulated"},
		{``, "decode", ""},
		{`{"platform":"blog","id":"big","text":"` + strings.Repeat("acme ", 3<<20/5) + `"}`, "validate", "text is longer than"},
		{`{"platform":"blog","id":"old","text":"acme","seen_at":"1970-01-02T00:00:00Z"}`, "", ""},
		{`{"platform":"blog","id":"new","text":"acme","seen_at":"2999-01-02T00:00:00Z"}`, "", ""},
	}
	var batch []kafkago.Record
	good := func(i int) kafkago.Record {
		return kafkago.Record{Value: kafkago.NewBytes(fmt.Appendf(nil, `{"platform":"blog","id":"good-%d","text":"acme"}`, i))}
	}
	for i, r := range records {
		batch = append(batch, good(i), kafkago.Record{Value: kafkago.NewBytes([]byte(r.value))})
	}
	batch = append(batch, kafkago.Record{Key: kafkago.NewBytes([]byte("blog/x"))}, good(len(records))) // a tombstone
	res, err := (&kafkago.Client{Addr: kafkago.TCP(rt.Kafka)}).Produce(t.Context(), &kafkago.ProduceRequest{
		Topic: pipeline.LiveStream().Topic, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(batch...),
	})
	require.NoError(t, err)
	require.NoError(t, res.Error)

	p.eventually("all of it is stored", o, func() bool { return p.ask("SELECT count() FROM posts") == fmt.Sprint(len(batch)) })
	p.eventually("dead letters are there", o, func() bool { return p.ask("SELECT count() FROM dead_letters FINAL") == "6" })
	t.Log(p.ask("SELECT stage, reason FROM dead_letters FINAL"))
	for i, r := range records {
		if r.stage != "" {
			said := p.ask(fmt.Sprintf("SELECT stage, reason FROM dead_letters FINAL WHERE splitByChar('/', origin)[3] = '%d'", 2*i+1))
			assert.Contains(t, said, r.why, "%.60s", r.value)
			assert.Contains(t, said, r.stage, "%.60s", r.value)
		}
	}
	assert.Equal(t, "6", p.ask("SELECT count() FROM posts WHERE op = 'dead'"))
	assert.Equal(t, fmt.Sprint(len(records)+1+2), p.ask("SELECT count() FROM mentions_current"), "no neighbour is harmed")
	assert.Equal(t, "1", p.ask("SELECT uniqExact(toDate(seen_at)) FROM posts WHERE id IN ('old', 'new', 'good-0')"), "a day that we believe")
	assert.Equal(t, "1", p.ask("SELECT min(abs(dateDiff('hour', seen_at, now64(3))) <= 1) FROM posts WHERE op != 'dead'"), "an absurd seen_at is Kafka's time")
	o.signal(syscall.SIGTERM)
	assert.Zero(t, o.code(t), o.errs.String())
}

// TestWrongPasswords wants a message with the mend, soon, and the exit code of a server
// that refuses us.
func TestWrongPasswords(t *testing.T) {
	broker := kafkatest.Start(t, kafkatest.Options{SASL: true})
	sasl := func(mechanism, password string) string {
		return fmt.Sprintf("kafka: {brokers: ['%s'], sasl: {mechanism: %s, user: %s, password: %s}}\n", broker.Addr, mechanism, kafkatest.User, password)
	}
	p := newProgram(t, acme)
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		p.configure(acme + sasl(mechanism, "wrong-one"))
		begin := time.Now()
		code, out, errs := p.run("run")
		assert.Equal(t, app.ExitUnreachable, code, errs)
		assert.Contains(t, errs, "check kafka.sasl.user, kafka.sasl.password")
		assert.NotContains(t, errs+out, "wrong-one")
		t.Logf("after %s: %s", time.Since(begin).Round(time.Millisecond), errs)
	}

	s, _ := newServer(t)
	p.configure(acme + fmt.Sprintf("clickhouse: {addr: '%s', user: earshot, password: wrong-one}\n", s.Addr()))
	for _, args := range [][]string{{"run"}, {"sql", "SELECT 1"}, {"schema", "apply"}} {
		code, out, errs := p.run(args...)
		assert.Equal(t, app.ExitUnreachable, code, "%v: %s", args, errs)
		assert.Contains(t, errs, "check clickhouse.user and clickhouse.password")
		assert.NotContains(t, errs+out, "wrong-one")
		t.Log(errs)
	}
}

// TestOccupiedPorts takes the usual ports away.
func TestOccupiedPorts(t *testing.T) {
	for _, usual := range []string{"127.0.0.1:19092", "127.0.0.1:8123"} {
		l, err := net.Listen("tcp", usual) //nolint:noctx // it is closed at the end
		// Another test gives it back after a while; who has it for longer keeps it.
		for deadline := time.Now().Add(patience); err != nil && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			l, err = net.Listen("tcp", usual) //nolint:noctx // as above
		}
		if err == nil {
			defer l.Close() //nolint:errcheck // it never served
		}
	}
	p := newProgram(t, acme)
	file := p.write("posts.ndjson", `{"platform":"blog","id":"1","text":"acme"}`)
	code, _, errs := p.run("import", file)
	require.Zero(t, code, errs)
	o := p.start("run", "--simulate")
	p.eventually("rows are stored", o, func() bool { return strings.Contains(o.out.String(), "ClickHouse  http://") })
	rt, ok := p.runtime()
	require.True(t, ok)
	for _, addr := range []string{rt.Kafka, strings.TrimPrefix(rt.ClickHouse, "http://")} {
		assert.Contains(t, o.out.String(), addr, "where they are is printed")
		_, port, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		assert.NotContains(t, []string{"19092", "8123"}, port)
		number, err := strconv.Atoi(port)
		require.NoError(t, err)
		assert.Less(t, number, 32768)
	}
	assert.Equal(t, "1", p.ask("SELECT count() FROM posts"))
	o.signal(syscall.SIGTERM)
	assert.Zero(t, o.code(t), o.errs.String())
}

// TestFullDisk fills the disk of the embedded parts under an import, and empties it again.
func TestFullDisk(t *testing.T) {
	p := newProgram(t, acme+"\ndisk: {reserve_mb: 0}\n") // the reserve would stop before it is full
	grow := p.smallDisk("24m")
	file := p.noise(20_000)
	o := p.start("import", file)
	p.eventually("the full disk is told", o, func() bool {
		return strings.Contains(o.errs.String(), "is the disk of the broker full?") && strings.Contains(o.errs.String(), "the disk of ClickHouse is full")
	})
	t.Logf("running %v\n%s", o.running(), o.errs.String())
	grow("2g")
	if code := o.code(t); code != 0 {
		t.Logf("exit %d: %s", code, o.errs.String())
		code, out, errs := p.run("import", file)
		require.Zero(t, code, "%s\n%s", errs, out)
	}
	assert.Equal(t, "20000\t20000\t20000", p.ask("SELECT count(), uniqExact(partition, offset), uniqExact(id) FROM posts"))
}

// TestTheReserveOfTheDisk: with a reserve the line stops cleanly before the disk is full,
// says so, and goes on by itself once there is room.
func TestTheReserveOfTheDisk(t *testing.T) {
	const reserve = 96 // MiB, of a disk of 160
	p := newProgram(t, acme+fmt.Sprintf("\nsimulate: off\ndisk: {reserve_mb: %d}\n", reserve))
	grow := p.smallDisk("160m")
	o := p.start("import", p.noise(30_000))
	p.eventually("the reserve stops the line", o, func() bool { return strings.Contains(o.errs.String(), "the disk is nearly full") })
	var least uint64 = 1 << 62
	for range 30 { // what was in hand is still written, and files are merged
		var s syscall.Statfs_t
		require.NoError(t, syscall.Statfs(p.path("earshot-data"), &s))
		least = min(least, s.Bavail*uint64(s.Bsize))
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("at least %d MiB stayed free of a reserve of %d", least>>20, reserve)
	assert.Positive(t, least, "the disk was never full")
	assert.True(t, o.running(), "it waits: %s", o.errs.String())
	assert.NotContains(t, o.errs.String(), "disk of the broker full")
	assert.NotContains(t, o.errs.String(), "disk of ClickHouse is full")
	grow("2g")
	require.Zero(t, o.code(t), o.errs.String())
	assert.Contains(t, o.errs.String(), "there is room on the disk again")
	assert.Equal(t, "30000\t30000\t30000", p.ask("SELECT count(), uniqExact(partition, offset), uniqExact(id) FROM posts"))
}

// smallDisk puts the data directory on a disk of its own; the result makes it larger.
func (p *program) smallDisk(size string) (grow func(size string)) {
	p.t.Helper()
	dir := p.path("earshot-data")
	require.NoError(p.t, os.Mkdir(dir, 0o700))
	if out, err := exec.CommandContext(p.t.Context(), "mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		testclaim.Skip(p.t, "a full disk cannot be played, mount is not permitted: "+string(out))
	}
	p.t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) //nolint:noctx // at the end of the test
	return func(size string) {
		require.NoError(p.t, exec.CommandContext(p.t.Context(), "mount", "-o", "remount,size="+size, dir).Run())
	}
}

// noise is a file of n posts of two kilobytes that nothing makes much smaller.
func (p *program) noise(n int) string {
	var lines []string
	for i := range n {
		noise := make([]byte, 1<<10)
		_, err := rand.Read(noise)
		require.NoError(p.t, err)
		b, err := json.Marshal(map[string]string{"platform": "blog", "id": fmt.Sprint(i), "text": fmt.Sprintf("acme %x", noise)})
		require.NoError(p.t, err)
		lines = append(lines, string(b))
	}
	return p.write("posts.ndjson", lines...)
}
