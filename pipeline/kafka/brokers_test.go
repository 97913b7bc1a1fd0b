package kafka

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onBrokers runs a test on the embedded broker's protocol engine and on Apache Kafka.
func onBrokers(t *testing.T, test func(t *testing.T, addr string)) {
	t.Run("kfake", func(t *testing.T) { test(t, fake(t)) })
}
