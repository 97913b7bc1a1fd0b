package bench

import (
	"context"
	"encoding/json"
	"os"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	kafkago "github.com/segmentio/kafka-go"
)

// floorTable is what the plainest program fills.
const floorTable = `CREATE TABLE floor.posts (
	platform LowCardinality(String), id String, kind LowCardinality(String), source LowCardinality(String),
	author_id String, author_handle String, text String, lang LowCardinality(String), url String,
	created_at DateTime64(3, 'UTC'), seen_at DateTime64(3, 'UTC'), likes Int64
) ENGINE = MergeTree ORDER BY (platform, created_at)`

// floorJob says what to copy.
type floorJob struct {
	Broker, Topic, Group       string
	ClickHouse, User, Password string
	Posts, Batch               int
}

// floorPost is what it reads of a post.
type floorPost struct {
	Platform string `json:"platform"`
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Source   string `json:"source"`
	Author   struct {
		ID     string `json:"id"`
		Handle string `json:"handle"`
	} `json:"author"`
	Text      string    `json:"text"`
	Lang      string    `json:"lang"`
	URL       string    `json:"url"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	Metrics   struct {
		Likes int64 `json:"likes"`
	} `json:"metrics"`
}

// runFloor copies posts from Kafka to ClickHouse as plainly as Go can: a Reader of a
// consumer group, encoding/json, a native batch filled row by row, and a commit after it
// was sent. It does not check, enrich or protect anything: after a crash it doubles rows.
func runFloor(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var job floorJob
	if err := json.Unmarshal(raw, &job); err != nil {
		return err
	}
	ctx := context.Background()
	conn, err := driver.Open(&driver.Options{
		Addr: []string{job.ClickHouse}, Auth: driver.Auth{Username: job.User, Password: job.Password},
	})
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the program ends
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: []string{job.Broker}, GroupID: job.Group, Topic: job.Topic, MaxBytes: 10e6, // as in kafka-go's README
		StartOffset: kafkago.FirstOffset,
	})
	defer reader.Close() //nolint:errcheck // the program ends
	for stored := 0; stored < job.Posts; {
		n := min(job.Batch, job.Posts-stored)
		if err := copyBatch(ctx, reader, conn, n); err != nil {
			return err
		}
		stored += n
	}
	return nil
}

func copyBatch(ctx context.Context, reader *kafkago.Reader, conn driver.Conn, size int) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO floor.posts")
	if err != nil {
		return err
	}
	messages := make([]kafkago.Message, 0, size)
	for len(messages) < size {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			return err
		}
		var p floorPost
		if err := json.Unmarshal(m.Value, &p); err != nil {
			return err
		}
		err = batch.Append(p.Platform, p.ID, p.Kind, p.Source, p.Author.ID, p.Author.Handle,
			p.Text, p.Lang, p.URL, p.CreatedAt, p.SeenAt, p.Metrics.Likes)
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	if err := batch.Send(); err != nil {
		return err
	}
	return reader.CommitMessages(ctx, messages...)
}
