package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// bookstore is the API as a process.
type bookstore struct {
	*process
	api string
}

var buildBookstore = built("bookstore", "../examples", "./bookstore")

// startBookstore starts one that trusts the provider; env is more of its environment.
func startBookstore(t *testing.T, p *provider, env ...string) *bookstore {
	t.Helper()
	binary, err := buildBookstore()
	if err != nil {
		t.Fatal(err)
	}
	env = append(env, "BOOKSTORE_ISSUER="+p.Issuer, "BOOKSTORE_AUDIENCE="+p.Audience)
	b := &bookstore{process: start(t, ".", env, binary,
		"-api", "127.0.0.1:0", "-page", "127.0.0.1:0")}
	for word := range strings.FieldsSeq(b.line()) {
		if api, ok := strings.CutPrefix(word, "api="); ok {
			b.api = api
		}
	}
	if b.api == "" {
		t.Fatal("the bookstore did not say where it listens")
	}
	return b
}

// answer is what the bookstore said.
type answer struct {
	status     int
	reason     string
	retryAfter string
}

func (b *bookstore) ask(method, token string) answer {
	b.Helper()
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		body = strings.NewReader(`{"title":"A Book"}`)
	}
	r, err := http.NewRequestWithContext(b.Context(), method, b.api+"/books", body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	confide(b.T, token)
	resp, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var problem struct {
		Reason string `json:"reason"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
		b.Fatal(err)
	}
	return answer{resp.StatusCode, problem.Reason, resp.Header.Get("Retry-After")}
}

func (b *bookstore) want(what, method, token string, status int, reason string) {
	b.Helper()
	if a := b.ask(method, token); a.status != status || a.reason != reason {
		b.Errorf("%s: %d %s, want %d %s", what, a.status, a.reason, status, reason)
	}
}

// health returns the status of the answer and the word in it.
func (b *bookstore) health() (int, string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.api+"/healthz", nil)
	if err != nil {
		b.Fatal(err)
	}
	status, body := send(b.T, client, r)
	var report struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(body, &report); err != nil {
		b.Fatalf("health is %q: %v", body, err)
	}
	return status, report.Status
}
