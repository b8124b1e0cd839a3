package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

// clearEnv makes the test's environment name no issuer.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"KINDE_DOMAIN", "KINDE_ISSUER_URL", "KINDE_AUDIENCE", "KINDE_EXTRA_DOMAINS", "KINDE_CLIENT_ID",
		"BOOKSTORE_ISSUER", "BOOKSTORE_AUDIENCE", "BOOKSTORE_ORIGINS",
	} {
		t.Setenv(name, "") // puts the old value back
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTrustFromEnv(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string // the issuer; "" is the development issuer
		bad  bool
	}{
		{name: "nothing"},
		{name: "a tenant", env: map[string]string{"KINDE_DOMAIN": "bookshop", "KINDE_AUDIENCE": "a"}, want: "https://bookshop.kinde.com"},
		{name: "a tenant without audience", env: map[string]string{"KINDE_DOMAIN": "bookshop"}, bad: true},
		{name: "an audience without tenant", env: map[string]string{"KINDE_AUDIENCE": "a"}, bad: true},
		{name: "an empty tenant", env: map[string]string{"KINDE_DOMAIN": "", "KINDE_AUDIENCE": "a"}, bad: true},
		{name: "another issuer", env: map[string]string{"BOOKSTORE_ISSUER": "https://i.example", "BOOKSTORE_AUDIENCE": "a"}, want: "https://i.example"},
		{name: "two issuers", env: map[string]string{"BOOKSTORE_ISSUER": "https://i.example", "KINDE_DOMAIN": "bookshop"}, bad: true},
		{name: "origins", env: map[string]string{"BOOKSTORE_ORIGINS": "https://shop.example http://localhost:3000"}},
		{name: "an origin with a path", env: map[string]string{"BOOKSTORE_ORIGINS": "https://shop.example/"}, bad: true},
		{name: "any origin", env: map[string]string{"BOOKSTORE_ORIGINS": "*"}, bad: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clearEnv(t)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			got, err := trustFromEnv()
			if (err != nil) != tt.bad {
				t.Fatalf("error %v", err)
			}
			if tt.bad {
				return
			}
			if got.development != (tt.want == "") || !got.development && got.policy.Issuers[0].URL != tt.want {
				t.Errorf("got %+v", got)
			}
			if got.development {
				return
			}
			if _, err := verifier.New(got.policy); err != nil {
				t.Error(err)
			}
		})
	}
}

// The whole program on free ports, asked as a page would, until it is told to end.
func TestServe(t *testing.T) {
	clearEnv(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-api", "127.0.0.1:0", "-page", "127.0.0.1:0", "-issuer", "127.0.0.1:0"}, writer)
		_ = writer.Close()
		ended <- err
	}()
	at := make(map[string]string)
	banner := ""
	for lines := bufio.NewScanner(reader); at["api"] == "" && lines.Scan(); {
		banner += lines.Text() + "\n"
		if words, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			for word := range strings.FieldsSeq(words) {
				name, value, _ := strings.Cut(word, "=")
				at[name] = value
			}
		}
	}
	if at["api"] == "" {
		t.Fatalf("it ended: %v\n%s", <-ended, banner)
	}
	if !strings.Contains(banner, "NOT FOR PRODUCTION") || !strings.Contains(banner, "curl -i "+at["api"]+"/books") {
		t.Errorf("it printed:\n%s", banner)
	}
	status, header, token := send(t, http.MethodPost, at["issuer"]+mintPath+"?kind=reader", map[string]string{"Origin": at["page"]})
	if status != http.StatusOK || header.Get("Access-Control-Allow-Origin") != at["page"] {
		t.Fatalf("the page gets no token: %d %v %s", status, header, token)
	}
	authorized := map[string]string{"Authorization": "Bearer " + token, "Origin": at["page"]}
	if status, header, body := send(t, http.MethodGet, at["api"]+"/books", authorized); status != http.StatusOK ||
		header.Get("Access-Control-Allow-Origin") != at["page"] || !strings.HasPrefix(body, `{"data":[`) {
		t.Errorf("the page gets no books: %d %v %s", status, header, body)
	}
	if status, _, body := send(t, http.MethodGet, at["api"]+"/healthz", nil); status != http.StatusOK || !strings.Contains(body, at["issuer"]) {
		t.Errorf("health: %d %s", status, body)
	}
	for _, path := range []string{"/", "/page.js", "/page.css", "/settings.json"} {
		status, header, body := send(t, http.MethodGet, at["page"]+path, nil)
		if status != http.StatusOK || body == "" || !strings.Contains(header.Get("Content-Security-Policy"), at["api"]) {
			t.Errorf("%s: %d %v", path, status, header)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestDevelopmentIssuerKeepsToItself(t *testing.T) {
	if _, err := startIssuer("0.0.0.0:0", nil); err == nil {
		t.Error("the development issuer listens on every address")
	}
	_, dev := newTestAPI(t)
	if status, _, _ := send(t, http.MethodPost, dev.url+mintPath, map[string]string{"Host": "rebound.example"}); status != http.StatusMisdirectedRequest {
		t.Errorf("under another name: %d", status)
	}
	if status, _, _ := send(t, http.MethodPost, dev.url+mintPath+"?kind=root", nil); status != http.StatusBadRequest {
		t.Errorf("an unknown kind: %d", status)
	}
	_, header, _ := send(t, http.MethodPost, dev.url+mintPath, map[string]string{"Origin": "http://stranger.example"})
	if header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("any page can read tokens")
	}
	if _, err := open("127.0.0.1:-1"); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a bad address: %v", err)
	}
}

func send(t *testing.T, method, url string, header map[string]string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	r.Host = r.Header.Get("Host")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}
