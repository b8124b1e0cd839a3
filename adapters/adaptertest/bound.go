package adaptertest

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// withProof is how a proof that is not accepted must be refused.
func withProof(reason verifier.Reason) refusal {
	return refusal{status: http.StatusUnauthorized, error: "invalid_dpop_proof", reason: string(reason), dpop: true, on: "DPoP"}
}

// boundProofs has tokens that are bound to a key, with good proofs and others.
func boundProofs(f *fixture) {
	g := f.guard(guard.WithDPoP(guard.DPoP{}))
	r := f.route(g)
	p := newProver(f)
	token := p.token(f, "ada")
	sent := func(proofs ...string) ask { return ask{authorization: []string{"DPoP " + token}, proofs: proofs} }
	first := sent(p.prove(f, token, r, ""))
	r.passes("good proof", first, "ada")
	r.refuses("the same proof", first, withProof(verifier.ReasonProofReplayed))
	another := map[string]any{"htm": http.MethodPatch, "htu": r.url("")}
	r.refuses("proof for another method", sent(p.proveWith(f, token, another)), withProof(verifier.ReasonProofMethod))
	post := sent(p.proveWith(f, token, map[string]any{"htm": r.method(http.MethodPost), "htu": r.url("")}))
	post.method = http.MethodPost
	r.passes("POST", post, "ada")
	r.refuses("no proof", sent(), withProof(verifier.ReasonProofMissing))
	for what, url := range map[string]string{
		"another path": r.url("") + "/elsewhere", "another host": r.urlAt("http://api.evil.test"),
		"another scheme": "https" + strings.TrimPrefix(r.url(""), "http"),
	} {
		r.refuses("proof for "+what, sent(p.proveFor(f, token, r, url)), withProof(verifier.ReasonProofURL))
	}
	good := func() string { return p.prove(f, token, r, "") }
	r.refuses("two proofs", sent(good(), good()), withProof(verifier.ReasonProofMalformed))
	r.refuses("good and bad proof", sent(good(), "x"), withProof(verifier.ReasonProofMalformed))
	r.refuses("bad and good proof", sent("x", good()), withProof(verifier.ReasonProofMalformed))
	asBearer := sent(good())
	asBearer.authorization = []string{"Bearer " + token}
	r.refuses("bound token as Bearer", asBearer, refusal{
		status: http.StatusUnauthorized, error: "invalid_token", reason: string(verifier.ReasonBinding), dpop: true, on: "both",
	})
	both := sent(good())
	both.authorization = []string{f.good("ada"), "DPoP " + token}
	r.refuses("both schemes", both, refusal{
		status: http.StatusBadRequest, error: "invalid_request", reason: string(verifier.ReasonMultipleCredentials), dpop: true,
	})
	r.passes("plain bearer token", ask{authorization: []string{f.good("bob")}}, "bob")
}

// hostIsAsSent looks for adapters that take the word of just anybody.
func hostIsAsSent(f *fixture) {
	r := f.route(f.guard(guard.WithDPoP(guard.DPoP{})))
	p := newProver(f)
	token := p.token(f, "ada")
	r.refuses("another host in a header", ask{
		authorization: []string{"DPoP " + token}, proofs: []string{p.proveFor(f, token, r, r.urlAt("https://api.evil.test"))},
		header: []string{
			"X-Forwarded-Host: api.evil.test", "X-Forwarded-Proto: https", "Forwarded: host=api.evil.test;proto=https",
			"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Ssl: on", "X-Url-Scheme: https", "X-Original-Host: api.evil.test",
		},
	}, withProof(verifier.ReasonProofURL))
}

// pathIsAsSent has a path that changes its meaning when it is decoded or cleaned, and a query.
func pathIsAsSent(f *fixture) {
	r := f.route(f.guard(guard.WithDPoP(guard.DPoP{})))
	p := newProver(f)
	token := p.token(f, "ada")
	r.passes("no more path", ask{authorization: []string{"DPoP " + token}, proofs: []string{p.prove(f, token, r, "")}}, "ada")
	if r.callURL != "" { // a call has no path of the caller's choice
		return
	}
	for what, path := range map[string]string{"encoded slash": "a%2Fb", "encoded space and percent": "a%20b%25", "query": "a?b=c%2Fd"} {
		good := ask{authorization: []string{"DPoP " + token}, path: path, proofs: []string{p.prove(f, token, r, path)}}
		r.passes(what, good, "ada")
	}
	r.refuses("decoded slash", ask{
		authorization: []string{"DPoP " + token}, path: "a%2Fb", proofs: []string{p.prove(f, token, r, "a/b")},
	}, withProof(verifier.ReasonProofURL))
}

