package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

func TestWalk(t *testing.T) {
	var out strings.Builder
	if err := walk(t.Context(), &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "15 of 15 rows") {
		t.Errorf("the walk printed:\n%s", out.String())
	}
}

// The walk notices an API that lets everybody in.
func TestWalkNoticesWrongAnswers(t *testing.T) {
	s, err := newStage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	defer open.Close()
	rows, err := s.rows()
	if err != nil {
		t.Fatal(err)
	}
	tab := &table{out: io.Discard}
	for _, r := range rows {
		tab.print(s.ask(t.Context(), open.URL, r))
	}
	if tab.wrong != len(rows)-1 { // 200 is right for the first alone
		t.Errorf("%d of %d rows were found wrong", tab.wrong, len(rows))
	}
}

func testAPI(t *testing.T) (http.Handler, *development) {
	t.Helper()
	dev, err := startIssuer(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dev.close)
	v, err := verifier.New(dev.policy())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	h, err := newAPI(v, []string{"http://page.example"})
	if err != nil {
		t.Fatal(err)
	}
	return h, dev
}

func do(h http.Handler, method, body string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/books", strings.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBrowserOnAnotherOrigin(t *testing.T) {
	h, _ := testAPI(t)
	preflight := do(h, http.MethodOptions, "", map[string]string{
		"Origin": "http://page.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type",
	})
	if preflight.Code >= 300 || preflight.Header().Get("Access-Control-Allow-Origin") != "http://page.example" ||
		!strings.Contains(strings.ToLower(preflight.Header().Get("Access-Control-Allow-Headers")), "authorization") {
		t.Errorf("preflight: %d %v", preflight.Code, preflight.Header())
	}
	refused := do(h, http.MethodGet, "", map[string]string{"Origin": "http://page.example"})
	if refused.Code != http.StatusUnauthorized || refused.Header().Get("Access-Control-Allow-Origin") != "http://page.example" ||
		!strings.Contains(strings.ToLower(refused.Header().Get("Access-Control-Expose-Headers")), "www-authenticate") {
		t.Errorf("refusal: %d %v", refused.Code, refused.Header())
	}
	stranger := do(h, http.MethodGet, "", map[string]string{"Origin": "http://stranger.example"})
	if stranger.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("a strange origin was allowed")
	}
}

func TestBadBooks(t *testing.T) {
	h, dev := testAPI(t)
	token, err := dev.token("good")
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]int{
		`{"title":"A Book"}`: http.StatusCreated, `{"title":""}`: http.StatusUnprocessableEntity, `{`: http.StatusBadRequest,
		`{"title":"` + strings.Repeat("é", 201) + `"}`:  http.StatusUnprocessableEntity,
		`{"title":"` + strings.Repeat("x", 5000) + `"}`: http.StatusBadRequest,
	} {
		if w := do(h, http.MethodPost, body, map[string]string{"Authorization": "Bearer " + token}); w.Code != want {
			t.Errorf("%.30s: %d, want %d", body, w.Code, want)
		}
	}
}

func TestPolicyFromEnv(t *testing.T) {
	for _, name := range []string{"KINDE_DOMAIN", "KINDE_ISSUER_URL", "KINDE_AUDIENCE", "BOOKSTORE_ISSUER"} {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	if _, configured, err := policyFromEnv(); configured || err != nil {
		t.Errorf("no environment: %v, %v", configured, err)
	}
	t.Setenv("KINDE_DOMAIN", "bookshop")
	if _, _, err := policyFromEnv(); !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("a domain without audience: %v", err)
	}
	t.Setenv("KINDE_AUDIENCE", "https://api.bookshop.example")
	p, configured, err := policyFromEnv()
	if err != nil || !configured || p.Issuers[0].URL != "https://bookshop.kinde.com" {
		t.Errorf("a tenant: %+v, %v, %v", p, configured, err)
	}
}
