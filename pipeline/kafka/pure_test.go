package kafka

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

func writeFile(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }

func TestPlan(t *testing.T) {
	at := func(offset int64, epoch string, pending int64) committed {
		c := committed{offset: offset, mark: mark{Epoch: epoch}}
		if pending >= 0 {
			c.mark.Pending, c.mark.Token = &pending, "token"
		}
		return c
	}
	for name, c := range map[string]struct {
		committed committed
		log       logRange
		from      int64
		pending   *span
		lost      []string
	}{
		"new group":                         {at(-1, "", -1), logRange{7, 20}, 7, nil, nil},
		"clean":                             {at(10, "e", -1), logRange{0, 20}, 10, nil, nil},
		"at the end":                        {at(20, "e", -1), logRange{0, 20}, 20, nil, nil},
		"offset of a tool":                  {at(10, "", -1), logRange{0, 20}, 10, nil, nil},
		"pending":                           {at(10, "e", 14), logRange{0, 20}, 15, &span{10, 14}, nil},
		"pending of one":                    {at(10, "e", 10), logRange{0, 20}, 11, &span{10, 10}, nil},
		"retention":                         {at(10, "e", -1), logRange{15, 20}, 15, nil, []string{"10 to 14"}},
		"retention took all":                {at(10, "e", -1), logRange{20, 20}, 20, nil, []string{"10 to 19"}},
		"retention within pending":          {at(10, "e", 14), logRange{12, 20}, 15, &span{12, 14}, []string{"10 to 11"}},
		"retention just beyond pending":     {at(10, "e", 14), logRange{15, 20}, 15, nil, []string{"10 to 14"}},
		"retention far beyond pending":      {at(10, "e", 14), logRange{18, 20}, 18, nil, []string{"10 to 14", "15 to 17"}},
		"created anew, marked":              {at(10, "old", -1), logRange{0, 20}, 0, nil, []string{"from 10 on"}},
		"created anew, marked, pending":     {at(10, "old", 14), logRange{0, 20}, 0, nil, []string{"from 10 on"}},
		"created anew, not marked, shorter": {at(10, "", -1), logRange{0, 5}, 0, nil, []string{"from 10 on"}},
		"log became shorter":                {at(10, "e", -1), logRange{0, 5}, 5, nil, []string{"5 to 9"}},
		"log ends within pending":           {at(10, "e", 14), logRange{0, 13}, 13, &span{10, 12}, []string{"13 to 14"}},
		"log ends at pending":               {at(10, "e", 14), logRange{0, 10}, 10, nil, []string{"10 to 14"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := makePlan(c.committed, c.log, "e")
			var lost []string
			for _, l := range p.lost {
				lost = append(lost, l.String())
				assert.NotEmpty(t, l.why)
			}
			assert.Equal(t, c.from, p.from, "from")
			assert.Equal(t, c.pending, p.pending, "pending")
			assert.Equal(t, c.lost, lost, "lost")
		})
	}
}

func TestPlanDoubts(t *testing.T) {
	for name, c := range map[string]struct {
		committed committed
		replayed  int64
	}{
		"nothing is known": {committed{offset: -1}, 20},
		"set by a tool":    {committed{offset: 10}, 20},
		"ours":             {committed{offset: 10, mark: mark{Epoch: "e"}}, 0},
		"ours, in doubt":   {committed{offset: 10, mark: mark{Epoch: "e", Replayed: 15}}, 15},
		"shrunk or new":    {committed{offset: 30}, 20},
	} {
		assert.Equal(t, c.replayed, makePlan(c.committed, logRange{0, 20}, "e").replayed, name)
	}
}

// A record that enrichment kills keeps its day: its row must stand where it stood when
// another version of the chain let it live.
func TestDeadRecordsKeepTheirDay(t *testing.T) {
	at := pipeline.At(time.Now())
	b := rawBatch{records: []pipeline.Record{{Post: pipeline.Post{ID: "a", SeenAt: at - 3*day}, Position: pipeline.Position{Time: at}}}}
	b.enrich(chain{hook: func(*pipeline.Record) error { return os.ErrInvalid }}, pipeline.LiveStream())
	require.NotNil(t, b.records[0].Dead)
	assert.Equal(t, at-3*day, b.records[0].Post.SeenAt)
	assert.Empty(t, b.records[0].Post.ID)
}

