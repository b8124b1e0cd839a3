package tryout_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/examples/internal/tryout"
)

// An API that does not guard, or lets nobody in, is found out.
func TestWrongAnswersAreNoticed(t *testing.T) {
	issuer, err := tryout.NewIssuer()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = issuer.Close() }()
	for name, tt := range map[string]struct {
		status    int
		challenge string
		body      string
		right     string
	}{
		"lets everybody in":     {http.StatusOK, "", "hello ada", "1 of 8"},
		"does not know whom":    {http.StatusOK, "", "hello", "0 of 8"},
		"lets nobody in":        {http.StatusUnauthorized, `Bearer realm="books"`, "", "1 of 8"},
		"refuses and tells all": {http.StatusUnauthorized, `Bearer realm="books"`, "hello ada", "0 of 8"},
		"no challenge":          {http.StatusUnauthorized, "", "", "0 of 8"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.challenge != "" {
					w.Header().Set("WWW-Authenticate", tt.challenge)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			var out strings.Builder
			if err := issuer.Call(t.Context(), &out, server.URL); err == nil || !strings.Contains(out.String(), tt.right) {
				t.Errorf("%v, want %s:\n%s", err, tt.right, out.String())
			}
		})
	}
}

func TestNoAnswerIsAnError(t *testing.T) {
	issuer, err := tryout.NewIssuer()
	if err != nil {
		t.Fatal(err)
	}
	policy := issuer.Policy()
	if err := issuer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := issuer.Call(t.Context(), io.Discard, policy.Issuers[0].URL); err == nil {
		t.Error("a server that is gone is no error")
	}
}
