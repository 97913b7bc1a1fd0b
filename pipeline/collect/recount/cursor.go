package recount

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"earshot/pipeline"
	"earshot/pipeline/collect/poll"
)

// The watched posts stand in the source's own cursor, which is a JSON object, under a name
// of their own. So a source reads such a cursor as it always did, and a program that knows
// nothing of this begins at the right place too.
const (
	name      = `"again":`
	small     = 4 << 10          // bytes of a cursor that moves with each batch
	perSecond = 16 << 10         // bytes of bigger ones that are saved in a second
	slowest   = 15 * time.Second // that a cursor is held back
)

// pace is how long a cursor waits after the one before. With few watched posts it is short
// and moves with each batch; with thousands it has a hundred kilobytes, and a topic that
// took five of those a second would be busy with nothing else. What comes again after a
// stop or crash is known by its key.
func (s *session) pace() time.Duration {
	if s.watch.Len() == 0 || s.size <= small {
		return 0
	}
	return min(time.Duration(s.size)*time.Second/perSecond, slowest)
}

// join adds the watched posts to a cursor; none leave it as it is.
func join(source pipeline.Cursor, watch *poll.Watch) pipeline.Cursor {
	head, ok := bytes.CutSuffix(bytes.TrimSpace(source), []byte("}"))
	if watch.Len() == 0 || !ok {
		return source
	}
	list, _ := json.Marshal(watch) // text cannot fail
	out := make(pipeline.Cursor, 0, len(head)+len(name)+len(list)+2)
	out = append(out, head...)
	if len(bytes.TrimSpace(head)) > 1 {
		out = append(out, ',')
	}
	out = append(append(out, name...), list...)
	return append(out, '}')
}

// split reads the watched posts of a cursor. What is no such cursor holds none: the source
// says what is wrong with it.
func split(from pipeline.Cursor, watch *poll.Watch) error {
	var at struct {
		Again json.RawMessage `json:"again"`
	}
	if json.Unmarshal(from, &at) == nil && at.Again != nil {
		if err := json.Unmarshal(at.Again, watch); err != nil {
			return fmt.Errorf("cursor: %w", err)
		}
	}
	return nil
}
