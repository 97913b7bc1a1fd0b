package pipeline

// Ends are the next offsets of a topic's partitions: all below has been written.
type Ends map[int32]int64

// Handover names one Emit of a deterministic source. It travels in the headers of
// the Kafka records, so that after a crash, or after an answer that never came, the
// runner can ask which posts of that Emit are on Kafka and hand over only the rest.
type Handover struct {
	Source string // name of the source; empty if the source is not deterministic
	From   string // hash of the cursor from which this Emit was made
}
