package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"earshot/pipeline"
)

// lossSource begins the name under which Kafka itself stands in coverage: kafka/TOPIC/PARTITION.
const lossSource = "kafka/"

// PutLosses makes an alert of each gap that Kafka reports: records that retention, or
// somebody who created the topic anew, took before they were stored. It is over when it is
// known, so it stands there resolved; the same loss twice is one alert.
func (d *DB) PutLosses(ctx context.Context, events []pipeline.CoverageEvent) error {
	for i := range events {
		e := &events[i]
		if e.Type != "gap" || !strings.HasPrefix(e.Source, lossSource) {
			continue
		}
		sum := sha256.Sum256([]byte(e.Source + "\x00" + e.Reason))
		minutes := max(int64(e.To-e.From)/60_000, 1)
		evidence, err := json.Marshal([]map[string]any{{
			"kind": "coverage", "at": e.To, "minutes": minutes, "observed": minutes, "chance": 1, "score": 2, "subject": e.Source + ": " + e.Reason,
		}})
		if err != nil {
			return fmt.Errorf("clickhouse: alert of a loss: %w", err)
		}
		statement := "INSERT INTO incidents (incident_id, source, kinds, state, severity, opened_at, updated_at, resolved_at," +
			" window_minutes, observed, score, evidence, explanation, simulated, at)" +
			" SELECT {id:String}, {source:String}, ['coverage'], 'resolved', 'critical', fromUnixTimestamp64Milli({from:Int64}, 'UTC')," +
			" fromUnixTimestamp64Milli({to:Int64}, 'UTC'), fromUnixTimestamp64Milli({to:Int64}, 'UTC')," +
			" {minutes:UInt32}, {minutes:UInt32}, 2, {evidence:String}, '{}', {simulated:Bool}, now64(9)"
		err = d.execWith(ctx, statement, map[string]string{
			"id": hex.EncodeToString(sum[:8]), "source": written(e.Source), "from": strconv.FormatInt(int64(e.From), 10), "to": strconv.FormatInt(int64(e.To), 10),
			"minutes": strconv.FormatInt(minutes, 10), "evidence": written(string(evidence)), "simulated": strconv.FormatBool(e.Stream == pipeline.SimulatedStream().Name),
		})
		if err != nil {
			return fmt.Errorf("clickhouse: alert of a loss: %w", err)
		}
	}
	return nil
}

// written is a string as a parameter of a statement holds it.
func written(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`).Replace(s)
}
