package guard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// WithExplanations adds the member explanation to the problem document of a refusal, for
// development: the likely mistake, its cause, what to change and where, and every check, as
// [verifier.Verifier.Explain] has them. It shows what the policy expects, and nothing of the
// token. The token is verified once more for it, hooks included.
//
// Each request is judged on its own: only one from this machine to this machine gets an
// explanation. The peer of the connection and the host that the request names must both be
// loopback addresses or localhost, an Origin as well, and no header may speak of a proxy;
// a header can take an explanation away and never bring one about. It contradicts
// [WithTrustedProxies], since who names proxies is not developing. A proxy on the same machine
// that changes the host to a loopback one and adds no header of its own cannot be told from
// a caller: leave the option out of what is deployed. Default: reason and error alone.
func WithExplanations() Option {
	return option{"WithExplanations", func(s *settings) error {
		s.explanations = true
		return nil
	}}
}

var errExplainedProxies = errors.New("WithExplanations contradicts WithTrustedProxies: explanations are for one machine alone")

// proxyFields are header fields that proxies add. Read-only.
var proxyFields = []string{
	"Forwarded", "Via", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server",
	"X-Forwarded-Prefix", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Client-Cert", "X-Original-Host", "X-Original-Url",
	"X-Original-Forwarded-For", "X-Scheme", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "Client-Ip", "True-Client-Ip",
	"Cf-Connecting-Ip", "Cf-Ray", "Cdn-Loop", "Fastly-Client-Ip", "Fly-Client-Ip", "X-Azure-Clientip", "X-Appengine-User-Ip",
	"X-Amzn-Trace-Id", "X-Amz-Cf-Id", "X-Cloud-Trace-Context", "X-Envoy-External-Address", "X-Envoy-Original-Path",
}

// explains tells whether a request is of a developer on this machine.
func (s *settings) explains(r *Request) bool {
	if !s.explanations || !isLoopbackPeer(r.RemoteAddr) || !isLoopbackHost(r.Host) {
		return false
	}
	for _, name := range proxyFields {
		if len(r.values(name)) > 0 {
			return false
		}
	}
	for _, origin := range r.values("Origin") {
		if _, host, ok := strings.Cut(origin, "://"); !ok || !isLoopbackHost(host) {
			return false
		}
	}
	return true
}

// isLoopbackPeer judges the address of a peer, which is never a name.
func isLoopbackPeer(address string) bool {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.Unmap().IsLoopback()
}

// isLoopbackHost judges a host with or without a port (RFC 6761 §6.3 for names).
func isLoopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	if name = strings.ToLower(name); name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	return isLoopbackPeer(name)
}

// explanation is a member of the problem document.
type explanation struct {
	Diagnosis string           `json:"diagnosis"`
	Cause     string           `json:"cause"`
	Fixes     []string         `json:"fixes"`
	Checks    []verifier.Check `json:"checks,omitempty"`
}

// explanationOf says what lies behind a refusal.
func (g *Guard) explanationOf(ctx context.Context, c credentials, e *verifier.Error) *explanation {
	x := &explanation{Diagnosis: string(e.Reason), Cause: e.Reason.Cause(), Fixes: []string{e.Reason.Fix()}}
	if c.token == "" {
		return x
	}
	r := g.verifier.Explain(ctx, c.token, verifier.Confirmed(c.proved))
	finer := e.Reason == verifier.ReasonMalformedHeader && r.Diagnosis != string(r.Reason)
	switch {
	case r.Reason == e.Reason || finer:
		x.Diagnosis, x.Cause, x.Fixes, x.Checks = r.Diagnosis, r.Cause, r.Fixes, r.Checks
	case r.Accepted: // what the route asks for is not met
		x.Checks = r.Checks
	}
	return x
}
