//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// What the metadata of a hostile issuer names is asked only where a verifier would ask it.
func TestMetadataSendsNobodyIntoThisNetwork(t *testing.T) {
	var asked atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(`{"keys":[]}`))
	}))
	defer inside.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	for _, address := range []string{"http://localhost:" + port + "/keys", "http://127.0.0.2:" + port, "http://[::ffff:127.0.0.1]:" + port, "file:///dev/zero", "//"} {
		iss := listen(t)
		iss.SetDiscovery([]byte(`{"issuer":"` + iss.URL() + `","jwks_uri":"` + address + `"}`))
		for _, args := range [][]string{{"keys"}, {"doctor", "--audience", "api"}} {
			got := invoke(t, nil, append(args, "--issuer", iss.URL())...)
			if got.code != exitUnavailable || !strings.Contains(got.out+got.err, "the address of the keys") {
				t.Errorf("%s: %s: %+v", address, args[0], got)
			}
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("a server that only metadata named was asked %d times", n)
	}
}

// A document that verifiers refuse for its size is not gone through entry by entry.
func TestAKeySetWithoutEndIsNone(t *testing.T) {
	for n, want := range map[int]string{maxEntries: "thumbprint", maxEntries + 1: "no JWK Set"} {
		iss := listen(t)
		iss.SetDocument([]byte(`{"keys":[` + strings.Repeat("{},", n-1) + strings.TrimPrefix(string(iss.JWKS()), `{"keys":[`)))
		if got := invoke(t, nil, "keys", "--issuer", iss.URL()); !strings.Contains(strings.ToLower(got.out)+got.err, want) {
			t.Errorf("%d entries: exit code %d, %s", n, got.code, got.err)
		}
	}
}

func TestKeysOfAnotherHostAreThoseThatAVerifierTook(t *testing.T) {
	iss := listen(t)
	c := call{now: time.Now}
	document, err := c.fetcher(5*time.Second).throughVerifier(t.Context(), &verifier.Issuer{URL: iss.URL()})
	if err != nil || string(document) != string(iss.JWKS()) {
		t.Errorf("%s, %v", document, err)
	}
	iss.SetDocument([]byte(`{"keys":[]}`))
	if document, err := c.fetcher(5*time.Second).throughVerifier(t.Context(), &verifier.Issuer{URL: iss.URL()}); err == nil {
		t.Errorf("no keys: %s", document)
	}
}
