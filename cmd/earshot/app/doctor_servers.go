package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// servers looks at Kafka and ClickHouse, and at what has flowed between them.
func (d *doctor) servers(ctx context.Context) (err error) {
	servers, err := startServers(ctx, d.cfg, needs{
		command: "doctor", kafka: true, clickhouse: true, share: []string{"run", "import"},
	}, d.console.Log)
	if err != nil {
		d.fail("servers", "", "%v", err)
		return ctx.Err()
	}
	defer func() { err = errors.Join(err, servers.Close(context.WithoutCancel(ctx))) }()
	client, err := kafka.Open(servers.Kafka)
	if err != nil {
		d.fail("kafka", "", "%v", err)
	} else {
		defer client.Close()
		d.kafka(ctx, client)
	}
	db, err := openClickHouse(ctx, servers.ClickHouse, askWait, d.console.Log)
	if err != nil {
		d.fail("clickhouse", "check clickhouse.addr, the network between, and whether the server runs", "%v", err)
		return nil
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	d.clickhouse(ctx, db)
	return nil
}

// kafka looks at the brokers, at the topics, and at how far each stream is stored.
func (d *doctor) kafka(ctx context.Context, client *kafka.Client) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	brokers, err := client.InspectBrokers(ctx)
	if err != nil {
		d.fail("kafka", "check kafka.brokers, kafka.tls, kafka.sasl and whether the brokers run", "%v", err)
		return
	}
	for _, b := range brokers {
		if b.Err != nil {
			d.fail("kafka", "the cluster advertises this address: make it resolve and answer from here (advertised.listeners)",
				"broker %s: %v", b.Addr, b.Err)
		} else {
			d.ok("kafka", "broker %s answers", b.Addr)
		}
	}
	live, simulated := streams(d.cfg)
	for _, t := range client.InspectTopics(ctx, live, simulated) {
		d.topic(t)
	}
	for _, s := range []pipeline.Stream{live, simulated} {
		stored, ends, err := client.Progress(ctx, s)
		if errors.Is(err, kafka.ErrNoTopic) {
			continue
		}
		if err != nil {
			d.fail("line", "", "how far %s is stored: %v", s.Name, err)
			continue
		}
		behind := int64(0)
		for p, end := range ends {
			behind += max(end-stored[p], 0)
		}
		d.ok("line", "stream %s: %s records on Kafka wait to be stored", s.Name, count(behind))
	}
}

func (d *doctor) topic(t kafka.TopicAnswer) {
	switch {
	case t.Missing:
		d.ok("kafka", "topic %s is not there yet; `earshot run` makes it", t.Name)
	case t.Err != nil:
		d.fail("kafka", "set it as the line says, or create the topic anew", "%v", t.Err)
	case len(t.Denied) > 0:
		d.fail("kafka", fmt.Sprintf("kafka-acls.sh --add --topic %s --operation %s --allow-principal User:%s",
			t.Name, strings.Join(t.Denied, " --operation "), d.cfg.Kafka.SASL.User),
			"topic %s: we lack the right to %s", t.Name, strings.Join(t.Denied, ", "))
	case len(t.Warnings) == 0:
		d.ok("kafka", "topic %s is as configured", t.Name)
	}
	for _, w := range t.Warnings {
		d.warn("kafka", "as the line says; nothing is lost as it is", "%s", w)
	}
}

// oldestClickHouse is the first major version that is expected to work.
const oldestClickHouse = 25

// Difference of two clocks at which doctor warns, and fails.
const (
	clockWarn = 2 * time.Second
	clockFail = time.Minute
)

func (d *doctor) clickhouse(ctx context.Context, db *clickhouse.DB) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	var hello []struct {
		Version string `ch:"version"`
		Now     int64  `ch:"now"`
	}
	before := time.Now()
	err := db.Select(ctx, &hello, "SELECT version() AS version, toUnixTimestamp64Milli(now64(3)) AS now")
	after := time.Now()
	if err != nil || len(hello) != 1 {
		d.fail("clickhouse", "", "it does not answer: %v", err)
		return
	}
	major, _, _ := strings.Cut(hello[0].Version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestClickHouse {
		d.fail("clickhouse", fmt.Sprintf("install ClickHouse %d or later", oldestClickHouse), "version %s is too old", hello[0].Version)
	} else {
		d.ok("clickhouse", "version %s answers", hello[0].Version)
	}
	d.drift(time.UnixMilli(hello[0].Now).Sub(before.Add(after.Sub(before) / 2)))
	d.disks(ctx, db)
	live, simulated := streams(d.cfg)
	for _, s := range []pipeline.Stream{live, simulated} {
		d.rights(ctx, db.In(""), s.Database)
		if d.schema(ctx, db.In(s.Database)) {
			d.contents(ctx, db.In(s.Database), s)
			d.erasure(ctx, db.In(s.Database))
		}
	}
}

// drift judges the difference between ClickHouse's clock and ours.
func (d *doctor) drift(by time.Duration) {
	const mend = "run an NTP client on both machines; TTLs, coverage and alerts go by these clocks"
	switch text := by.Round(time.Millisecond); {
	case by.Abs() >= clockFail:
		d.fail("clock", mend, "ClickHouse's clock differs from ours by %s", text)
	case by.Abs() >= clockWarn:
		d.warn("clock", mend, "ClickHouse's clock differs from ours by %s", text)
	default:
		d.ok("clock", "ClickHouse's clock differs from ours by %s", text)
	}
}

func (d *doctor) disks(ctx context.Context, db *clickhouse.DB) {
	var disks []struct {
		Name  string `ch:"name"`
		Free  uint64 `ch:"free_space"`
		Total uint64 `ch:"total_space"`
	}
	if err := db.Select(ctx, &disks, "SELECT name, free_space, total_space FROM system.disks ORDER BY name"); err != nil {
		d.warn("disk", "grant SELECT ON system.disks", "ClickHouse's disks cannot be asked: %v", err)
	}
	for _, disk := range disks {
		d.room(fmt.Sprintf("%q of ClickHouse", disk.Name), disk.Free, disk.Total)
	}
}

// rights asks for each right by itself, so that the missing one is named.
func (d *doctor) rights(ctx context.Context, db *clickhouse.DB, database string) {
	var lacking []string
	for _, right := range []string{"CREATE DATABASE", "CREATE TABLE", "CREATE VIEW", "DROP VIEW", "ALTER TABLE", "SELECT", "INSERT", "OPTIMIZE"} {
		var answer strings.Builder
		if err := db.Query(ctx, "CHECK GRANT "+right+" ON `"+database+"`.*", "TSV", &answer); err != nil {
			d.warn("clickhouse", "", "the rights on %s cannot be asked: %v", database, err)
			return
		}
		if strings.TrimSpace(answer.String()) != "1" {
			lacking = append(lacking, right)
		}
	}
	if len(lacking) == 0 {
		d.ok("clickhouse", "%s: the user has every right that is needed", database)
		return
	}
	list := strings.Join(lacking, ", ")
	d.fail("clickhouse", fmt.Sprintf("GRANT %s ON %s.* TO %s", list, database, d.cfg.ClickHouse.User), "%s: the user lacks %s", database, list)
}
