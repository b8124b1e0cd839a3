package devissuer_test

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

const issuerURL = "https://issuer.test"

// rsaKeys are generated once, because that is slow.
var rsaKeys = sync.OnceValues(func() ([]*devissuer.Key, error) {
	var keys []*devissuer.Key
	for range 3 {
		key, err := devissuer.NewKey(devissuer.RS256, "")
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
})

// newIssuer returns an issuer that rotates twice without generating a key.
func newIssuer(t *testing.T, url string, opts ...devissuer.Option) *devissuer.Issuer {
	t.Helper()
	keys, err := rsaKeys()
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := devissuer.New(url, append([]devissuer.Option{devissuer.WithKeys(keys...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func newRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// response is an answer with its body read.
type response struct {
	status int
	header http.Header
	body   string
}

// get goes through the in-memory transport.
func get(t *testing.T, issuer *devissuer.Issuer, url string, header http.Header) response {
	t.Helper()
	r := newRequest(t, http.MethodGet, url, nil)
	r.Header = header.Clone()
	resp, err := issuer.RoundTripper().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, resp)
}

func read(t *testing.T, resp *http.Response) response {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, string(body)}
}

// publishedIDs reads the key set as a verifier would.
func publishedIDs(t *testing.T, issuer *devissuer.Issuer) []string {
	t.Helper()
	body := get(t, issuer, issuer.JWKSURL(), nil).body
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, key := range set.Keys {
		ids = append(ids, key.ID)
	}
	return ids
}
