// Package collect runs sources: it reconnects them, keeps their cursors, hands their
// posts to Kafka and reports minute by minute what each of them saw.
//
// A source (package pipeline, interface Source) only speaks its platform's protocol.
// All that must not be lost or counted twice is settled here, once for all sources:
//
//   - runner.go    owns sources: start, backoff, liveness deadline, end
//   - session.go   what a source tells the runner: Emit, Refuse, Gap, Limited, Alive
//   - handover.go  posts to Kafka; a repeated Emit hands over only what is missing
//   - tally.go     what a source did in the current minute, and its status
//   - reports.go   coverage on its way to Kafka; never in the way of collecting
//   - backoff.go   waiting times
//   - parts.go     what the runner needs from other rooms
//
// A platform is a file here, or a folder where it is big (file, simulate). Sources
// import the package pipeline alone; the suite in collecttest holds each of them to the
// contract.
package collect
