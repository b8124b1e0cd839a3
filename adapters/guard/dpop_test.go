package guard_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/verifier"
)

func TestDPoP(t *testing.T) {
	g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{}))
	p, other := newProver(t), newProver(t)
	bound, unbound := p.token(t, issuer), mint(t, issuer, nil)
	proof := func(c claims) string { return p.prove(t, bound, c) }
	expired := mint(t, issuer, map[string]any{"cnf": map[string]string{"jkt": p.thumbprint}, "exp": time.Now().Add(-time.Hour).Unix()})
	for _, tt := range []struct {
		name    string
		request guard.Request
		want    verifier.Reason
	}{
		{"good", proven("DPoP "+bound, proof(nil)), ""},
		{"scheme in lower case", proven("dpop "+bound, proof(nil)), ""},
		{"plain bearer token", proven("Bearer " + unbound), ""},
		{"plain bearer token with a proof", proven("Bearer "+unbound, proof(nil)), ""},

		{"bound token as Bearer", proven("Bearer " + bound), verifier.ReasonBinding},
		{"bound token as Bearer with a proof", proven("Bearer "+bound, proof(nil)), verifier.ReasonBinding},
		{"unbound token as DPoP", proven("DPoP "+unbound, p.prove(t, unbound, nil)), verifier.ReasonUnbound},
		{"bound to another key", proven("DPoP "+bound, other.prove(t, bound, nil)), verifier.ReasonBinding},
		{"token expired", proven("DPoP "+expired, p.prove(t, expired, nil)), verifier.ReasonExpired},
		{"token forged", proven("DPoP "+bound+"x", p.prove(t, bound+"x", nil)), verifier.ReasonMalformed},

		{"no proof", proven("DPoP " + bound), verifier.ReasonProofMissing},
		{"two proofs", proven("DPoP "+bound, proof(nil), proof(nil)), verifier.ReasonProofMalformed},
		{"good and empty proof", proven("DPoP "+bound, proof(nil), ""), verifier.ReasonProofMalformed},
		{"two proofs in one", proven("DPoP "+bound, proof(nil)+","+proof(nil)), verifier.ReasonProofMalformed},
		{"empty proof", proven("DPoP "+bound, ""), verifier.ReasonProofMalformed},
		{"token as proof", proven("DPoP "+bound, bound), verifier.ReasonProofMalformed},
		{"altered proof", proven("DPoP "+bound, tampered(proof(nil))), verifier.ReasonProofSignature},
		{"another method", proven("DPoP "+bound, proof(claims{"htm": "POST"})), verifier.ReasonProofMethod},
		{"another path", proven("DPoP "+bound, proof(claims{"htu": "https://api.test/loans"})), verifier.ReasonProofURL},
		{"another scheme", proven("DPoP "+bound, proof(claims{"htu": "http://api.test/books"})), verifier.ReasonProofURL},
		{"another host", proven("DPoP "+bound, proof(claims{"htu": "https://api.evil.test/books"})), verifier.ReasonProofURL},
		{"default port and query", proven("DPoP "+bound, proof(claims{"htu": "https://API.test:443/books?page=2"})), ""},
		{"another token", proven("DPoP "+bound, p.prove(t, unbound, nil)), verifier.ReasonProofToken},
		{"old", proven("DPoP "+bound, proof(claims{"iat": time.Now().Add(-61 * time.Second).Unix()})), verifier.ReasonProofTime},
		{"from the future", proven("DPoP "+bound, proof(claims{"iat": time.Now().Add(time.Minute).Unix()})), verifier.ReasonProofTime},

		{"scheme alone", proven("DPoP", proof(nil)), verifier.ReasonMalformedHeader},
		{"two tokens", proven("DPoP "+bound+" "+bound, proof(nil)), verifier.ReasonMalformedHeader},
		{"placeholder", proven("DPoP undefined", p.prove(t, "undefined", nil)), verifier.ReasonPlaceholder},
		{"other scheme", proven("DPoPx "+bound, proof(nil)), verifier.ReasonNoCredentials},
	} {
		t.Run(tt.name, func(t *testing.T) { wantReason(t, tt.name, g.Check(t.Context(), tt.request), tt.want) })
	}
	plain, _ := newGuard(t)
	wantReason(t, "guard without DPoP", plain.Check(t.Context(), proven("DPoP "+bound, proof(nil))), verifier.ReasonNoCredentials)
}

