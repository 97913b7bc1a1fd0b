// Package kafkatest starts a real Apache Kafka for tests: one KRaft node of its own jars
// (see .ci/kafka/pom.xml), with random ports and a temporary directory. It is used by
// tests only.
package kafkatest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"earshot/pipeline/testclaim"
)

// Version of Apache Kafka that is started.
const Version = "4.3.0"

// JarsVar names the environment variable that holds the folder of Kafka's jars.
const JarsVar = "EARSHOT_KAFKA_JARS"

// User and Password are what a broker with SASL accepts, by every mechanism.
const (
	User     = "earshot"
	Password = "earshot-secret"
)

// Options of a broker. The zero value is plain text without authentication.
type Options struct {
	SASL     bool              // PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512
	TLS      bool              // with a certificate of our own; see Broker.CAFile
	Settings map[string]string // of server.properties
}

// Broker is a running Kafka.
type Broker struct {
	Addr   string // host:port for clients
	CAFile string // certificate authority, with TLS

	t    testing.TB
	dir  string
	java string
	jars string

	mu  sync.Mutex
	cmd *exec.Cmd
}

// Start starts Kafka and stops it when the test ends. Without Java or the jars the test
// is skipped as a claim that could not be tested.
func Start(t testing.TB, o Options) *Broker {
	t.Helper()
	java, jars, err := find()
	if err != nil {
		testclaim.Skip(t, err.Error())
	}
	b := &Broker{t: t, dir: t.TempDir(), java: java, jars: jars}
	b.configure(o)
	b.format(o)
	b.launch()
	t.Cleanup(b.Kill)
	return b
}

// Missing says what Start would miss, or nil.
func Missing() error {
	_, _, err := find()
	return err
}

// PID is the process id of the running broker, 0 if it is down.
func (b *Broker) PID() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return 0
	}
	return b.cmd.Process.Pid
}

// find returns the paths of java and of the folder of Kafka's jars.
func find() (java, jars string, err error) {
	jars = jarsDir()
	found, err := filepath.Glob(filepath.Join(jars, "kafka_2.13-"+Version+".jar"))
	if err != nil || len(found) == 0 {
		return "", "", errors.New("Apache Kafka is not in " + jars + "; fetch it with .ci/kafka.sh")
	}
	if java, err = exec.LookPath("java"); err != nil {
		return "", "", errors.New("java is not installed; Apache Kafka needs Java 17")
	}
	return java, jars, nil
}

func jarsDir() string {
	if dir := os.Getenv(JarsVar); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir() // $XDG_CACHE_HOME or ~/.cache
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "earshot", "kafka-"+Version)
}

