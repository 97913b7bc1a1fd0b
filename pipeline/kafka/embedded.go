package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// EmbeddedConfig says where the broker inside the process lives.
type EmbeddedConfig struct {
	Dir    string // its data; one process at a time (the caller holds the lock)
	Port   int    // loopback port; 0 is the next free one from DefaultPort on
	Logger zerolog.Logger
}

// DefaultPort is where the embedded broker looks for a free port first. Ports stay
// below 32768: above, a restart may find its own port taken by an outgoing connection.
const DefaultPort = 19092

const lastPort = 32767

// Embedded is a Kafka-protocol broker inside the process, for one machine. Its data is
// on disk before a producer has its answer. It reads all of it into memory when it
// opens, so the topics' retention has to keep the whole below 1 GB (DefaultConfig does).
type Embedded struct {
	cluster *kfake.Cluster
	addr    string
	stop    func() // ends the roller
}

// StartEmbedded starts the broker. If the port is taken, it takes the next free one.
func StartEmbedded(cfg EmbeddedConfig) (*Embedded, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("kafka: embedded broker: %w", err)
	}
	listener, err := listenFrom(cfg.Port)
	if err != nil {
		return nil, fmt.Errorf("kafka: embedded broker: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1), kfake.Ports(port), kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }),
		kfake.DataDir(cfg.Dir), kfake.SyncWrites(), kfake.DefaultNumPartitions(1), kfake.ClusterID("earshot-embedded"),
		kfake.BrokerConfigs(map[string]string{"log.cleaner.backoff.ms": "10000"}),
	)
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("kafka: embedded broker in %s: %w", cfg.Dir, err)
	}
	if cfg.Port != 0 && port != cfg.Port {
		cfg.Logger.Warn().Int("wanted", cfg.Port).Int("port", port).Msg("the port of the embedded Kafka is taken; using the next free one")
	}
	e := &Embedded{cluster: cluster, addr: listener.Addr().String()}
	client, err := kgo.NewClient(kgo.SeedBrokers(e.addr), kgo.ClientID(clientID))
	if err != nil {
		cluster.Close()
		return nil, fmt.Errorf("kafka: embedded broker in %s: %w", cfg.Dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&roller{dir: cfg.Dir, client: client, log: cfg.Logger, rolling: map[string]string{}}).run(ctx)
	}()
	e.stop = func() {
		cancel()
		client.Close()
		<-done
	}
	return e, nil
}

// listenFrom takes the first free loopback port from the given one on.
func listenFrom(port int) (net.Listener, error) {
	if port == 0 {
		port = DefaultPort
	}
	first := port
	for ; port <= lastPort; port++ {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
	}
	return nil, fmt.Errorf("no free port from %d to %d", first, lastPort)
}

// Addr is the broker's host:port.
func (e *Embedded) Addr() string { return e.addr }

// Close stops the broker; what it acknowledged is on disk.
func (e *Embedded) Close() {
	e.stop()
	e.cluster.Close()
}
