package guard

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies names the proxies in front of the program and the header fields in which they say
// what they have seen. Whoever can reach the program past them must not be in Networks.
type Proxies struct {
	// Networks are the addresses of the proxies, alone or as CIDR prefixes: 10.0.0.0/8,
	// 192.0.2.7, 2001:db8::/32. What any other peer says in these fields is not looked at.
	Networks []string
	// Scheme and Host are the fields that tell scheme and authority of the request as the
	// caller sent it: X-Forwarded-Proto and X-Forwarded-Host, or Forwarded (RFC 7239) for
	// either, or one of your own. Of several values the last is believed, which is that of
	// the nearest proxy. Name only fields that the proxy sets or removes in every request:
	// what it passes on unseen is the caller's own word. If the field is absent, scheme and
	// host are those of the connection. Default: not believed.
	Scheme, Host string
	// Certificate is the field with the client certificate that the proxy has seen the
	// caller prove: Client-Cert (RFC 9440), or a field with a percent-encoded PEM block. The
	// certificate of the connection is then the proxy's own, and never the caller's.
	// Default: not believed.
	Certificate string
}

// proxies are checked Proxies. Nil trusts nobody.
type proxies struct {
	networks                  []netip.Prefix
	scheme, host, certificate string
}

// WithTrustedProxies believes what the named proxies say about requests that came through
// them. It matters to [WithDPoP], whose proofs name the URL that the caller used, and to
// [WithMTLS]. An empty list, a malformed address or field name, and proxies that may say
// nothing are errors. Default: no peer is believed.
func WithTrustedProxies(p Proxies) Option {
	return option{"WithTrustedProxies", func(s *settings) error {
		checked, err := p.check()
		s.proxies = checked
		return err
	}}
}

func (p Proxies) check() (*proxies, error) {
	var problems []error
	checked := &proxies{
		scheme: http.CanonicalHeaderKey(p.Scheme), host: http.CanonicalHeaderKey(p.Host),
		certificate: http.CanonicalHeaderKey(p.Certificate),
	}
	if len(p.Networks) == 0 {
		problems = append(problems, errors.New("Networks is empty"))
	}
	for i, n := range p.Networks {
		prefix, err := netip.ParsePrefix(n)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(n); err == nil {
				prefix, err = addr.WithZone("").Prefix(addr.BitLen())
			}
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("Networks[%d] is neither an address nor a CIDR prefix", i))
			continue
		}
		checked.networks = append(checked.networks, prefix)
	}
	named := p.Scheme + p.Host + p.Certificate
	switch {
	case named == "":
		problems = append(problems, errors.New("none of Scheme, Host and Certificate is named"))
	case !consistsOf(named, tokenChars):
		problems = append(problems, errors.New("Scheme, Host or Certificate is no name of a header field"))
	}
	return checked, errors.Join(problems...)
}

// origin is the first part of a URL as the caller sees it. Parts that nobody could tell are
// empty.
type origin struct{ scheme, host string }

// String returns scheme and authority, or "" if one is unknown or no such thing.
func (o origin) String() string {
	if o.host == "" || strings.ContainsAny(o.host, "/?#@\\ \t%") || o.scheme != schemeHTTPS && o.scheme != schemeHTTP {
		return ""
	}
	return o.scheme + "://" + o.host
}

// sight is a request as the caller's side sees it.
type sight struct {
	origin
	certificate []byte // DER, or nil
}

// look tells what a request is for its caller, by the connection or by the word of a proxy.
func (p *proxies) look(r *Request) sight {
	s := sight{origin: origin{strings.ToLower(r.Scheme), r.Host}}
	if r.ClientCertificate != nil {
		s.certificate = r.ClientCertificate.Raw
	}
	if p == nil || !p.trusts(r.RemoteAddr) {
		return s
	}
	if values := r.values(p.scheme); p.scheme != "" && len(values) > 0 {
		s.scheme = strings.ToLower(declared(p.scheme, values, "proto"))
	}
	if values := r.values(p.host); p.host != "" && len(values) > 0 {
		s.host = declared(p.host, values, "host")
	}
	if p.certificate != "" {
		s.certificate = nil
		if values := r.values(p.certificate); len(values) == 1 {
			s.certificate, _ = parseCertificate(values[0]) // none is what a bad one is worth
		}
	}
	return s
}

// trusts tells whether the peer is one of the proxies. A peer without an address, such as one
// behind a Unix socket, is none.
func (p *proxies) trusts(remote string) bool {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		port, err := netip.ParseAddrPort(remote)
		if err != nil {
			return false
		}
		addr = port.Addr()
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p.networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// declared returns the last value of a list field (RFC 9110 §5.6.1) or, in Forwarded, that of
// a parameter of the last element; "" if it is malformed or not told.
func declared(field string, values []string, parameter string) string {
	last := values[len(values)-1]
	if strings.EqualFold(field, "Forwarded") {
		return forwarded(last, parameter)
	}
	return strings.Trim(last[strings.LastIndexByte(last, ',')+1:], " \t")
}

// forwarded returns a parameter of the last element of a value of Forwarded (RFC 7239 §4),
// or "" if the value is malformed anywhere, or tells the parameter twice.
func forwarded(value, parameter string) string {
	found, seen := "", false
	for {
		name, rest, ok := strings.Cut(strings.TrimLeft(value, " \t"), "=")
		if !ok || !consistsOf(name, tokenChars) {
			return ""
		}
		text, rest, ok := tokenOrQuoted(rest)
		if !ok || seen && strings.EqualFold(name, parameter) {
			return ""
		}
		if strings.EqualFold(name, parameter) {
			found, seen = text, true
		}
		switch rest = strings.TrimLeft(rest, " \t"); {
		case rest == "":
			return found
		case rest[0] == ',': // another element, of a nearer proxy
			found, seen = "", false
		case rest[0] != ';':
			return ""
		}
		value = rest[1:]
	}
}

// tokenOrQuoted reads a token or a quoted string (RFC 9110 §5.6.4) off the front of s.
func tokenOrQuoted(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		n := 0
		for n < len(s) && (tokenChars[s[n]] || s[n] == ':' || s[n] == '[' || s[n] == ']') { // as proxies send unquoted
			n++
		}
		return s[:n], s[n:], n > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
