package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"earshot/enrich"
	"earshot/pipeline"
	"earshot/pipeline/kafka"
	"earshot/sinks/clickhouse"
)

// brandEntry is a brand on the compacted topic of brands: the truth for all workers.
type brandEntry struct {
	Brand      Brand         `json:"brand"`
	Paused     bool          `json:"paused,omitempty"`
	Removed    bool          `json:"removed,omitempty"`
	Configured *Brand        `json:"configured,omitempty"` // as a configuration said it last
	At         pipeline.Time `json:"at"`                   // our clock, UTC
	Since      pipeline.Time `json:"since,omitempty"`      // when this version of the query began to count

	Mute *enrich.Mute `json:"mute,omitempty"` // set: no brand, but something that does not count
	Who  string       `json:"who,omitempty"`  // of a mute: who said so
}

func (e brandEntry) state() string {
	switch {
	case e.Removed:
		return "removed"
	case e.Paused:
		return "paused"
	default:
		return "active"
	}
}

// brandKey is the name under which a brand stands on the topic.
func brandKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// edition is the enrichment with one set of brands; immutable but for its marks.
type edition struct {
	chain    pipeline.Enricher
	labels   string // version of brands and models, without what is muted
	versions []clickhouse.BrandVersion
	used     atomic.Int64 // our clock (ms) when a batch first took it; 0: none did
}

// brandBook hands the workers of a stream the enrichment as the brands stand now. The
// live stream's brands are those of the topic, which configurations and commands change;
// those of the simulation are what it says.
type brandBook struct {
	make  func([]Brand) (*edition, error)
	table *kafka.Table[brandEntry] // nil: the brands never change
	db    *clickhouse.DB
	cfg   *Config
	log   zerolog.Logger

	seen    string // edition of the topic that is in use
	current atomic.Pointer[edition]

	mu         sync.Mutex
	unrecorded []*edition // whose versions do not stand in the table brands yet
}

// How often a changed file and a changed topic are looked for.
const (
	brandPoll = time.Second
	filePoll  = 2 * time.Second
)

// open takes up the brands as they are.
func (b *brandBook) open(ctx context.Context, fixed []Brand) error {
	if b.table == nil {
		return b.use(fixed, nil)
	}
	if err := configureBrands(ctx, b.table, fixed); err != nil {
		return err
	}
	return b.refresh(ctx)
}

// use makes a list of brands the one that the next batches see.
func (b *brandBook) use(list []Brand, all map[string]brandEntry) error {
	next, err := withMutes(b.make, list, all)
	if err != nil {
		return err
	}
	if now := b.current.Load(); now != nil && now.chain.Version() == next.chain.Version() {
		return nil
	}
	b.mu.Lock()
	b.unrecorded = append(b.unrecorded, next)
	b.mu.Unlock()
	b.current.Store(next)
	return nil
}

// refresh takes up what has changed on the topic.
func (b *brandBook) refresh(ctx context.Context) error {
	all, seen, err := b.table.All(ctx)
	if err != nil || seen == b.seen {
		return err
	}
	list := understood(activeBrands(all), func(brand Brand, err error) { // of a newer program
		b.log.Error().Err(err).Str("brand", brand.Name).Msg("this program does not understand the query: the brand does not count here")
	})
	if err := b.use(list, all); err != nil {
		return err
	}
	if err := b.db.PutBrandProfiles(ctx, profiles(all)); err != nil {
		return err
	}
	if b.seen != "" {
		b.log.Info().Int("brands", len(list)).Msg("brands have changed; the next batches use them")
	}
	b.seen = seen
	return nil
}

// activeBrands are those that count now, by name.
func activeBrands(all map[string]brandEntry) []Brand {
	var list []Brand
	for _, e := range all {
		if !e.Removed && !e.Paused && e.Mute == nil {
			list = append(list, e.Brand)
		}
	}
	slices.SortFunc(list, func(x, y Brand) int { return strings.Compare(x.Name, y.Name) })
	return list
}

// chain is asked by a worker once a batch.
func (b *brandBook) chain() pipeline.Enricher {
	e := b.current.Load()
	e.used.CompareAndSwap(0, time.Now().UnixMilli())
	return e.chain
}

// follow watches the topic, and the file of the configuration, until ctx ends.
func (b *brandBook) follow(ctx context.Context) error {
	if b.table == nil {
		return nil
	}
	file := watchedFile{path: b.cfg.File} // read once more: it may have changed since the start
	topic, files := time.NewTicker(brandPoll), time.NewTicker(filePoll)
	defer topic.Stop()
	defer files.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-topic.C:
			err = b.refresh(ctx)
		case <-files.C:
			if file.changed() {
				err = b.reload(ctx)
			}
		}
		if err != nil && ctx.Err() == nil {
			b.log.Error().Err(err).Msg("brands stay as they are")
		}
	}
}

// reload publishes the brands of a changed configuration; nothing else of it is taken up.
func (b *brandBook) reload(ctx context.Context) error {
	cfg, err := b.cfg.Reload()
	if err != nil {
		return err
	}
	return configureBrands(ctx, b.table, cfg.Brands)
}

// watchedFile tells when a file has changed.
type watchedFile struct {
	path string
	size int64
	at   time.Time
}

