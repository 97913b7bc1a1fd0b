package clickhouse

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"

	"github.com/google/uuid"

	"earshot/pipeline"
)

// Credentials of the embedded server: the writer owns the tables, the reader is for
// boards and researchers and cannot change anything.
type Credentials struct {
	Writer, Reader                 string
	WriterPassword, ReaderPassword pipeline.Secret
}

// serverValues fill the templates of the server's files.
type serverValues struct {
	Dir                  string
	HTTPPort, NativePort int
	MaxMemory            int64
	ReaderMaxMemory      int64
	ReaderMaxSeconds     int
	WriterSum, ReaderSum string
}

// configXML is the server's configuration; background_schedule_pool_size starves at its
// default of 2. An insert needs more room than its rows: where the disk fills up under it,
// the part has been seen to stay with an index file that is empty (CORRUPTED_DATA to all who
// read it).
const configXML = `<clickhouse>
  <path>{{.Dir}}/store/</path>
  <tmp_path>{{.Dir}}/tmp/</tmp_path>
  <user_files_path>{{.Dir}}/user_files/</user_files_path>
  <users_config>{{.Dir}}/users.xml</users_config>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{{.HTTPPort}}</http_port>
{{- if .NativePort}}
  <tcp_port>{{.NativePort}}</tcp_port>
{{- end}}
  <timezone>UTC</timezone>
  <default_database>default</default_database>
  <max_server_memory_usage>{{.MaxMemory}}</max_server_memory_usage>
  <mark_cache_size>134217728</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>4</background_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <database_atomic_delay_before_drop_table_sec>10</database_atomic_delay_before_drop_table_sec>
  <http_max_uri_size>1048576</http_max_uri_size>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <max_suspicious_broken_parts>100</max_suspicious_broken_parts>
    <min_free_disk_bytes_to_perform_insert>8388608</min_free_disk_bytes_to_perform_insert>
  </merge_tree>
</clickhouse>
`

// usersXML: two users, and "default" for the engine's own session, which blocks on the
// pipe. That session can have no password, so it may do nothing but what it must, and
// there can be only one of it: whoever else comes as "default" finds the place taken.
const usersXML = `<clickhouse>
  <profiles>
    <default>
      <async_insert>0</async_insert>
      <log_queries>0</log_queries>
    </default>
    <pipe>
      <max_sessions_for_user>1</max_sessions_for_user>
    </pipe>
    <reader>
      <readonly>2</readonly>
      <allow_ddl>0</allow_ddl>
      <max_execution_time>{{.ReaderMaxSeconds}}</max_execution_time>
      <max_memory_usage>{{.ReaderMaxMemory}}</max_memory_usage>
      <max_memory_usage_for_user>{{.ReaderMaxMemory}}</max_memory_usage_for_user>
      <constraints>
        <max_execution_time><max>{{.ReaderMaxSeconds}}</max></max_execution_time>
        <max_memory_usage><max>{{.ReaderMaxMemory}}</max></max_memory_usage>
        <max_memory_usage_for_user><readonly/></max_memory_usage_for_user>
      </constraints>
    </reader>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>pipe</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT READ ON FILE</query>
        <query>GRANT CREATE TEMPORARY TABLE ON *.*</query>
      </grants>
    </default>
    <earshot>
      <password_sha256_hex>{{.WriterSum}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </earshot>
    <reader>
      <password_sha256_hex>{{.ReaderSum}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>reader</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SELECT ON earshot.*</query>
        <query>GRANT SELECT ON earshot_simulated.*</query>
        <query>GRANT SHOW ON *.*</query>
      </grants>
    </reader>
  </users>
</clickhouse>
`

// writeServerFiles lays out the server's directory: its configuration, its users, and
// the `system` database, which must be declared before the very first start or the
// server's own logs fail after a restart.
func writeServerFiles(v serverValues) (configFile string, err error) {
	for _, sub := range []string{"store/metadata", "tmp", "user_files"} {
		if err := os.MkdirAll(filepath.Join(v.Dir, sub), 0o700); err != nil {
			return "", fmt.Errorf("clickhouse: data directory: %w", err)
		}
	}
	system := filepath.Join(v.Dir, "store", "metadata", "system.sql")
	if _, err := os.Stat(system); errors.Is(err, fs.ErrNotExist) {
		id, err := uuid.NewRandom()
		if err != nil {
			return "", fmt.Errorf("clickhouse: %w", err)
		}
		attach := fmt.Sprintf("ATTACH DATABASE _ UUID '%s'\nENGINE = Atomic\n", id)
		if err := os.WriteFile(system, []byte(attach), 0o600); err != nil {
			return "", fmt.Errorf("clickhouse: data directory: %w", err)
		}
	}
	configFile = filepath.Join(v.Dir, "config.xml")
	for path, text := range map[string]string{configFile: configXML, filepath.Join(v.Dir, "users.xml"): usersXML} {
		if err := writeTemplate(path, text, v); err != nil {
			return "", fmt.Errorf("clickhouse: %s: %w", filepath.Base(path), err)
		}
	}
	return configFile, nil
}

func writeTemplate(path, text string, v serverValues) error {
	t, err := template.New("").Funcs(nil).Parse(text)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

// storedCredentials is the file credentials.json, readable by its owner alone.
type storedCredentials struct {
	Writer string `json:"writer_password"`
	Reader string `json:"reader_password"`
}

// credentials reads the passwords of the data directory, or makes them at the first
// start. `earshot sql` finds them there while another process runs the server.
func credentials(dir string) (Credentials, error) {
	path := filepath.Join(dir, "credentials.json")
	var stored storedCredentials
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		stored = storedCredentials{Writer: rand.Text(), Reader: rand.Text()}
		if raw, err = json.Marshal(stored); err != nil {
			return Credentials{}, fmt.Errorf("clickhouse: credentials: %w", err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			return Credentials{}, fmt.Errorf("clickhouse: credentials: %w", err)
		}
	case err != nil:
		return Credentials{}, fmt.Errorf("clickhouse: credentials: %w", err)
	default:
		if err := json.Unmarshal(raw, &stored); err != nil || stored.Writer == "" || stored.Reader == "" {
			return Credentials{}, fmt.Errorf("clickhouse: %s is damaged: remove it and new passwords are made", path)
		}
	}
	return Credentials{
		Writer: "earshot", WriterPassword: pipeline.Secret(stored.Writer),
		Reader: "reader", ReaderPassword: pipeline.Secret(stored.Reader),
	}, nil
}

func sum(s pipeline.Secret) string {
	h := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(h[:])
}
