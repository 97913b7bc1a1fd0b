package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// Dead says which dead letters are meant.
type Dead struct {
	IDs       []string
	All       bool
	Stage     string // of these alone; empty: every stage
	Limit     int
	Simulated bool
}

// DeadStages are where a record can die.
func DeadStages() []string { return []string{"collect", "decode", "validate", "enrich", "store"} }

// deadRow is a row of dead_letters.
type deadRow struct {
	ID      string    `ch:"id"`
	Stage   string    `ch:"stage"`
	Reason  string    `ch:"reason"`
	Origin  string    `ch:"origin"`
	At      time.Time `ch:"at"`
	Size    int64     `ch:"size"`
	Payload string    `ch:"payload"`
}

// ListDead prints a line for each dead letter, the newest first.
func ListDead(ctx context.Context, cfg *Config, c *Console, d Dead) error {
	return withDead(ctx, cfg, c.Log, d, false, func(_ *Servers, db *clickhouse.DB, _ pipeline.Stream) error {
		rows, err := d.rows(ctx, db)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			c.print("no dead letters\n")
			return nil
		}
		var b strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&b, "%s  %s  %-8s  %s: %s\n", r.ID, r.At.UTC().Format(time.RFC3339), r.Stage, cutTo(r.Origin, 60), cutTo(firstLine(r.Reason), 120))
		}
		c.print(b.String())
		return nil
	})
}

// ShowDead prints dead letters whole. What the terminal would obey is escaped.
func ShowDead(ctx context.Context, cfg *Config, c *Console, d Dead) error {
	return withDead(ctx, cfg, c.Log, d, false, func(_ *Servers, db *clickhouse.DB, _ pipeline.Stream) error {
		rows, err := d.rows(ctx, db)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return errors.New("dead: there is no such dead letter")
		}
		for _, r := range rows {
			c.print(fmt.Sprintf("id       %s\nat       %s\nstage    %s\norigin   %s\nreason   %s\nsize     %d bytes\npayload  %s\n\n",
				r.ID, r.At.UTC().Format(time.RFC3339Nano), r.Stage, r.Origin, r.Reason, r.Size, plain(r.Payload)))
		}
		return nil
	})
}

// RetryDead hands those posts over again that can be read now, and takes their letters
// out of the table. It fails if one of them is as bad as before.
func RetryDead(ctx context.Context, cfg *Config, c *Console, d Dead) error {
	return withDead(ctx, cfg, c.Log, d, true, func(servers *Servers, db *clickhouse.DB, s pipeline.Stream) error {
		rows, err := d.rows(ctx, db)
		if err != nil {
			return err
		}
		client, err := openKafka(ctx, servers.Kafka, c.Log, s)
		if err != nil {
			return err
		}
		defer client.Close()
		producer, kept := kafka.NewProducer(client), 0
		for _, r := range rows {
			post, err := r.post(s)
			if err != nil {
				kept++
				c.print(fmt.Sprintf("%s  kept: %v\n", r.ID, err))
				continue
			}
			if _, err := producer.Publish(ctx, s, []pipeline.Post{post}, pipeline.Handover{}); err != nil {
				return fmt.Errorf("dead: retry %s: %w", r.ID, err)
			}
			// Only now: a crash between the two hands the post over again, and it folds.
			if err := db.Exec(ctx, "DELETE FROM dead_letters WHERE id = '"+r.ID+"'"); err != nil {
				return fmt.Errorf("dead: %s is on Kafka again, but its letter stays: %w", r.ID, err)
			}
			c.print(fmt.Sprintf("%s  handed over again as %s\n", r.ID, post.Key()))
		}
		c.print(fmt.Sprintf("%d handed over again, %d kept\n", len(rows)-kept, kept))
		if kept > 0 {
			return failure(ExitDeadLetters, fmt.Errorf("dead: %d are as bad as before", kept))
		}
		return nil
	})
}

// post reads the payload as the collector or the worker would.
func (r deadRow) post(s pipeline.Stream) (pipeline.Post, error) {
	var p pipeline.Post
	switch {
	case r.Stage == "collect":
		return p, errors.New("its payload is the platform's, not a post; import the mended record instead")
	case int64(len(r.Payload)) < r.Size:
		return p, fmt.Errorf("only %d of its %d bytes were kept", len(r.Payload), r.Size)
	}
	if _, err := pipeline.DecodePost([]byte(r.Payload), &p); err != nil {
		return p, err
	}
	if p.Simulated != s.Simulated {
		return p, errors.New("it belongs to the other stream")
	}
	return p, p.Validate()
}

// rows asks for the letters that are meant.
func (d Dead) rows(ctx context.Context, db *clickhouse.DB) ([]deadRow, error) {
	where := []string{"1"}
	var args []any
	if d.Stage != "" {
		where, args = append(where, "stage = {stage:String}"), append(args, clickhouse.Named("stage", d.Stage))
	}
	if len(d.IDs) > 0 {
		for _, id := range d.IDs {
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) {
				return nil, fmt.Errorf("dead: %q is not the id of a dead letter, as `dead list` shows it", id)
			}
		}
		where = append(where, "id IN ('"+strings.Join(d.IDs, "','")+"')")
	}
	limit := ""
	if d.Limit > 0 {
		limit = " LIMIT " + strconv.Itoa(d.Limit)
	}
	var rows []deadRow
	err := db.Select(ctx, &rows, "SELECT id, stage, reason, origin, at, size, payload FROM `"+db.Database()+"`.dead_letters FINAL WHERE "+
		strings.Join(where, " AND ")+" ORDER BY at DESC, id"+limit, args...)
	return rows, err
}

// withDead connects to the tables of the stream that is meant; writing needs Kafka too.
func withDead(
	ctx context.Context, cfg *Config, log zerolog.Logger, d Dead, write bool,
	do func(*Servers, *clickhouse.DB, pipeline.Stream) error,
) error {
	return withTables(ctx, cfg, log, tables{command: "dead", simulated: d.Simulated, write: true, kafka: write}, do)
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// plain escapes what is not text, so that a payload cannot speak to the terminal.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || r == '\t' || strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
	}
	return b.String()
}
