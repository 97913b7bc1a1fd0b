package reddit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"earshot/pipeline"
)

// Dump makes a post of an object of Pushshift's dumps of Reddit (files.pushshift.io/reddit,
// the same objects go on at academictorrents.com): the data of a thing as Reddit's API gave
// it, without the kind around it. It has the id and all else of the post that the source
// makes of the same thing. Older dumps have no name, and write created_utc as text. What
// was deleted or removed when the dump was made becomes a delete.
func Dump(data []byte, p *pipeline.Post) error {
	var head struct {
		ID      string          `json:"id"`
		Name    string          `json:"name"`
		Body    *string         `json:"body"`
		Link    string          `json:"link_id"`
		Title   *string         `json:"title"`
		Created json.RawMessage `json:"created_utc"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("reddit: a dump's object: %w", err)
	}
	t := thing{Kind: "t3"}
	switch {
	case head.Body != nil && head.Link != "":
		t.Kind = "t1"
	case head.Title == nil:
		return fmt.Errorf("reddit: the object %q is neither a comment (body, link_id) nor a post (title)", head.ID)
	}
	var whole struct {
		*thingData
		Created dumpSeconds `json:"created_utc"` // goes before the one within
	}
	whole.thingData = &t.Data
	if err := json.Unmarshal(data, &whole); err != nil {
		return fmt.Errorf("reddit: a dump's object: %w", err)
	}
	t.Data.Created = float64(whole.Created)
	if t.Data.Name == "" && head.ID != "" {
		t.Data.Name = t.Kind + "_" + head.ID
	}
	if t.Data.Name == "" {
		return fmt.Errorf("reddit: a dump's object has neither name nor id")
	}
	if t.gone() {
		*p = t.delete()
		return nil
	}
	*p = t.post(pipeline.OpCreate)
	return nil
}

// dumpSeconds are Unix seconds as a number or as text.
type dumpSeconds float64

func (s *dumpSeconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(b, `"`)), 64)
	if err != nil {
		return fmt.Errorf("created_utc %.40q is no number of seconds", b)
	}
	*s = dumpSeconds(f)
	return nil
}
