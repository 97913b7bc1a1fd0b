package simulate

import (
	"encoding/json"
	"fmt"
	"time"

	"earshot/pipeline"
)

// cursor is where the stream goes on, as JSON: readable in the topic of cursors.
type cursor struct {
	Version  int    `json:"v"`
	Settings uint64 `json:"settings"` // hash of the configuration that it belongs to
	Begin    int64  `json:"begin"`    // of the simulation, ms since 1970
	Slice    int64  `json:"slice"`
	Done     int    `json:"done"`    // records of the slice that were handed over
	Count    int64  `json:"count"`   // records in all
	Seen     int64  `json:"seen_ms"` // simulated moment of the last one, ms
}

const cursorVersion = 1

func (c cursor) encode() pipeline.Cursor {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers alone cannot fail
	}
	return data
}

// decodeCursor reads a cursor; none gives the zero cursor.
func decodeCursor(data pipeline.Cursor) (cursor, error) {
	var c cursor
	if len(data) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("simulate: read cursor: %w", err)
	}
	sane := c.Version == cursorVersion && c.Begin > 0 && c.Begin < maxMoment && c.Slice >= 0 && c.Slice < maxMoment &&
		c.Seen >= 0 && c.Seen < maxMoment && c.Done >= 0 && c.Done <= lanes<<slotBits && c.Count >= 0
	if !sane {
		return c, fmt.Errorf("simulate: cursor %s is not one of this version", data)
	}
	return c, nil
}

// maxMoment is the end of the year 2100, ms: later slices would not fit into an id.
const maxMoment = 4133980800000

// settingsHash is a hash of all that decides what is simulated. Speed, end, limit and
// catch_up do not, so they may be changed while a stream goes on; but where the rate
// is 0 the density follows from some of them.
func settingsHash(c Config) uint64 {
	c.Rate, c.Speed, c.Limit, c.CatchUp, c.To = c.density(), 0, 0, 0, time.Time{}
	c.From = c.From.UTC()
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // all fields are plain
	}
	return nameHash(string(data)) & (1<<53 - 1) // a number that any JSON reader keeps
}
