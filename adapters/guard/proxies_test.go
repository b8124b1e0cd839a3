package guard_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

func TestTrustedProxies(t *testing.T) {
	plain := guard.Proxies{
		Networks: []string{"10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "fe80::1"}, Scheme: "x-forwarded-proto", Host: "X-Forwarded-Host",
	}
	standard := guard.Proxies{Networks: plain.Networks, Scheme: "Forwarded", Host: "forwarded"}
	const proxy, inside, outside = "10.1.2.3:4567", "http://10.9.9.9:8080/books", "https://api.test/books"
	xff := func(proto, host string) http.Header {
		return http.Header{"X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {host}}
	}
	forwarded := func(values ...string) http.Header { return http.Header{"Forwarded": values} }
	issuer := newIssuer(t)
	v := newVerifier(t, issuer)
	p := newProver(t)
	token := p.token(t, issuer)
	for _, tt := range []struct {
		name    string
		proxies guard.Proxies
		remote  string
		header  http.Header
		htu     string
		good    bool
	}{
		{"believed", plain, proxy, xff("https", "api.test"), outside, true},
		{"in capitals", plain, proxy, xff("HTTPS", "API.test"), outside, true},
		{"one address", plain, "192.0.2.7:1", xff("https", "api.test"), outside, true},
		{"IPv6", plain, "[2001:db8::9]:1", xff("https", "api.test"), outside, true},
		{"IPv6 with zone", plain, "[fe80::1%eth0]:1", xff("https", "api.test"), outside, true},
		{"IPv4 in IPv6", plain, "[::ffff:10.1.2.3]:1", xff("https", "api.test"), outside, true},
		{"address without port", plain, "10.1.2.3", xff("https", "api.test"), outside, true},
		{"port", plain, proxy, xff("https", "api.test:8443"), "https://api.test:8443/books", true},
		{"nothing said", plain, proxy, nil, inside, true},
		{"scheme alone", plain, proxy, http.Header{"X-Forwarded-Proto": {"https"}}, "https://10.9.9.9:8080/books", true},

		{"last of a list", plain, proxy, xff("http, https", "evil.test, api.test"), outside, true},
		{"first of a list", plain, proxy, xff("https", "evil.test, api.test"), "https://evil.test/books", false},
		{"last of two fields", plain, proxy, http.Header{"X-Forwarded-Proto": {"http", "https"}, "X-Forwarded-Host": {"evil.test", "api.test"}}, outside, true},
		{"empty", plain, proxy, xff("", ""), inside, false},
		{"no scheme of ours", plain, proxy, xff("gopher", "api.test"), outside, false},
		{"path in the host", plain, proxy, xff("https", "api.test/books?"), outside, false},
		{"user in the host", plain, proxy, xff("https", "x@api.test"), outside, false},

		{"not a proxy", plain, "192.0.2.8:1", xff("https", "api.test"), outside, false},
		{"not a proxy, as it came", plain, "192.0.2.8:1", xff("https", "api.test"), inside, true},
		{"no address", plain, "", xff("https", "api.test"), outside, false},
		{"socket", plain, "@", xff("https", "api.test"), outside, false},
		{"name of a proxy", plain, "proxy.test:1", xff("https", "api.test"), outside, false},
		{"field nobody named", plain, proxy, forwarded("proto=https;host=api.test"), outside, false},
		{"spelled otherwise", plain, proxy, http.Header{"X_forwarded_proto": {"https"}, "X_forwarded_host": {"api.test"}}, outside, false},

		{"Forwarded", standard, proxy, forwarded("for=192.0.2.60;proto=https;host=api.test"), outside, true},
		{"Forwarded, other order", standard, proxy, forwarded(`Host="api.test" ; Proto=https; by="[2001:db8::1]:80"`), outside, true},
		{"Forwarded with port", standard, proxy, forwarded(`host="api.test:8443";proto=https`), "https://api.test:8443/books", true},
		{"Forwarded, last element", standard, proxy, forwarded(`for=a;host=evil.test;proto=https, for=b;host=api.test;proto=https`), outside, true},
		{"Forwarded, last field", standard, proxy, forwarded("host=evil.test;proto=https", "host=api.test;proto=https"), outside, true},
		{"Forwarded, comma in quotes", standard, proxy, forwarded(`for="a, host=evil.test";host=api.test;proto=https`), outside, true},
		{"Forwarded, escape", standard, proxy, forwarded(`for="\", host=evil.test";host="api\.test";proto=https`), outside, true},
		{"Forwarded, first element", standard, proxy, forwarded("host=api.test;proto=https, for=b"), outside, false},
		{"Forwarded, host twice", standard, proxy, forwarded("host=api.test;host=api.test;proto=https"), outside, false},
		{"Forwarded, open quote", standard, proxy, forwarded(`host=api.test;proto=https;for="`), outside, false},
		{"Forwarded, no value", standard, proxy, forwarded("host=api.test;proto=https;for="), outside, false},
		{"Forwarded, no pair", standard, proxy, forwarded("host=api.test;proto=https;for"), outside, false},
		{"Forwarded, empty pair", standard, proxy, forwarded("host=api.test;;proto=https"), outside, false},
		{"Forwarded, text after quotes", standard, proxy, forwarded(`host="api.test"x;proto=https`), outside, false},
		{"Forwarded, host unknown", standard, proxy, forwarded("for=192.0.2.60;proto=https"), outside, false},
		{"Forwarded, not a proxy", standard, "192.0.2.8:1", forwarded("proto=https;host=api.test"), outside, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := guard.New(v, guard.WithDPoP(guard.DPoP{}), guard.WithTrustedProxies(tt.proxies))
			if err != nil {
				t.Fatal(err)
			}
			r := proven("DPoP "+token, p.prove(t, token, claims{"htu": tt.htu}))
			r.Scheme, r.Host, r.RemoteAddr = "http", "10.9.9.9:8080", tt.remote
			for name, values := range tt.header {
				r = withHeader(r, name, values...)
			}
			want := verifier.ReasonProofURL
			if tt.good {
				want = ""
			}
			wantReason(t, tt.name, g.Check(t.Context(), r), want)
		})
	}
}

func TestProxiesOptions(t *testing.T) {
	good, _ := newGuard(t)
	for name, p := range map[string]guard.Proxies{
		"Networks empty":     {Scheme: "X-Forwarded-Proto"},
		"Networks[1] name":   {Networks: []string{"10.0.0.0/8", "localhost"}, Scheme: "X-Forwarded-Proto"},
		"Networks[0] prefix": {Networks: []string{"10.0.0.0/33"}, Scheme: "X-Forwarded-Proto"},
		"Networks[0] port":   {Networks: []string{"10.0.0.1:80"}, Scheme: "X-Forwarded-Proto"},
		"none named":         {Networks: []string{"10.0.0.0/8"}},
		"Scheme malformed":   {Networks: []string{"10.0.0.0/8"}, Scheme: "X-Forwarded-Proto:"},
	} {
		word, _, _ := strings.Cut(name, " ")
		if g, err := good.With(guard.WithTrustedProxies(p)); g != nil || !errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: guard %v, error %v", name, g, err)
		}
	}
}
