package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

const dialTimeout = 10 * time.Second

// Lookup resolves a host to its addresses.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

func systemLookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// guard dials only where a stranger may send us. It resolves once and dials the very
// address that it has checked, so that a name that answers differently the next time (DNS
// rebinding) gains nothing. Every hop of a redirect comes through here.
type guard struct {
	lookup       Lookup
	allowPrivate bool
	trusted      string // host:port of the proxy, which the operator chose
}

func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	found, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var all []error
	var d net.Dialer
	for _, addr := range found {
		if address != g.trusted && !g.allowed(addr) {
			all = append(all, fmt.Errorf("%s is %s: %w", host, addr, ErrPrivate))
			continue
		}
		conn, err := d.DialContext(ctx, network, net.JoinHostPort(addr.String(), port))
		if err == nil {
			return conn, nil
		}
		all = append(all, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	return nil, errors.Join(all...)
}

func (g *guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	return g.lookup(ctx, host)
}

// allowed reports whether an address is one of the public Internet. The ranges are those
// of the IANA special-purpose address registries (RFC 6890 and its updates).
func (g *guard) allowed(addr netip.Addr) bool {
	if g.allowPrivate {
		return true
	}
	addr = addr.Unmap()
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false
	}
	for _, p := range special() {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// special are ranges that net/netip counts as global unicast, and that are not public.
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"),   // shared by carriers, RFC 6598
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"), // documentation
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation
		netip.MustParsePrefix("240.0.0.0/4"),     // reserved
		netip.MustParsePrefix("64:ff9b::/96"),    // NAT64: any IPv4 address may hide in it
		netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("2001::/32"), // Teredo, the same
		netip.MustParsePrefix("2002::/16"), // 6to4, the same
		netip.MustParsePrefix("2001:db8::/32"),
	}
}