// behindProxy has the peer, which is on loopback, say what it has seen.
func behindProxy(f *fixture) {
	const certificate = "any bytes will do for a certificate here"
	g := f.guard(guard.WithDPoP(guard.DPoP{}), guard.WithMTLS(), guard.WithTrustedProxies(guard.Proxies{
		Networks: []string{"127.0.0.0/8", "::1"}, Scheme: "X-Forwarded-Proto", Host: "X-Forwarded-Host", Certificate: "Client-Cert",
	}))
	r := f.route(g)
	p := newProver(f)
	token := p.token(f, "ada")
	proof := func() []string { return []string{p.proveFor(f, token, r, r.urlAt("https://api.test"))} }
	a := ask{authorization: []string{"DPoP " + token}, proofs: proof(), header: []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: api.test"}}
	r.passes("through a proxy", a, "ada")
	a.proofs, a.header = proof(), []string{"X-Forwarded-Host: api.evil.test", "X-Forwarded-Host: api.test", "X-Forwarded-Proto: https"}
	r.passes("the last of two fields", a, "ada")

	client := ask{authorization: []string{"Bearer " + f.issuer.Token(verifiertest.Claims{
		"sub": "bob", "cnf": map[string]string{"x5t#S256": hashOf(certificate)},
	})}}
	passedOn := "Client-Cert: :" + base64.StdEncoding.EncodeToString([]byte(certificate)) + ":"
	bound := refusal{status: http.StatusUnauthorized, error: "invalid_token", reason: string(verifier.ReasonBinding), dpop: true, on: "both"}
	r.refuses("no certificate", client, bound)
	client.header = []string{passedOn}
	r.passes("certificate", client, "bob")
	client.header = []string{passedOn, passedOn}
	r.refuses("two certificates", client, bound)
}

func nonces(f *fixture) {
	r := f.route(f.guard(guard.WithDPoP(guard.DPoP{NonceSecret: []byte(strings.Repeat("s", 32))})))
	p := newProver(f)
	token := p.token(f, "ada")
	a := ask{authorization: []string{"DPoP " + token}, proofs: []string{p.prove(f, token, r, "")}}
	got := r.do(a)
	want := withProof(verifier.ReasonProofNonce)
	want.error = "use_dpop_nonce"
	r.refused("no nonce", a, got, want)
	values := got.header.Values("DPoP-Nonce")
	if len(values) != 1 || values[0] == "" {
		f.Fatalf("no nonce: DPoP-Nonce %q, want one", values)
	}
	a.proofs = []string{p.proveWith(f, token, map[string]any{"htm": r.method(http.MethodGet), "htu": r.url(""), "nonce": values[0]})}
	r.passes("nonce", a, "ada")
}

// provenOnOneConnection looks for a memory of proofs that changes with the server's buffers.
func provenOnOneConnection(f *fixture) {
	r := f.route(f.guard(guard.WithDPoP(guard.DPoP{})))
	w, err := r.dial()
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = w.conn.Close() }()
	send := func(a ask) *answer {
		got, err := w.do(a)
		if err != nil {
			f.Fatalf("no answer on a used connection: %v", err)
		}
		return got
	}
	subjects := []string{"ada", "bob", "eve", "joe"} // of one length, as buffers like it
	asks := make([]ask, len(subjects))
	kept := make([]visit, 0, len(subjects))
	for i, subject := range subjects {
		p := newProver(f)
		token := p.token(f, subject)
		asks[i] = ask{authorization: []string{"DPoP " + token}, proofs: []string{p.prove(f, token, r, "")}}
		if got := send(asks[i]); got.status != http.StatusOK || got.body != subject {
			f.Errorf("status %d, body %q, want 200 %q", got.status, got.body, subject)
		}
		kept = append(kept, r.take()...)
	}
	for i := range asks {
		r.refused("used before others", asks[i], send(asks[i]), withProof(verifier.ReasonProofReplayed))
	}
	for i, v := range kept {
		if v.subject() != subjects[i] {
			f.Errorf("the token of request %d has another subject after the request", i)
		}
	}
}

// replayDown is the case where accepting would let a proof be used twice.
func replayDown(f *fixture) {
	r := f.route(f.guard(guard.WithDPoP(guard.DPoP{Replay: &stuckReplay{}})))
	p := newProver(f)
	token := p.token(f, "ada")
	r.refuses("store down", ask{
		authorization: []string{"DPoP " + token}, proofs: []string{p.prove(f, token, r, "")},
	}, refusal{status: http.StatusServiceUnavailable, reason: string(verifier.ReasonReplayUnavailable)})
}

// callerLeavesReplay is [callerLeaves] at the last moment: everything held, and only the proof
// has still to be marked as used.
func callerLeavesReplay(f *fixture) {
	r := &route{TB: f.TB}
	f.Cleanup(func() { // after the server's own
		if n := len(r.take()); n != 0 {
			f.Errorf("the handler was called %d times for a caller who had left", n)
		}
	})
	stuck := &stuckReplay{asked: make(chan struct{})}
	r.start(f, f.guard(guard.WithDPoP(guard.DPoP{Replay: stuck})), nil)
	p := newProver(f)
	token := p.token(f, "ada")
	w, err := r.dial()
	if err != nil {
		f.Fatal(err)
	}
	a := ask{authorization: []string{"DPoP " + token}, proofs: []string{p.prove(f, token, r, "")}}
	if _, err = w.conn.Write(a.bytes(r)); err != nil {
		f.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = w.reader.Peek(1) // ends at the latest with the connection
	}()
	select {
	case <-stuck.asked:
	case <-answered:
		f.Error("an answer, though nobody could tell whether the proof was used")
	}
	if err := w.conn.Close(); err != nil {
		f.Fatal(err)
	}
	<-answered
}

// stuckReplay never tells: at once or, with a channel, when the caller has left or stuckFor
// has passed, since not every framework notices.
type stuckReplay struct {
	once  sync.Once
	asked chan struct{}
}

const stuckFor = 3 * time.Second

func (s *stuckReplay) Once(ctx context.Context, _ string, _ time.Duration) (bool, error) {
	if s.asked == nil {
		return false, errStuck
	}
	s.once.Do(func() { close(s.asked) })
	ctx, cancel := context.WithTimeout(ctx, stuckFor)
	defer cancel()
	<-ctx.Done()
	return false, errStuck
}
