package kafka

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"earshot/pipeline/kafka/kafkatest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		child()
		return
	}
	goleak.VerifyTestMain(m)
}

// quick lets Kafka take sessions as short as the tests'.
var quick = map[string]string{"group.min.session.timeout.ms": "1000"}

// suite is what must hold on every broker.
var suite = []struct {
	name string
	test func(t *testing.T, addr string)
}{
	{"carries", testCarries},
	{"workers come and go", testRebalance},
	{"stale commits are refused", testStaleCommit},
	{"crash at every point", testCrashes},
	{"sleepers", testSleepers},
	{"offsets are reset", testReset},
	{"pending range is rebuilt exactly", testPending},
	{"sink that stores and then fails", testUncertainSink},
	{"poison records", testPoison},
	{"recreated topic", testRecreated},
	{"retention overtakes a stopped worker", testRetention},
	{"repeated handover", testHandover},
	{"cursors", testCursors},
	{"fold", testFold},
	{"ownership is sticky", testOwners},
	{"an owner that slept", testSleepingOwner},
	{"topics", testTopics},
	{"days of a batch", testDays},
	{"giant posts", testGiants},
	{"a backlog makes big batches", testBacklog},
}

func TestOnEmbeddedEngine(t *testing.T) { run(t, fake(t)) }

func TestOnApacheKafka(t *testing.T) {
	run(t, kafkatest.Start(t, kafkatest.Options{Settings: quick}).Addr)
}

func run(t *testing.T, addr string) {
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) { s.test(t, addr) })
	}
}