// tampered changes a character in the middle of a signature.
func tampered(compact string) string {
	i := strings.LastIndexByte(compact, '.') + 20
	c := "A"
	if compact[i] == 'A' {
		c = "B"
	}
	return compact[:i] + c + compact[i+1:]
}

// What a request says of itself must be enough for a URL.
func TestDPoPNeedsTheURL(t *testing.T) {
	g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{}))
	p := newProver(t)
	token := p.token(t, issuer)
	for name, tt := range map[string]struct {
		spoil func(r *guard.Request)
		htu   string
	}{
		"no scheme":          {func(r *guard.Request) { r.Scheme = "" }, "https://api.test/books"},
		"no host":            {func(r *guard.Request) { r.Host = "" }, "https://api.test/books"},
		"other scheme":       {func(r *guard.Request) { r.Scheme = "ftp" }, "ftp://api.test/books"},
		"asterisk":           {func(r *guard.Request) { r.Path = "*" }, "https://api.test/*"},
		"path in the host":   {func(r *guard.Request) { r.Host, r.Path = "api.test/books?", "/x" }, "https://api.test/books"},
		"user in the host":   {func(r *guard.Request) { r.Host = "evil.test@api.test" }, "https://api.test/books"},
		"decoded hash":       {func(r *guard.Request) { r.Path = "/books#/1" }, "https://api.test/books"},
		"decoded percent":    {func(r *guard.Request) { r.Path = "/100%" }, "https://api.test/100%25"},
		"no path, other htu": {func(r *guard.Request) { r.Path = "" }, "https://api.test/books"},
	} {
		r := proven("DPoP "+token, p.prove(t, token, claims{"htu": tt.htu}))
		tt.spoil(&r)
		wantReason(t, name, g.Check(t.Context(), r), verifier.ReasonProofURL)
	}
	for name, tt := range map[string]struct{ path, htu string }{
		"no path":        {"", "https://api.test"},
		"query too":      {"/books?page=2", "https://api.test/books"},
		"encoded":        {"/a%2Fb/caf%C3%A9", "https://api.test/a%2fb/caf%c3%a9"},
		"gRPC":           {"/pkg.Service/Method", "https://api.test/pkg.Service/Method"},
		"scheme in caps": {"/books", "HTTPS://API.TEST/books"},
	} {
		r := proven("DPoP "+token, p.prove(t, token, claims{"htu": tt.htu}))
		r.Path = tt.path
		wantReason(t, name, g.Check(t.Context(), r), "")
	}
}

func TestDPoPOrigin(t *testing.T) {
	g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{Origin: "https://API.example.test:443"}))
	p := newProver(t)
	token := p.token(t, issuer)
	inside := func(htu string) guard.Request {
		r := proven("DPoP "+token, p.prove(t, token, claims{"htu": htu}))
		r.Scheme, r.Host = "http", "10.0.0.7:8080"
		return r
	}
	wantReason(t, "as callers see it", g.Check(t.Context(), inside("https://api.example.test/books")), "")
	wantReason(t, "as the request says", g.Check(t.Context(), inside("http://10.0.0.7:8080/books")), verifier.ReasonProofURL)
}

