package adaptertest

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// refusal is how a request must be refused.
type refusal struct {
	status int
	// error is that of challenge and body, "" for a bare challenge.
	error string
	// reason is that of the body; "" is not compared.
	reason string
	// also are further parameters of every challenge with the error, and of each without one
	// if there is none.
	also map[string]string
	// dpop says that the scheme DPoP is on offer too, so that there are two challenges.
	dpop bool
	// on is the scheme whose challenge has the error: "" for Bearer, DPoP, or both.
	on string
	// metadata is resource_metadata of every challenge, or "".
	metadata string
}

// schemes are the schemes of the challenges, in order, and whether each has the error.
func (want refusal) schemes() []struct {
	name  string
	fault bool
} {
	type scheme = struct {
		name  string
		fault bool
	}
	all := []scheme{{"Bearer", want.error != "" && want.on != "DPoP"}}
	if want.dpop {
		all = append(all, scheme{"DPoP", want.error != "" && want.on != ""})
	}
	return all
}

var (
	unauthorized = refusal{status: http.StatusUnauthorized}
	badRequest   = refusal{status: http.StatusBadRequest, error: "invalid_request"}
	invalidToken = refusal{status: http.StatusUnauthorized, error: "invalid_token"}
)

// refuses sends a request and checks that it is refused as said, and that the handler
// does not see it. what names the request in failures.
func (r *route) refuses(what string, a ask, want refusal) {
	r.Helper()
	r.refused(what, a, r.do(a), want)
}

func (r *route) refused(what string, a ask, got *answer, want refusal) {
	r.Helper()
	if n := len(r.take()); n != 0 {
		r.Errorf("%s: the handler was called %d times", what, n)
	}
	if got.status != want.status {
		r.Errorf("%s: status %d, want %d", what, got.status, want.status)
	}
	if values := got.header.Values("Cache-Control"); !slices.Equal(values, []string{"no-store"}) {
		r.Errorf("%s: Cache-Control %q, want no-store", what, values)
	}
	retry := got.header.Get("Retry-After")
	if valid := retryAfter.MatchString(retry); valid != (want.status == http.StatusServiceUnavailable) {
		r.Errorf("%s: Retry-After %q with status %d", what, retry, want.status)
	}
	r.challenged(what, got, want)
	r.discreet(what, a, got)
	if a.method == http.MethodHead {
		return
	}
	if values := got.header.Values("Content-Type"); !slices.Equal(values, []string{"application/problem+json"}) {
		r.Errorf("%s: Content-Type %q, want application/problem+json", what, values)
	}
	r.explained(what, got, want)
}

var retryAfter = regexp.MustCompile(`^[1-9][0-9]*$`)

// challenged checks that there are exactly the challenges that belong to the status, each in a
// field of its own.
func (r *route) challenged(what string, got *answer, want refusal) {
	r.Helper()
	values := got.header.Values("WWW-Authenticate")
	if want.status >= 500 {
		if len(values) != 0 {
			r.Errorf("%s: challenge %q with status %d", what, values, want.status)
		}
		return
	}
	schemes := want.schemes()
	if len(values) != len(schemes) {
		r.Errorf("%s: %d challenges, want %d", what, len(values), len(schemes))
		return
	}
	for i, scheme := range schemes {
		r.challengedBy(what, values[i], scheme.name, scheme.fault, want)
	}
}

func (r *route) challengedBy(what, value, scheme string, fault bool, want refusal) {
	r.Helper()
	params, ok := strings.CutPrefix(value, scheme+" ")
	members := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(params, -1) {
		members[m[1]] = m[2]
	}
	wanted := map[string]string{"realm": "api"}
	if scheme == "DPoP" {
		wanted["algs"] = members["algs"] // of the guard's choice
	}
	if want.metadata != "" {
		wanted["resource_metadata"] = want.metadata
	}
	if fault {
		wanted["error"] = want.error
		wanted["error_description"] = members["error_description"] // of a closed list
	}
	if fault || want.error == "" {
		maps.Copy(wanted, want.also)
	}
	_, empty := wanted["algs"]
	empty = empty && members["algs"] == ""
	if !ok || empty || !maps.Equal(members, wanted) || strings.Count(params, "=") != len(members) ||
		fault && members["error_description"] == "" {
		r.Errorf("%s: challenge %q, want %s with %q", what, value, scheme, wanted)
	}
}

var parameter = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)

// token68 follows RFC 9110 §11.2.
var token68 = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// explained checks the problem document (RFC 9457).
func (r *route) explained(what string, got *answer, want refusal) {
	r.Helper()
	var body struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Reason string `json:"reason"`
		Error  string `json:"error"`
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		r.Errorf("%s: the body is not a JSON object: %v", what, err)
		return
	}
	if body.Title != http.StatusText(want.status) || body.Status != want.status || body.Error != want.error {
		r.Errorf("%s: the body says %q, %d, %q", what, body.Title, body.Status, body.Error)
	}
	if want.reason != "" && body.Reason != want.reason {
		r.Errorf("%s: reason %q, want %q", what, body.Reason, want.reason)
	}
}

// leakBytes is the length from which a part of the credentials in an answer is a leak and
// not a coincidence.
const leakBytes = 12

// discreet checks that nothing of the credentials comes back.
func (r *route) discreet(what string, a ask, got *answer) {
	r.Helper()
	var all strings.Builder
	all.WriteString(got.body)
	for name, values := range got.header {
		all.WriteString("\n" + name + ": " + strings.Join(values, "\n"))
	}
	secrets := slices.Clone(a.proofs)
	for _, value := range a.authorization {
		_, secret, _ := strings.Cut(value, " ")
		secrets = append(secrets, secret)
	}
	for _, line := range a.header {
		if cookies, ok := strings.CutPrefix(line, "Cookie: "); ok {
			secrets = append(secrets, cookies)
		}
	}
	for _, secret := range secrets {
		for i := range len(secret) - leakBytes + 1 {
			if strings.Contains(all.String(), secret[i:i+leakBytes]) {
				r.Errorf("%s: a part of the credentials comes back", what)
				return
			}
		}
	}
}

// passes sends a request and checks that the handler sees exactly one, with the token of
// this subject; "" means without a token.
func (r *route) passes(what string, a ask, subject string) {
	r.Helper()
	got, visits := r.do(a), r.take()
	if got.status != http.StatusOK || len(visits) != 1 {
		r.Errorf("%s: status %d, the handler was called %d times, want 200 and 1", what, got.status, len(visits))
		return
	}
	if v := visits[0]; v.subject() != subject || (v.token != nil) != (subject != "") {
		r.Errorf("%s: the handler saw another token than that of the request, or none", what)
	}
	if len(got.header.Values("WWW-Authenticate")) != 0 {
		r.Errorf("%s: a challenge for a request that passed", what)
	}
}