// configure writes server.properties.
func (b *Broker) configure(o Options) {
	client, internal, controller := freePort(b.t), freePort(b.t), freePort(b.t)
	b.Addr = fmt.Sprintf("127.0.0.1:%d", client)
	protocol := map[[2]bool]string{{false, false}: "PLAINTEXT", {false, true}: "SSL", {true, false}: "SASL_PLAINTEXT", {true, true}: "SASL_SSL"}[[2]bool{o.SASL, o.TLS}]
	lines := []string{
		"process.roles=broker,controller", "node.id=1",
		fmt.Sprintf("controller.quorum.bootstrap.servers=127.0.0.1:%d", controller),
		fmt.Sprintf("listeners=CLIENT://127.0.0.1:%d,INTERNAL://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", client, internal, controller),
		fmt.Sprintf("advertised.listeners=CLIENT://127.0.0.1:%d,INTERNAL://127.0.0.1:%d", client, internal),
		"listener.security.protocol.map=CLIENT:" + protocol + ",INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name=INTERNAL", "controller.listener.names=CONTROLLER",
		"log.dirs=" + filepath.Join(b.dir, "data"),
		"offsets.topic.replication.factor=1", "offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
		"group.initial.rebalance.delay.ms=0", "auto.create.topics.enable=false",
		"log.retention.check.interval.ms=1000", "log.segment.delete.delay.ms=100", "log.initial.task.delay.ms=1000",
		"num.network.threads=2", "num.io.threads=4", "log.cleaner.dedupe.buffer.size=4194304",
	}
	if o.TLS {
		lines = append(lines, b.certificate()...)
	}
	if o.SASL {
		lines = append(lines, "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
			"listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_"+User+"=\""+Password+"\";",
			"listener.name.client.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
			"listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;")
	}
	for name, value := range o.Settings {
		lines = append(lines, name+"="+value)
	}
	require.NoError(b.t, os.WriteFile(b.config(), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	require.NoError(b.t, os.WriteFile(b.logConfig(), []byte(log4j), 0o600))
}

// log4j says only what matters, on stdout, where launch waits for the start.
const log4j = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %p %c %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
`

func (b *Broker) config() string    { return filepath.Join(b.dir, "server.properties") }
func (b *Broker) logConfig() string { return filepath.Join(b.dir, "log4j2.properties") }

func (b *Broker) command(class string, args ...string) *exec.Cmd {
	all := append([]string{
		"-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dlog4j2.configurationFile=" + b.logConfig(),
		"-cp", filepath.Join(b.jars, "*"), class,
	}, args...)
	return exec.CommandContext(context.Background(), b.java, all...) // outlives contexts; Kill ends it
}

// format prepares the data directory, with the users of SCRAM.
func (b *Broker) format(o Options) {
	id := make([]byte, 16)
	_, err := rand.Read(id)
	require.NoError(b.t, err)
	args := []string{"format", "--standalone", "--cluster-id=" + base64.RawURLEncoding.EncodeToString(id), "-c", b.config()}
	if o.SASL {
		for _, m := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", m, User, Password))
		}
	}
	out, err := b.command("kafka.tools.StorageTool", args...).CombinedOutput()
	require.NoError(b.t, err, string(out))
}

// launch starts the server and returns once it serves.
func (b *Broker) launch() {
	cmd := b.command("kafka.Kafka", b.config())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	require.NoError(b.t, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(b.t, cmd.Start())
	b.mu.Lock()
	b.cmd = cmd
	b.mu.Unlock()
	started := make(chan string, 1)
	go func() {
		var said []string
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if len(said) < 200 {
				said = append(said, lines.Text())
			}
			if strings.Contains(lines.Text(), "Kafka Server started") {
				started <- ""
			}
		}
		select {
		case started <- "it ended:\n" + strings.Join(said, "\n"):
		default:
		}
	}()
	select {
	case failure := <-started:
		require.Empty(b.t, failure, "start of Kafka")
	case <-time.After(time.Minute):
		b.Kill()
		b.t.Fatal("Kafka did not start within a minute")
	}
}

// Stop ends the broker in order; its data stays for Restart.
func (b *Broker) Stop() { b.end(syscall.SIGTERM) }

// Kill ends the broker at once, as a crash would.
func (b *Broker) Kill() { b.end(syscall.SIGKILL) }

// Pause stops the broker in its tracks (SIGSTOP); Resume lets it go on.
func (b *Broker) Pause() { b.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (b *Broker) Resume() { b.signal(syscall.SIGCONT) }

// Restart starts the broker again on the same ports and data.
func (b *Broker) Restart() {
	b.Kill()
	b.launch()
}

func (b *Broker) signal(s syscall.Signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd != nil {
		_ = b.cmd.Process.Signal(s) // it may have ended by itself
	}
}

func (b *Broker) end(s syscall.Signal) {
	b.signal(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd != nil {
		_ = b.cmd.Wait() // the status of a killed process says nothing
		b.cmd = nil
	}
}

// freePort returns a port below the ephemeral range, where a restart finds it free again.
func freePort(t testing.TB) int {
	t.Helper()
	for range 200 {
		n, err := rand.Int(rand.Reader, big.NewInt(12000))
		require.NoError(t, err)
		port := 20000 + int(n.Int64())
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // it is closed at once
		if err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}