func TestDPoPReplay(t *testing.T) {
	replay := newSpy()
	g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{Replay: replay}))
	p := newProver(t)
	token := p.token(t, issuer)
	request := proven("DPoP "+token, p.prove(t, token, nil))
	wantReason(t, "first", g.Check(t.Context(), request), "")
	wantReason(t, "second", g.Check(t.Context(), request), verifier.ReasonProofReplayed)
	wantReason(t, "another", g.Check(t.Context(), proven("DPoP "+token, p.prove(t, token, nil))), "")
	// The same name under another key is another proof.
	other := newProver(t)
	token = other.token(t, issuer)
	wantReason(t, "another key", g.Check(t.Context(), proven("DPoP "+token, other.prove(t, token, claims{"jti": "proof-1"}))), "")
	for i, key := range replay.keys {
		if strings.Contains(key, "proof") || len(key) > 64 {
			t.Errorf("key %q of the caller's making", key)
		}
		if ttl := replay.ttls[i]; ttl < time.Minute || ttl > 2*time.Minute {
			t.Errorf("remembered for %v", ttl)
		}
	}
	// A variation of the guard keeps the memory.
	with, err := g.With(guard.WithRealm("x"))
	if err != nil {
		t.Fatal(err)
	}
	wantReason(t, "variation", with.Check(t.Context(), request), verifier.ReasonProofReplayed)
}

// Nothing is written for a request that fails otherwise, so that only holders of good tokens
// can fill the store, and a proof stays good for the request after a step-up.
func TestDPoPIsMarkedLast(t *testing.T) {
	anonymous := 100_000
	if raceDetector { // which makes signatures slow; the number proper is held without it
		anonymous = 1_000
	}
	replay := newSpy()
	g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{Replay: replay, MaxAge: 10 * time.Minute}))
	p := newProver(t)
	token := p.token(t, issuer)
	proof := p.prove(t, token, nil)
	for name, reqs := range map[string][]verifier.Requirement{
		"scope": {verifier.Scopes("admin")}, "step-up": {verifier.MaxAuthAge(time.Second)}, "misconfigured": {verifier.Requirement{}},
	} {
		if d := g.Check(t.Context(), proven("DPoP "+token, proof), reqs...); d.Allowed() {
			t.Errorf("%s: allowed", name)
		}
	}
	stranger := newProver(t)
	strangers, own := stranger.prove(t, token, nil), stranger.prove(t, "own.token.x", nil)
	requests := []struct {
		request guard.Request
		want    verifier.Reason
	}{
		{proven("DPoP "+token, own), verifier.ReasonProofToken},
		{proven("DPoP own.token.x", own), verifier.ReasonMalformed}, // a good proof with a key of one's own
		{proven("DPoP "+token, strangers), verifier.ReasonBinding},
		{proven("Bearer "+token, proof), verifier.ReasonBinding},
	}
	for i := range anonymous {
		r := requests[0]
		if n := i % 50; n < len(requests) { // those with signatures to check, now and then
			r = requests[n]
		}
		wantReason(t, "anonymous", g.Check(t.Context(), r.request), r.want)
	}
	if n := replay.asked(); n != 0 {
		t.Fatalf("%d keys were written for %d requests without a good token", n, anonymous)
	}
	wantReason(t, "the same proof, all requirements met", g.Check(t.Context(), proven("DPoP "+token, proof)), "")
	if n := replay.asked(); n != 1 {
		t.Errorf("%d keys were written for a good request", n)
	}
}