func (f *watchedFile) changed() bool {
	info, err := os.Stat(f.path)
	if err != nil || info.Size() == f.size && info.ModTime().Equal(f.at) {
		return false
	}
	f.size, f.at = info.Size(), info.ModTime()
	return true
}

// configureBrands publishes what a configuration says differently than the last one did.
// What a command has changed since stays, until the configuration says something new. A
// configuration without any brand says nothing.
func configureBrands(ctx context.Context, table *kafka.Table[brandEntry], list []Brand) error {
	if len(list) == 0 {
		return nil
	}
	all, _, err := table.All(ctx)
	if err != nil {
		return err
	}
	now := pipeline.At(time.Now())
	said := map[string]bool{}
	for _, brand := range list {
		key := brandKey(brand.Name)
		said[key] = true
		old, known := all[key]
		if known && old.Configured != nil && reflect.DeepEqual(*old.Configured, brand) {
			continue
		}
		next := brandEntry{Brand: brand, Configured: &brand, Paused: old.Paused}
		next.stamp(old, known, now)
		if err := table.Put(ctx, key, next); err != nil {
			return err
		}
	}
	for key, old := range all {
		if old.Configured == nil || said[key] {
			continue
		}
		old.Configured, old.Removed, old.At = nil, true, now
		if err := table.Put(ctx, key, old); err != nil {
			return err
		}
	}
	return nil
}

// recordingSink writes down every version of a query before the first batch that it has
// labelled is stored.
type recordingSink struct {
	pipeline.Sink
	book *brandBook
}

// Write records and stores.
func (s recordingSink) Write(ctx context.Context, batch *pipeline.Batch) ([]pipeline.Reject, error) {
	if err := s.book.record(ctx); err != nil {
		return nil, err
	}
	return s.Sink.Write(ctx, batch)
}

// record is repeated by whoever fails; of several records of a version the earliest wins.
func (b *brandBook) record(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := 0; i < len(b.unrecorded); i++ {
		e := b.unrecorded[i]
		since := pipeline.Time(e.used.Load())
		if since == 0 {
			continue
		}
		versions := slices.Clone(e.versions)
		for j := range versions {
			versions[j].Since = since
		}
		if err := b.db.PutBrands(ctx, versions); err != nil {
			return err
		}
		b.unrecorded = slices.Delete(b.unrecorded, i, i+1)
		i--
	}
	return nil
}

// BrandChange is what a command does to a brand.
type BrandChange struct {
	Name  string
	Query string
	Verb  string // add, set, pause, resume or remove

	Context string // file of a context model, for add and set; empty: as it is
}

// ChangeBrand publishes a change; workers take it up between two batches, within seconds.
func ChangeBrand(ctx context.Context, cfg *Config, c *Console, change BrandChange) error {
	return withBrands(ctx, cfg, c.Log, func(table *kafka.Table[brandEntry]) error {
		entry, err := change.apply(ctx, table)
		if err != nil {
			return err
		}
		c.print(fmt.Sprintf("%s: %s\n", entry.Brand.Name, entry.state()))
		return nil
	})
}

// apply publishes the change and returns what the brand is now.
func (change BrandChange) apply(ctx context.Context, table *kafka.Table[brandEntry]) (entry brandEntry, err error) {
	all, _, err := table.All(ctx)
	if err != nil {
		return entry, err
	}
	key := brandKey(change.Name)
	entry, known := all[key]
	known = known && !entry.Removed
	old := entry
	switch {
	case change.Verb == "add" && known:
		return entry, failure(ExitFailed, fmt.Errorf("brand %s exists: `brand set` gives it another query", entry.Brand.Name))
	case change.Verb != "add" && !known:
		return entry, failure(ExitFailed, fmt.Errorf("there is no brand %q; `brand list` shows them, `brand add` makes one", change.Name))
	}
	var context ContextModel
	if change.Context != "" {
		if err := context.UnmarshalText([]byte(change.Context)); err != nil {
			return entry, failure(ExitUsage, err)
		}
	}
	switch change.Verb {
	case "add":
		entry.Brand, entry.Removed, entry.Paused = Brand{Name: strings.TrimSpace(change.Name), Query: change.Query, Context: context}, false, false
	case "set":
		entry.Brand.Query = change.Query
		if change.Context != "" {
			entry.Brand.Context = context
		}
	case "pause", "resume":
		entry.Paused = change.Verb == "pause"
	case "remove":
		entry.Removed = true
	}
	check := *DefaultConfig()
	check.Brands = []Brand{entry.Brand}
	if err := check.Validate(); err != nil {
		return entry, failure(ExitUsage, err)
	}
	entry.stamp(old, known, pipeline.At(time.Now()))
	return entry, table.Put(ctx, key, entry)
}

// withBrands opens the topic of brands.
func withBrands(ctx context.Context, cfg *Config, log zerolog.Logger, do func(*kafka.Table[brandEntry]) error) (err error) {
	servers, err := startServers(ctx, cfg, needs{command: "brand", kafka: true, share: []string{"run", "import"}}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.Close(context.WithoutCancel(ctx))) }()
	live, _ := streams(cfg)
	client, err := openKafka(ctx, servers.Kafka, log, live)
	if err != nil {
		return err
	}
	defer client.Close()
	return do(kafka.NewTable[brandEntry](kafka.NewProducer(client), kafka.BrandTopic))
}
