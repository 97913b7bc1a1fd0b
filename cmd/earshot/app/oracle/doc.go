// Package oracle holds the test that the promises of exactly-once are kept on real
// parts: it starts real child processes against Apache Kafka and ClickHouse, kills
// and freezes them at named crash points and at random moments, and compares what
// is stored with a model of its own. It has no code outside of its tests.
//
// `make test` runs, side by side, a storm of twenty events over 200,000 posts and a
// smaller one of everything that changes what is stored already (edits, deletes, brands);
// `make storm` runs longer ones. The seed is printed; EARSHOT_STORM_SEED repeats it.
package oracle
