package jwks

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
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

// Addresses that are not what they look like: of a network's own, or with an IPv4 address inside,
// to which routers translate them.
var (
	thisNetwork  = netip.MustParsePrefix("0.0.0.0/8")      // RFC 1122 §3.2.1.3
	carrierGrade = netip.MustParsePrefix("100.64.0.0/10")  // RFC 6598: inside some networks, as metadata of some clouds
	compatible   = netip.MustParsePrefix("::/96")          // RFC 4291 §2.5.5.1
	nat64        = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052 §2.1
	localNAT64   = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215
	sixToFour    = netip.MustParsePrefix("2002::/16")      // RFC 3056 §2
)

// public tells whether an address and port is out in the open.
func public(resolved string) bool {
	ap, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return false
	}
	ip := ap.Addr().Unmap()
	switch b := ip.As16(); {
	case compatible.Contains(ip), nat64.Contains(ip), localNAT64.Contains(ip):
		ip = netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(ip):
		ip = netip.AddrFrom4([4]byte(b[2:6]))
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !carrierGrade.Contains(ip) && !thisNetwork.Contains(ip)
}