// Hashes of Apache Kafka's own test of its partitioner (UtilsTest.testMurmur2).
func TestPartitionerIsJavas(t *testing.T) {
	all := make([]int, 1000)
	for i := range all {
		all[i] = i
	}
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string":                       -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		assert.Equal(t, int(hash&0x7fffffff)%1000, partitionOf([]byte(key), all), key)
	}
}

func TestConfig(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	for field, change := range map[string]func(*Config){
		"kafka.brokers[0]":         func(c *Config) { c.Brokers = []string{"nowhere"} },
		"kafka.topic_prefix":       func(c *Config) { c.TopicPrefix = "a b" },
		"kafka.partitions":         func(c *Config) { c.Partitions = 0 },
		"kafka.replication_factor": func(c *Config) { c.ReplicationFactor = -1 },
		"kafka.retention":          func(c *Config) { c.Retention = time.Minute },
		"kafka.retention_bytes":    func(c *Config) { c.RetentionBytes = 0 },
		"kafka.tls.enabled":        func(c *Config) { c.TLS.CAFile = "ca.pem" },
		"kafka.tls.cert_file":      func(c *Config) { c.TLS = TLS{Enabled: true, CertFile: "c.pem"} },
		"kafka.sasl.mechanism":     func(c *Config) { c.SASL = SASL{Mechanism: "GSSAPI", User: "a", Password: "b"} },
		"kafka.sasl.user":          func(c *Config) { c.SASL = SASL{Mechanism: Plain, Password: "b"} },
		"kafka.sasl.password":      func(c *Config) { c.SASL = SASL{Mechanism: Plain, User: "a"} },
		"kafka.sasl.password_file": func(c *Config) { c.SASL = SASL{Mechanism: Plain, User: "a", Password: "b", PasswordFile: "f"} },
	} {
		c := DefaultConfig()
		change(&c)
		require.ErrorContains(t, c.Validate(), field+":")
	}
	_, err := Open(DefaultConfig())
	require.ErrorContains(t, err, "kafka.brokers")
	_, err = Open(Config{Brokers: []string{"a:1"}, Partitions: 1, Retention: time.Hour, RetentionBytes: -1, TLS: TLS{Enabled: true, CAFile: "/nowhere"}})
	require.ErrorContains(t, err, "kafka.tls.ca_file")
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backoff{min: 100 * time.Millisecond, max: time.Second}
		ctx := t.Context()
		for _, most := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
			begin := time.Now()
			require.NoError(t, b.sleep(ctx))
			took := time.Since(begin)
			assert.LessOrEqual(t, took, most*time.Millisecond)
			assert.GreaterOrEqual(t, took, most*time.Millisecond/2)
		}
		b.reset()
		begin := time.Now()
		require.NoError(t, b.sleep(ctx))
		assert.LessOrEqual(t, time.Since(begin), 100*time.Millisecond)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, b.sleep(ended), context.Canceled)
	})
}

func TestDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop, end := context.WithCancel(t.Context())
		work, cancel := draining(stop, 10*time.Second)
		defer cancel()
		end()
		time.Sleep(9 * time.Second)
		require.NoError(t, work.Err(), "the batch in hand goes on")
		time.Sleep(2 * time.Second)
		require.Error(t, work.Err(), "but not for ever")
	})
}

func TestShare(t *testing.T) {
	all := []int{0, 1, 2, 3, 4, 5, 6, 7}
	one := claim{Generation: 1, Running: all}
	assert.Equal(t, [][]int{all}, share([]claim{{}}, all), "alone")
	assert.Equal(t, [][]int{{0, 1, 2, 3}, nil}, share([]claim{one, {}}, all), "what moves on is nobody's at first")
	left := claim{Generation: 2, Running: []int{0, 1, 2, 3}}
	assert.Equal(t, [][]int{{0, 1, 2, 3}, {4, 5, 6, 7}}, share([]claim{left, {}}, all), "and then the other's")
	assert.Equal(t, [][]int{nil, {0, 1, 2, 3}}, share([]claim{{Generation: 1, Running: []int{0}}, {Generation: 2, Running: all}}, all),
		"of two that claim a partition, the sleeper is wrong")
	three := share([]claim{left, {Generation: 2, Running: []int{4, 5, 6, 7}}, {}}, all)
	assert.Equal(t, [][]int{{0, 1, 2}, {4, 5, 6}, nil}, three)
}

