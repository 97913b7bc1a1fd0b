// Package kafka carries posts: it is the only room that talks to Kafka.
//
// What lives here, in the order of a post's way:
//
//   - client.go, config.go: one Client for a cluster, with TLS and SASL; topics.go
//     creates and checks the topics; metadata.go asks for topic ids and offsets.
//   - producer.go, published.go: posts go to their partition with acks=all; an Emit of
//     a deterministic source can be found again, so that it is never handed over twice.
//   - letters.go, coverage.go, cursors.go: the small topics; fold.go reads the first two.
//   - worker.go and its parts carry a stream into a Sink, exactly once: member.go
//     (group membership), plan.go (where to begin), fetch.go, build.go (records into
//     batches), partition.go (the order of commits), commit.go (offsets with a mark).
//   - owners.go, balancer.go: which process runs which source.
//   - embedded.go: a broker inside the process.
//
// The order in partition.go is the promise that nothing is counted twice; read it
// together with plan.go before touching either. Consumer groups are joined with
// kafka-go's ConsumerGroup and never its Reader, which commits across rebalances.
package kafka