func TestDPoPStoreDown(t *testing.T) {
	replay := newSpy()
	replay.err = errors.Join(errors.New("secret of the store"), keystore.ErrUnavailable)
	g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{Replay: replay}))
	p := newProver(t)
	token := p.token(t, issuer)
	d := g.Check(t.Context(), proven("DPoP "+token, p.prove(t, token, nil)))
	wantReason(t, "down", d, verifier.ReasonReplayUnavailable)
	replay.first = true
	wantReason(t, "down, and says yes", g.Check(t.Context(), proven("DPoP "+token, p.prove(t, token, nil))), verifier.ReasonReplayUnavailable)
	if d.Status() != http.StatusServiceUnavailable || d.Code() != 14 || d.Header().Get("Retry-After") != "5" {
		t.Errorf("status %d, code %d, header %v", d.Status(), d.Code(), d.Header())
	}
	if !errors.Is(d.Err(), keystore.ErrUnavailable) || !errors.Is(d.Err(), verifier.ErrUnavailable) {
		t.Errorf("error %v hides its cause", d.Err())
	}
	if text := d.Err().Error() + string(d.Body()); strings.Contains(text, "secret") {
		t.Errorf("%s tells the cause", text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d := g.Check(ctx, proven("DPoP "+token, p.prove(t, token, nil))); d.Status() != 499 || d.Body() != nil {
		t.Errorf("left: status %d, body %q", d.Status(), d.Body())
	}
}

func TestDPoPOptions(t *testing.T) {
	good, _ := newGuard(t)
	for name, d := range map[string]guard.DPoP{
		"Algorithms: none":       {Algorithms: []verifier.Algorithm{"none"}},
		"Algorithms: HMAC":       {Algorithms: []verifier.Algorithm{verifier.ES256, "HS256"}},
		"MaxAge negative":        {MaxAge: -1},
		"MaxAge too long":        {MaxAge: 11 * time.Minute},
		"Origin with path":       {Origin: "https://api.test/v1"},
		"Origin with slash":      {Origin: "https://api.test/"},
		"Origin with query":      {Origin: "https://api.test?x"},
		"Origin alone":           {Origin: "api.test"},
		"NonceSecret short":      {NonceSecret: make([]byte, 31)},
		"NonceSecret empty":      {NonceSecret: []byte{}},
		"NonceLife negative":     {NonceSecret: make([]byte, 32), NonceLife: -1},
		"NonceLife too long":     {NonceSecret: make([]byte, 32), NonceLife: 2 * time.Hour},
		"NonceLife, but no need": {NonceLife: 2 * time.Hour},
	} {
		g, err := good.With(guard.WithDPoP(d))
		field, _, _ := strings.Cut(name, " ")
		if g != nil || !errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), strings.Trim(field, ":,")) {
			t.Errorf("%s: guard %v, error %v", name, g, err)
		}
	}
	list := []verifier.Algorithm{verifier.EdDSA}
	g, err := good.With(guard.WithDPoP(guard.DPoP{Algorithms: list}))
	if err != nil {
		t.Fatal(err)
	}
	list[0] = verifier.ES256
	want := []string{`Bearer realm="api"`, `DPoP realm="api", algs="EdDSA"`}
	if got := g.Check(t.Context(), authorized()).Header().Values("WWW-Authenticate"); !slices.Equal(got, want) {
		t.Errorf("challenges %q, want %q", got, want)
	}
}

// Frameworks reuse the memory of header fields for the next request. Nothing that was kept of
// this one may change with it: the token, the answer, and what is remembered of the proof.
func TestDPoPKeepsNothingOfTheRequest(t *testing.T) {
	g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{}))
	p := newProver(t)
	token := p.token(t, issuer)
	authorization, proof := "DPoP "+token, p.prove(t, token, nil)
	parts := [][]byte{[]byte(authorization), []byte(proof), []byte("https"), []byte("api.test"), []byte("/books"), []byte("GET")}
	borrowed := guard.Request{
		Scheme: unsafeString(parts[2]), Host: unsafeString(parts[3]), Path: unsafeString(parts[4]), Method: unsafeString(parts[5]),
		Header: http.Header{"Authorization": {unsafeString(parts[0])}, "Dpop": {unsafeString(parts[1])}},
	}
	passed, refused := g.Check(t.Context(), borrowed), g.Check(t.Context(), borrowed)
	wantReason(t, "first", passed, "")
	wantReason(t, "second", refused, verifier.ReasonProofReplayed)
	before := [...]string{strings.Clone(passed.Token().Subject()), string(refused.Body()), refused.Header().Values("WWW-Authenticate")[1]}
	for _, part := range parts {
		for i := range part {
			part[i] = 'x'
		}
	}
	after := [...]string{passed.Token().Subject(), string(refused.Body()), refused.Header().Values("WWW-Authenticate")[1]}
	if before != after {
		t.Errorf("%q became %q", before, after)
	}
	wantReason(t, "after the memory changed", g.Check(t.Context(), proven(authorization, proof)), verifier.ReasonProofReplayed)
}