func FuzzShare(f *testing.F) {
	f.Add([]byte(`{"generation":3,"running":[0,1,2]}`), []byte(`{"generation":2,"running":[2,3,99,-1,2]}`), []byte("x"))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		members := claims([]kafkago.GroupMember{{ID: "a", UserData: a}, {ID: "b", UserData: b}, {ID: "c", UserData: c}})
		partitions := []int{0, 1, 2, 3, 4, 5, 6}
		owner := map[int]int{}
		for i, list := range share(members, partitions) {
			assert.LessOrEqual(t, len(list), 3)
			for _, p := range list {
				_, twice := owner[p]
				assert.False(t, twice, "partition %d is given twice", p)
				assert.Contains(t, partitions, p)
				owner[p] = i
			}
		}
		for _, m := range members {
			for _, p := range m.Running {
				if i, given := owner[p]; given {
					assert.Contains(t, members[i].Running, p, "partition %d went to one that does not run it, while another does", p)
				}
			}
		}
	})
}

func FuzzMark(f *testing.F) {
	last := int64(5)
	f.Add(mark{Epoch: "e", Time: 3, Pending: &last, Token: "t"}.encode())
	f.Add("")
	f.Add(`{"pending":-1}`)
	f.Fuzz(func(t *testing.T, metadata string) {
		m := decodeMark(metadata)
		assert.Equal(t, m, decodeMark(m.encode()))
		p := makePlan(committed{offset: 10, mark: m}, logRange{5, 20}, "e")
		assert.True(t, p.from >= 5 && p.from <= 20)
		if p.pending != nil {
			assert.True(t, p.pending.first >= 5 && p.pending.last < 20 && p.pending.first <= p.pending.last && p.from == p.pending.last+1)
		}
	})
}

func FuzzDecode(f *testing.F) {
	good := post(1)
	f.Add(good.AppendJSON(nil), int64(good.SeenAt), true)
	f.Add([]byte(`{"platform":"x"`), int64(-1), false)
	f.Add([]byte(nil), int64(1)<<62, false)
	f.Fuzz(func(t *testing.T, value []byte, at int64, live bool) {
		s := pipeline.SimulatedStream()
		if live {
			s = pipeline.LiveStream()
		}
		decode := func() (pipeline.Record, []pipeline.DeadLetter) {
			b := builder{fetch: &fetcher{topic: "posts"}, stream: s, batch: &rawBatch{}}
			var r pipeline.Record
			b.decode(&message{offset: 7, time: pipeline.Time(at), value: value}, &r)
			return r, b.batch.letters
		}
		r, letters := decode()
		again, _ := decode()
		assert.Equal(t, r, again, "a rebuilt record is the same")
		assert.True(t, r.Post.SeenAt.Known(), "the ledger can place it")
		assert.Equal(t, r.Dead != nil, len(letters) == 1, "a dead record has a letter")
		if r.Dead == nil {
			assert.Equal(t, s.Simulated, r.Post.Simulated)
			require.NoError(t, r.Post.Validate())
		} else {
			_, err := json.Marshal(letters[0])
			require.NoError(t, err)
		}
	})
}

func TestMarkFits(t *testing.T) {
	last := int64(1) << 62
	m := mark{Epoch: strings.Repeat("f", 32), Time: 1 << 50, Pending: &last, Token: tokenOf(strings.Repeat("g", 249), pipeline.Epoch{}, strings.Repeat("t", 249), 1<<30, 1<<62, 1<<62)}
	assert.Less(t, len(m.encode()), 4096, "Kafka's bound of metadata")
}

func TestEncoderOfHeaders(t *testing.T) {
	h := pipeline.Handover{Source: "file", From: "abc"}
	n, ok := indexIn(h, headersOf(h, 12))
	assert.True(t, ok)
	assert.Equal(t, 12, n)
	_, ok = indexIn(pipeline.Handover{Source: "file", From: "other"}, headersOf(h, 12))
	assert.False(t, ok)
	assert.Empty(t, headersOf(pipeline.Handover{}, 1), "an ordinary source leaves no trace")
	for _, bad := range []string{"", "x", "-1", "99999999999999999999"} {
		_, ok = indexIn(h, []kafkago.Header{{Key: headerSource, Value: []byte("file")}, {Key: headerFrom, Value: []byte("abc")}, {Key: headerIndex, Value: []byte(bad)}})
		assert.False(t, ok, bad)
	}
}
