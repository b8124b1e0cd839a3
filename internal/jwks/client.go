package jwks

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	connectTimeout = 2 * time.Second
	// maxHeaderBytes bounds what an issuer may send before the document.
	maxHeaderBytes = 64 << 10
)

// newClient copies the client, without what would carry requests elsewhere or credentials
// along. This is the one place where a transport is made.
func newClient(e Endpoint) *http.Client {
	var c http.Client
	if e.Client != nil {
		c = *e.Client
	}
	if c.Transport == nil {
		g := &dialGuard{trusted: make(map[string]bool)}
		if e.Configured {
			g.trust(e.Issuer)
			g.trust(e.JWKSURL)
		}
		c.Transport = &http.Transport{
			Proxy:                  g.proxy,
			DialContext:            g.dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connectTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
		}
	}
	c.Jar = nil
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// errForbiddenAddress means that a host nobody configured leads into a private network.
var errForbiddenAddress = errors.New("jwks: the address is not a public one")

// dialGuard keeps metadata of an issuer from sending this process into the network it runs in
// (RFC 8725 §3.10, as amended): hosts that nobody configured must have public addresses. It
// looks at the address that is dialled, so that names cannot change between check and use.
type dialGuard struct {
	trusted map[string]bool        // host names, complete before the first use
	through atomic.Pointer[string] // the proxy's address: the operator's word, too
}

func (g *dialGuard) trust(address string) {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		g.trusted[u.Hostname()] = true
	}
}

func (g *dialGuard) proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if u != nil {
		host := u.Hostname()
		g.through.Store(&host)
	}
	return u, err
}

func (g *dialGuard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTimeout}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if through := g.through.Load(); !g.trusted[host] && (through == nil || *through != host) {
		d.Control = func(_, resolved string, _ syscall.RawConn) error {
			if !public(resolved) {
				return errForbiddenAddress
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, address)
}

// unicast6 are the IPv6 addresses that are given out to be reached (RFC 4291 §2.4): not those of a
// site, of a link or of local translators, nor those of the form of an IPv4 one.
var unicast6 = netip.MustParsePrefix("2000::/3")

// nat64 leads to the IPv4 address at its end (RFC 6052 §2.1), which is how a network without IPv4
// reaches hosts that have nothing else.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// special are addresses that look public and lead somewhere else, or nowhere: those of IANA's
// registries of special-purpose addresses (RFC 6890) that are not reachable from everywhere, and
// those with an IPv4 address inside, to which routers that still tunnel would send. Read-only.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network, RFC 1122 §3.2.1.3
	netip.MustParsePrefix("100.64.0.0/10"),   // inside carriers, RFC 6598; metadata of some clouds
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments, RFC 6890; metadata of some clouds
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation, RFC 5737, as the next two
	netip.MustParsePrefix("198.51.100.0/24"), //
	netip.MustParsePrefix("203.0.113.0/24"),  //
	netip.MustParsePrefix("192.88.99.0/24"),  // relays of 6to4, RFC 7526
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks, RFC 2544; used inside by proxies and VPNs
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, RFC 1112 §4; used inside by some clouds
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, RFC 2928, with Teredo, RFC 4380
	netip.MustParsePrefix("2001:db8::/32"),   // documentation, RFC 3849
	netip.MustParsePrefix("2002::/16"),       // 6to4, RFC 3056 §2
	netip.MustParsePrefix("3fff::/20"),       // documentation, RFC 9637
}

// public tells whether an address and port is out in the open.
func public(resolved string) bool {
	ap, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return false
	}
	ip := ap.Addr().Unmap()
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case ip.Is6() && (!unicast6.Contains(ip) || isISATAP(ip)):
		return false
	case slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) }):
		return false
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
}

// isISATAP tells whether the interface identifier holds an IPv4 address to tunnel to, below any
// prefix (RFC 5214 §6.1).
func isISATAP(ip netip.Addr) bool {
	b := ip.As16()
	return b[8]&^0x03 == 0 && [3]byte(b[9:12]) == [3]byte{0x00, 0x5e, 0xfe} // whatever the bits u and g
}
