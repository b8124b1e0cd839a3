package verifier_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// What an address answers in place of keys, told apart.
func TestExplainNamesWhatAnAddressAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		transport roundTrip
		diagnosis string
	}{
		"nothing new, unasked": {answers(304, ""), "keys_no_document"},
		"too much":             {answers(200, `{"keys":[`+strings.Repeat(" ", 2<<20)+`]}`), "keys_no_document"},
		"no keys":              {answers(200, `{"keys":[]}`), "keys_unavailable"},
		"nothing in time":      {func(*http.Request) (*http.Response, error) { return nil, os.ErrDeadlineExceeded }, "keys_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := goodPolicy()
				p.Issuers[0] = verifier.Issuer{URL: issuerURL, JWKSURL: issuerURL + "/keys", HTTPClient: &http.Client{Transport: tt.transport}}
				v := newVerifier(t, p)
				r := v.Explain(t.Context(), sign(t, goodHeader(), goodClaims()))
				if r.Diagnosis != tt.diagnosis || r.Reason != verifier.ReasonKeysUnavailable {
					t.Errorf("diagnosis %q, want %q\n%s", r.Diagnosis, tt.diagnosis, r)
				}
				if want := "a key of the issuer, of which none is known here"; checkOf(r, "key").Expected != want {
					t.Errorf("expected %q", checkOf(r, "key").Expected)
				}
				_ = v.Close()
			})
		})
	}
}

// While the issuer is down nobody can tell about a key that is new: the token may be good.
func TestAnUnknownKeyDuringAnOutageIsUndecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		v := verifierOf(t, nil, fromIssuer(iss))
		wantReason(t, v, mint(t, iss, nil), "")
		time.Sleep(time.Minute)
		if _, err := iss.Rotate(); err != nil {
			t.Fatal(err)
		}
		token := mint(t, iss, nil)
		iss.Fail(http.StatusBadGateway)
		r := v.Explain(t.Context(), token)
		if r.Reason != verifier.ReasonKeyUndecided || r.Diagnosis != "keys_server_error" || r.Reason.Status() != http.StatusServiceUnavailable {
			t.Errorf("in an outage:\n%s", r)
		}
		wantOutcomes(t, r, map[string]string{"issuer": "pass", "key": "fail", "signature": "not reached", "time": "pass?", "audience": "pass?"})
		iss.Fail(0)
		time.Sleep(time.Minute)
		wantReason(t, v, token, "")
	})
}
