// Package pipeline holds the types and contracts that every other room shares:
// Post, Record, Mention, Batch, and the interfaces Source, Session, Enricher and
// Sink. It imports no client library and starts no goroutine; whatever talks to
// Kafka, ClickHouse or a platform lives in a room of its own and depends on this
// one, never the other way round.
//
// A post's way through the code: a collect.Source emits Posts to a Session; the
// runner hands them to kafka.Producer; kafka.Worker fetches them as a Batch of
// Records, runs the Enrichers, and writes the Batch to a Sink.
package pipeline
