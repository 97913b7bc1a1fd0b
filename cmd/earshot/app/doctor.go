package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"earshot/sinks/clickhouse"
)

// doctor looks at everything that the program depends on, and changes nothing but that
// it starts the embedded servers if nobody runs them.
type doctor struct {
	cfg     *Config
	console *Console
	findings
}

// Doctor tries every connection, right, clock, disk, version and setting, prints what is
// wrong and how to mend it, and fails with ExitFindings if something does not work.
func Doctor(ctx context.Context, cfg *Config, c *Console, asJSON bool) error {
	d := &doctor{cfg: cfg, console: c}
	d.settings()
	d.directory()
	d.clock()
	d.library()
	if err := d.servers(ctx); err != nil {
		return err
	}
	write := d.write
	if asJSON {
		write = d.writeJSON
	}
	if err := write(c.Out); err != nil {
		return err
	}
	bad, doubtful := d.count(findingFail), d.count(findingWarn)
	if bad > 0 {
		return failure(ExitFindings, fmt.Errorf("doctor: %d of %d checks failed, %d warn", bad, len(d.findings), doubtful))
	}
	if !asJSON {
		c.print(fmt.Sprintf("%d checks: nothing fails, %d warn\n", len(d.findings), doubtful))
	}
	return nil
}

// settings looks at what the configuration names.
func (d *doctor) settings() {
	if _, err := d.cfg.entries(); err != nil {
		d.fail("sources", "mend the entry of `sources:` that is named", "%v", err)
	} else {
		d.ok("sources", "%d configured, all can be opened", len(d.cfg.sources()))
	}
	if len(d.cfg.Brands) == 0 && len(d.cfg.simulatedBrands()) == 0 {
		d.warn("brands", "add `brands:` to the configuration", "none is configured: posts are stored, but nobody is found in them")
	} else {
		d.ok("brands", "%d configured, %d simulated", len(d.cfg.Brands), len(d.cfg.simulatedBrands()))
	}
	for key, path := range map[string]string{
		"kafka.sasl.password_file": d.cfg.Kafka.SASL.PasswordFile, "clickhouse.password_file": d.cfg.ClickHouse.PasswordFile,
	} {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err != nil {
			d.fail("secrets", "name a file that is there and that this user may read", "%s: %v", key, err)
		} else if info.Mode().Perm()&0o077 != 0 {
			d.warn("secrets", "chmod 600 "+path, "%s: %s may be read by others (mode %o)", key, path, info.Mode().Perm())
		}
	}
}

// Room on a disk below which doctor warns, and fails.
const (
	scarceShare = 0.10
	emptyBytes  = 1 << 30
)

// directory looks at the data directory; without embedded servers there is none.
func (d *doctor) directory() {
	if !d.cfg.Kafka.Embedded() && d.cfg.ClickHouse.Addr != "" {
		return
	}
	path := d.cfg.Data
	if err := os.MkdirAll(path, 0o700); err != nil {
		d.fail("data", "set another `data:`, or give this user the right to write there", "%v", err)
		return
	}
	probe := filepath.Join(path, "doctor.probe")
	if err := errors.Join(os.WriteFile(probe, []byte("a sign of life\n"), 0o600), os.Remove(probe)); err != nil {
		d.fail("data", "free some room, or give this user the right to write there", "%v", err)
	} else {
		d.ok("data", "%s can be written", path)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		d.warn("data", "chmod 700 "+path, "%s holds personal data and passwords, and may be read by others (mode %o)", path, info.Mode().Perm())
	}
	s, err := spaceOf(path)
	if err != nil {
		d.fail("disk", "", "%v", err)
		return
	}
	d.room("of "+path, s.free, s.total)
}

// room judges the free room of a disk.
func (d *doctor) room(what string, free, total uint64) {
	const mend = "free some room, give it a larger disk, or keep less (archive.days, archive.gb, kafka.retention)"
	switch {
	case free < emptyBytes:
		d.fail("disk", mend, "the disk %s has %s left of %s", what, gib(free), gib(total))
	case float64(free) < scarceShare*float64(total):
		d.warn("disk", mend, "the disk %s has %s left of %s", what, gib(free), gib(total))
	default:
		d.ok("disk", "the disk %s has %s left of %s", what, gib(free), gib(total))
	}
}

// clockUnsynchronised is the kernel's word for a clock that nobody disciplines
// (TIME_ERROR, adjtimex(2)).
const clockUnsynchronised = 5

// clock asks the kernel whether something keeps its clock right.
func (d *doctor) clock() {
	var t syscall.Timex
	switch state, err := syscall.Adjtimex(&t); {
	case err != nil:
		d.warn("clock", "", "the kernel does not tell whether its clock is kept right: %v", err)
	case state == clockUnsynchronised:
		d.warn("clock", "run an NTP client (chrony, systemd-timesyncd) on this machine or on its host",
			"the kernel says that nobody keeps this machine's clock right; seen_at, coverage and spikes go by it")
	default:
		d.ok("clock", "kept right, says the kernel")
	}
}

// library looks at the embedded ClickHouse engine.
func (d *doctor) library() {
	if d.cfg.ClickHouse.Addr != "" {
		return
	}
	path, err := clickhouse.FindLibrary("")
	if err != nil {
		d.fail("engine", "make setup fetches and verifies it; or set clickhouse.addr", "%v", err)
		return
	}
	d.ok("engine", "%s", path)
}
