package e2e_test

import (
	"net/http"
	"strings"
	"testing"
)

const (
	resource = "urn:bookstore:"
	stranger = "urn:stranger:ES256"
	scopes   = "read:books write:books"
)

// Tokens of every algorithm, verified by keys that discovery finds.
func TestEveryAlgorithm(t *testing.T) {
	p := startProvider(t)
	if len(p.Algorithms) != 4 {
		t.Fatalf("the provider signs with %v", p.Algorithms)
	}
	b := startBookstore(t, p)
	for _, alg := range p.Algorithms {
		reader, writer := p.token(resource+alg, "read:books"), p.token(resource+alg, scopes)
		b.want(alg+", reading", http.MethodGet, reader, http.StatusOK, "")
		b.want(alg+", writing", http.MethodPost, writer, http.StatusCreated, "")
		b.want(alg+", writing without the scope", http.MethodPost, reader, http.StatusForbidden, "scope")
		b.want(alg+", altered", http.MethodGet, altered(reader), http.StatusUnauthorized, "signature")
	}
	b.want("a token for somebody else", http.MethodGet, p.token(stranger, scopes), http.StatusUnauthorized, "audience")
}

// altered changes one character in the middle of the signature.
func altered(token string) string {
	at := (strings.LastIndexByte(token, '.') + len(token)) / 2
	other := byte('A')
	if token[at] == other {
		other = 'B'
	}
	return token[:at] + string(other) + token[at+1:]
}

func TestRotation(t *testing.T) {
	p := startProvider(t)
	b := startBookstore(t, p)
	before := p.token(resource+"RS256", scopes)
	b.want("before", http.MethodGet, before, http.StatusOK, "")
	fetched := p.do("rotate")
	for _, alg := range p.Algorithms {
		b.want(alg+" with the first token under its new key", http.MethodGet, p.token(resource+alg, scopes), http.StatusOK, "")
		b.want("a token from before the rotation", http.MethodGet, before, http.StatusOK, "")
	}
	if more := p.do("count") - fetched; more != 1 {
		t.Errorf("the rotation cost %d fetches of the key set, want 1", more)
	}
}

func TestWithdrawal(t *testing.T) {
	p := startProvider(t, quick)
	b := startBookstore(t, p)
	before := p.token(resource+"Ed25519", scopes)
	b.want("before", http.MethodGet, before, http.StatusOK, "")
	p.do("rotate")
	p.do("withdraw")
	b.want("the new key", http.MethodGet, p.token(resource+"ES256", scopes), http.StatusOK, "")
	b.want("the withdrawn key, once the new set is known", http.MethodGet, before, http.StatusUnauthorized, "unknown_key")
	later := startBookstore(t, p)
	later.want("the withdrawn key, where it was never known", http.MethodGet, before, http.StatusUnauthorized, "unknown_key")
}

func TestProviderStops(t *testing.T) {
	p := startProvider(t, quick)
	b := startBookstore(t, p)
	known := p.token(resource+"Ed25519", scopes)
	b.want("before", http.MethodGet, known, http.StatusOK, "")
	p.do("rotate")
	unknown := p.token(resource+"ES256", scopes)
	p.kill()
	for range 20 {
		b.want("a known key while the provider is down", http.MethodGet, known, http.StatusOK, "")
	}
	if a := b.ask(http.MethodGet, unknown); a.status != http.StatusServiceUnavailable || a.reason != "key_undecided" || a.retryAfter == "" {
		t.Errorf("a new key while the provider is down: %+v", a)
	}
	if status, word := b.health(); status != http.StatusOK || word == "unavailable" {
		t.Errorf("health with keys: %d %s", status, word)
	}
	fresh := startBookstore(t, p)
	if a := fresh.ask(http.MethodGet, known); a.status != http.StatusServiceUnavailable || a.reason != "keys_unavailable" || a.retryAfter == "" {
		t.Errorf("an API that never reached the provider: %+v", a)
	}
	if status, word := fresh.health(); status != http.StatusServiceUnavailable || word != "unavailable" {
		t.Errorf("health without keys: %d %s", status, word)
	}
	b.stop()
	fresh.stop()
}
