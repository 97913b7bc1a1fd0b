package pipeline

// DeadLetter is a record that could not be processed, as JSON on the topic of dead
// letters and as a row of the table dead_letters. It folds by ID.
type DeadLetter struct {
	ID      string `json:"id" doc:"hash of origin and position: the same failure twice is one dead letter"`
	Stream  string `json:"stream" doc:"live or simulated"`
	Stage   string `json:"stage" doc:"collect, decode, validate, enrich or store"`
	Reason  string `json:"reason" doc:"what is wrong, where, and how to mend it"`
	Origin  string `json:"origin" doc:"source name, or topic/partition/offset"`
	At      Time   `json:"at" doc:"our clock, UTC"`
	Size    int64  `json:"size" doc:"bytes of the whole payload"`
	SHA256  string `json:"sha256" doc:"hash of the whole payload, hexadecimal"`
	Payload []byte `json:"payload" doc:"beginning of the payload, at most 64 KiB, base64"`
}

// MaxDeadPayload bounds the part of a payload that a dead letter keeps, in bytes.
const MaxDeadPayload = 64 << 10

// CoverageState is what a source could see in a minute.
type CoverageState string

// The states of a minute.
const (
	CoverageOK      CoverageState = "ok"      // connected and alive
	CoverageLimited CoverageState = "limited" // told to wait by the platform
	CoverageDown    CoverageState = "down"    // not connected, or silent past its deadline
	CoverageDone    CoverageState = "done"    // read to its end; nothing more is expected
)

// CoverageEvent is one report of the runner on the topic of coverage. Type says
// which fields count: "minute", "gap" or "expected".
type CoverageEvent struct {
	Type      string        `json:"type" doc:"minute (what a source saw), gap (what it missed), expected (from when until when it should run)" enum:"minute,gap,expected"`
	Stream    string        `json:"stream" doc:"live or simulated"`
	Source    string        `json:"source" doc:"name of the source"`
	Platform  string        `json:"platform,omitempty" doc:"its platform"`
	Collector string        `json:"collector,omitempty" doc:"process that reports"`
	From      Time          `json:"from" doc:"begin: of the minute, of the gap, of the expectation"`
	To        Time          `json:"to,omitzero" doc:"end of the gap or of the expectation; unknown means open"`
	State     CoverageState `json:"state,omitempty" doc:"of a minute: ok, limited, down or done" enum:"ok,limited,down,done"`
	Posts     int64         `json:"posts,omitempty" doc:"posts acknowledged by Kafka in the minute"`
	Refused   int64         `json:"refused,omitempty" doc:"dead letters in the minute"`
	Errors    int64         `json:"errors,omitempty" doc:"failed connections in the minute"`
	LagMillis int64         `json:"lag_ms,omitempty" doc:"our clock minus the newest created_at seen, milliseconds"`
	Reason    string        `json:"reason,omitempty" doc:"of a gap, a limit or an error"`
	At        Time          `json:"at" doc:"our clock when it was reported; the later report of a minute wins"`
}
