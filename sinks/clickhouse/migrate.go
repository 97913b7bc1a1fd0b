package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"earshot/schemas/sql"
)

// ErrSchema says that the tables and this program do not belong together.
var ErrSchema = errors.New("clickhouse: schema")

// Migration is one numbered file of schemas/sql.
type Migration struct {
	Number   int
	Name     string // of the file
	Checksum string // sha256 of the file, hexadecimal
	SQL      string
}

// Applied is one row of schema_migrations.
type Applied struct {
	Number   uint32    `ch:"number"`
	Name     string    `ch:"name"`
	Checksum string    `ch:"checksum"`
	At       time.Time `ch:"at"`
}

const migrationsTable = "CREATE TABLE schema_migrations (" +
	"`number` UInt32 COMMENT 'Number of the file', " +
	"`name` String COMMENT 'Name of the file', " +
	"`checksum` String COMMENT 'sha256 of the file', " +
	"`at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied'" +
	") ENGINE = ReplacingMergeTree(at) ORDER BY number COMMENT 'Which migrations were applied; kept by `earshot schema apply`'"

// Migrations lists the embedded files in order. Numbers rise, but may leave gaps.
func Migrations() ([]Migration, error) {
	names, err := fs.Glob(sql.Files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	out := make([]Migration, 0, len(names)) // Glob sorts
	last := 0
	for _, name := range names {
		digits, _, _ := strings.Cut(path.Base(name), "_")
		number, err := strconv.Atoi(digits)
		if err != nil || len(digits) != 4 || number <= last {
			return nil, fmt.Errorf("%w: file %s should begin with four digits, a number of its own", ErrSchema, name)
		}
		last = number
		text, err := fs.ReadFile(sql.Files, name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSchema, err)
		}
		h := sha256.Sum256(text)
		out = append(out, Migration{Number: number, Name: name, Checksum: hex.EncodeToString(h[:]), SQL: string(text)})
	}
	return out, nil
}

// Migrate brings a database to the schema of this program, making it first if need
// be. It changes nothing if that is done already, refuses a database that a newer
// program has changed or whose files differ, and may be run by several processes at
// once: every statement can be repeated.
func Migrate(ctx context.Context, db *DB, database string) error {
	if !nameOK(database) {
		return fmt.Errorf("%w: %q is not a name of a database", ErrSchema, database)
	}
	on := ""
	if db.cluster != "" {
		on = " ON CLUSTER '" + db.cluster + "'"
	}
	if err := db.In("").Exec(ctx, "CREATE DATABASE IF NOT EXISTS `"+database+"`"+on); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrSchema, database, err)
	}
	db = db.In(database)
	list, err := Migration{Name: "schema_migrations", SQL: migrationsTable}.Statements(database, db.cluster)
	if err != nil {
		return err
	}
	for _, statement := range list {
		if err := db.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrSchema, database, err)
		}
	}
	pending, err := Pending(ctx, db)
	if err != nil {
		return err
	}
	return db.migrate(ctx, pending)
}

// migrate applies migrations in their order, and records each.
func (d *DB) migrate(ctx context.Context, pending []Migration) error {
	for _, m := range pending {
		list, err := m.Statements(d.database, d.cluster)
		if err != nil {
			return err
		}
		for _, statement := range list {
			if err := d.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%w: %s of %s: %w", ErrSchema, m.Name, d.database, err)
			}
		}
		done := fmt.Sprintf("INSERT INTO schema_migrations (number, name, checksum) VALUES (%d, '%s', '%s')", m.Number, m.Name, m.Checksum)
		if err := d.Exec(ctx, done); err != nil {
			return fmt.Errorf("%w: %s of %s: %w", ErrSchema, m.Name, d.database, err)
		}
	}
	return nil
}

// statements cuts a file at semicolons that end a line and makes creations repeatable.
func statements(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ";\n") {
		var lines []string
		for line := range strings.Lines(part) {
			if !strings.HasPrefix(line, "--") {
				lines = append(lines, line)
			}
		}
		part = strings.TrimSpace(strings.Join(lines, ""))
		if part == "" {
			continue
		}
		part = strings.Replace(part, "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
		part = strings.Replace(part, "CREATE VIEW ", "CREATE OR REPLACE VIEW ", 1)
		out = append(out, part)
	}
	return out
}

// AppliedTo lists the migrations of the database, oldest first.
func AppliedTo(ctx context.Context, db *DB) ([]Applied, error) {
	var rows []Applied
	err := db.Select(ctx, &rows, "SELECT number, name, checksum, at FROM "+db.table("schema_migrations")+" FINAL ORDER BY number")
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSchema, db.database, err)
	}
	return rows, nil
}

// Pending lists the migrations that the database lacks, and refuses a database that is
// newer than this program or was changed by other files.
func Pending(ctx context.Context, db *DB) ([]Migration, error) {
	all, err := Migrations()
	if err != nil {
		return nil, err
	}
	applied, err := AppliedTo(ctx, db)
	if err != nil {
		return nil, err
	}
	stands := make(map[int]Applied, len(applied))
	for _, a := range applied {
		stands[int(a.Number)] = a
	}
	var pending []Migration
	for _, m := range all {
		a, ok := stands[m.Number]
		switch {
		case !ok:
			pending = append(pending, m)
		case a.Checksum != m.Checksum:
			return nil, fmt.Errorf("%w: %s was made by another version of %s (a released migration must never be edited): use the program that made it, or another database or data directory",
				ErrSchema, db.database, a.Name)
		}
		delete(stands, m.Number)
	}
	for _, a := range stands {
		return nil, fmt.Errorf("%w: %s has migration %s, which this program does not know: use the newer program",
			ErrSchema, db.database, a.Name)
	}
	return pending, nil
}

// CheckSchema refuses a database that is not exactly at this program's schema. Workers
// call it before they write.
func CheckSchema(ctx context.Context, db *DB) error {
	pending, err := Pending(ctx, db)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("%w: %s lacks %s: run `earshot schema apply`", ErrSchema, db.database, pending[0].Name)
	}
	return nil
}

// table is a table's name with its database.
func (d *DB) table(name string) string { return "`" + d.database + "`." + name }
