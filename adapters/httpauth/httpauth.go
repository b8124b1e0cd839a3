package httpauth

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Protect returns middleware that lets a request pass if g allows it under the requirements.
// The handler finds the token with [verifier.TokenFromContext]. A refusal is answered and
// goes no further. A nil guard refuses everything, as misconfigured.
func Protect(g *guard.Guard, reqs ...verifier.Requirement) func(http.Handler) http.Handler {
	reqs = slices.Clone(reqs) // a caller that changes its slice must not loosen the route
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d := g.Check(r.Context(), guard.RequestOf(r), reqs...)
			if !d.Allowed() {
				d.WriteRefusal(w)
				return
			}
			d.CopyHeader(w.Header().Set, w.Header().Add)
			next.ServeHTTP(w, d.WithToken(r))
		})
	}
}

// Health answers with the state of the keys as JSON: 200 if every issuer of the policy has
// usable keys, else 503. It suits a readiness probe; a liveness probe must not depend on an
// issuer. Issuer names are part of the answer: do not expose it to the public.
func Health(v *verifier.Verifier) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := v.Health()
		body, err := json.Marshal(reportOf(h))
		status := http.StatusOK
		switch {
		case err != nil:
			status, body = http.StatusInternalServerError, nil
		case h.Status == verifier.StatusUnavailable:
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = w.Write(append(body, '\n'))
	})
}

type report struct {
	Status  verifier.Status `json:"status"`
	Issuers []issuerReport  `json:"issuers"`
}

type issuerReport struct {
	Issuer          string          `json:"issuer"`
	Status          verifier.Status `json:"status"`
	Problem         string          `json:"problem,omitempty"`
	AgeSeconds      int64           `json:"age_seconds"`
	TimeLeftSeconds int64           `json:"time_left_seconds"`
	Keys            []string        `json:"keys"`
}

func reportOf(h verifier.Health) report {
	r := report{Status: h.Status, Issuers: make([]issuerReport, len(h.Issuers))}
	for i, iss := range h.Issuers {
		r.Issuers[i] = issuerReport{
			Issuer: iss.Issuer, Status: iss.Status, Problem: iss.Problem, Keys: iss.KeyIDs,
			AgeSeconds: int64(iss.Age.Seconds()), TimeLeftSeconds: int64(iss.TimeLeft.Seconds()),
		}
	}
	return r
}
