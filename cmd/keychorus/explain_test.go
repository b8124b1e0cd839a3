//go:build unix

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

const testAudience = "https://api.example.test"

// listen serves a development issuer on a socket of this machine.
func listen(t *testing.T, opts ...devissuer.Option) *devissuer.Issuer {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	iss, err := devissuer.New("http://"+server.Listener.Addr().String(),
		append([]devissuer.Option{devissuer.WithAlgorithm(devissuer.ES256), devissuer.WithAudience(testAudience)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = iss
	server.Start()
	t.Cleanup(server.Close)
	return iss
}

// feed is invoke with something on standard input.
func feed(t *testing.T, env map[string]string, input string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(input), &out, &errs, func(name string) string { return env[name] })
	return result{code, out.String(), errs.String()}
}

func minted(t *testing.T, iss *devissuer.Issuer, c devissuer.Claims) string {
	t.Helper()
	token, err := iss.Mint(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// headed is a good token under another header.
func headed(t *testing.T, iss *devissuer.Issuer, header map[string]any) string {
	t.Helper()
	payload, err := iss.Payload(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{"alg": "ES256", "kid": iss.Key().ID(), "typ": "JWT"}
	maps.Copy(all, header)
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	token, err := iss.Sign(raw, payload)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// The right cause comes first, whatever a person brings.
func TestExplainNamesTheCauseFirst(t *testing.T) {
	iss := listen(t)
	good := minted(t, iss, nil)
	parts := strings.Split(good, ".")
	claims := func(c devissuer.Claims) string { return minted(t, iss, c) }
	changed := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"` + iss.URL() + `","sub":"root"}`))
	for _, tt := range []struct {
		name, input, diagnosis string
		code                   int
	}{
		{"a good token", good, "", exitDone},
		{"a good token in a header", "Authorization: Bearer " + good + "\n", "", exitDone},
		{"a good token with white space", "\t " + good + "\r\n\n", "", exitDone},
		{"nothing", "", "empty", exitFinding},
		{"undefined", "Bearer undefined", "undefined", exitFinding},
		{"null", "null\n", "null", exitFinding},
		{"a promise", "Bearer [object Promise]", "promise", exitFinding},
		{"an object", "[object Object]", "object", exitFinding},
		{"the scheme twice", "Bearer Bearer " + good, "scheme_in_token", exitFinding},
		{"quotes", `"` + good + `"`, "quoted", exitFinding},
		{"a line break", good[:60] + "\n" + good[60:], "white_space", exitFinding},
		{"a token response", `{"access_token": "` + good + `"}`, "json", exitFinding},
		{"a page", "<html></html>", "html", exitFinding},
		{"an API key", "k_live_0123456789abcdef", "api_key", exitFinding},
		{"a refresh token", "nRkQzJ7aLH3l0Q_fnvqXQd9", "opaque", exitFinding},
		{"an encrypted token", "eyJhbGciOiJkaXIifQ..a.b.c", "encrypted", exitFinding},
		{"half a token", parts[0] + "." + parts[1], "cut", exitFinding},
		{"a signature cut off", good[:len(good)-30], "cut", exitFinding},
		{"no signature", parts[0] + "." + parts[1] + ".", "no_signature", exitFinding},
		{"padding", parts[0] + "." + parts[1] + "=." + parts[2], "re_encoded", exitFinding},
		{"a changed payload", parts[0] + "." + changed + "." + parts[2], "signature", exitFinding},
		{"alg none", headed(t, iss, map[string]any{"alg": "none"}), "algorithm_none", exitFinding},
		{"a shared secret", headed(t, iss, map[string]any{"alg": "HS256"}), "algorithm_symmetric", exitFinding},
		{"a key in the header", headed(t, iss, map[string]any{"jku": "https://x.test"}), "header_key", exitFinding},
		{"a DPoP proof", headed(t, iss, map[string]any{"typ": "dpop+jwt"}), "dpop_proof", exitFinding},
		{"an unknown key", headed(t, iss, map[string]any{"kid": "gone"}), "unknown_key", exitFinding},
		{"another issuer", claims(devissuer.Claims{"iss": "https://stranger.example"}), "issuer_development", exitFinding},
		{"a slash", claims(devissuer.Claims{"iss": iss.URL() + "/"}), "issuer_slash", exitFinding},
		{"https", claims(devissuer.Claims{"iss": strings.Replace(iss.URL(), "http:", "https:", 1)}), "issuer_scheme", exitFinding},
		{"no issuer", claims(devissuer.Claims{"iss": devissuer.Omit}), "issuer_absent", exitFinding},
		{"a webhook", claims(devissuer.WebhookClaims()), "webhook", exitFinding},
		{"expired", claims(devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)}), "expired", exitFinding},
		{"no exp", claims(devissuer.Claims{"exp": devissuer.Omit}), "no_expiry", exitFinding},
		{"a clock behind", claims(devissuer.Claims{"iat": devissuer.FromNow(5 * time.Minute)}), "clock_behind", exitFinding},
		{"milliseconds", claims(devissuer.Claims{"exp": time.Now().UnixMilli()}), "milliseconds", exitFinding},
		{"an ID token", claims(devissuer.IDTokenClaims()), "id_token", exitFinding},
		{"aud empty", claims(devissuer.Claims{"aud": []string{}}), "audience_empty", exitFinding},
		{"aud absent", claims(devissuer.Claims{"aud": devissuer.Omit}), "audience_absent", exitFinding},
		{"aud with a slash", claims(devissuer.Claims{"aud": testAudience + "/"}), "audience_slash", exitFinding},
		{"aud in capitals", claims(devissuer.Claims{"aud": "https://API.example.test"}), "audience_case", exitFinding},
		{"aud of the issuer", claims(devissuer.Claims{"aud": iss.URL() + "/api"}), "audience_issuer", exitFinding},
		{"a bound token", claims(devissuer.Claims{"cnf": map[string]string{"jkt": "x"}}), "bound_to_dpop", exitFinding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"explain", "--issuer", iss.URL(), "--audience", testAudience}
			got := feed(t, nil, tt.input, append(args, "--json")...)
			var r explained
			if err := json.Unmarshal([]byte(got.out), &r); err != nil || got.code != tt.code || r.Diagnosis != tt.diagnosis || got.err != "" {
				t.Fatalf("%v, want %q and exit code %d: %+v", err, tt.diagnosis, tt.code, got)
			}
			text := feed(t, nil, tt.input, args...)
			cause := strings.Index(text.out, "cause        "+r.Cause)
			if text.code != tt.code || !r.Accepted && (cause < 0 || cause > strings.Index(text.out, "fail         ")) {
				t.Errorf("the text does not begin with the cause: %+v", text)
			}
			for _, part := range parts {
				if strings.Contains(got.out+text.out, part) {
					t.Errorf("a part of the token is printed: %+v", text)
				}
			}
		})
	}
}

func TestExplainSaysWhatItDropped(t *testing.T) {
	iss := listen(t)
	args := []string{"explain", "--issuer", iss.URL(), "--audience", testAudience}
	for input, note := range map[string]string{
		"Bearer " + minted(t, iss, nil):  "the word Bearer before the token was dropped",
		"  " + minted(t, iss, nil):       "white space around the token was dropped",
		minted(t, iss, nil) + "\n":       "",
		"bearer\t" + minted(t, iss, nil): "",
	} {
		got := feed(t, nil, input, args...)
		if strings.Contains(got.out, "note") != (note != "") || !strings.Contains(got.out, note) {
			t.Errorf("%q: %+v", note, got)
		}
	}
}

// Without an answer of the issuer nobody knows, and that has its own exit code.
func TestExplainTellsUnavailableFromRefused(t *testing.T) {
	iss := listen(t)
	token := minted(t, iss, nil)
	iss.Fail(http.StatusForbidden)
	got := feed(t, nil, token, "explain", "--issuer", iss.URL(), "--audience", testAudience)
	if got.code != exitUnavailable || !strings.Contains(got.out, "undecided") || !strings.Contains(got.out, "keys_unavailable, keys_not_found") {
		t.Errorf("%+v", got)
	}
}

func TestExplainWorksOffline(t *testing.T) {
	iss := listen(t)
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, iss.JWKS(), 0o600); err != nil {
		t.Fatal(err)
	}
	before := iss.Counts()
	got := feed(t, nil, minted(t, iss, nil), "explain", "--issuer", iss.URL(), "--audience", testAudience, "--jwks", file)
	if got.code != exitDone || iss.Counts() != before {
		t.Errorf("%+v", got)
	}
}

// What names Kinde gets Kinde's preset and advice, from flags as from the environment.
func TestExplainKnowsKinde(t *testing.T) {
	iss := listen(t, devissuer.WithAlgorithm(devissuer.RS256), devissuer.WithAudience())
	token := minted(t, iss, nil)
	env := map[string]string{"KINDE_DOMAIN": iss.URL(), "KINDE_AUDIENCE": testAudience}
	for name, got := range map[string]result{
		"flags": feed(t, nil, token, "explain", "--domain", iss.URL(), "--audience", testAudience), "environment": feed(t, env, token, "explain"),
	} {
		if got.code != exitFinding || !strings.Contains(got.out, "Settings, APIs") || !strings.Contains(got.out, "<KindeProvider") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What an issuer or a token says must not steer the terminal.
func TestHostileTextsDoNotReachTheTerminal(t *testing.T) {
	iss := listen(t)
	hostile := "\x1b[2J\u202e\a"
	iss.SetDocument([]byte(`{"keys":[{"kty":"RSA` + "\\u001b[2J" + `","kid":"` + "\\u001b]0;x\\u0007" + `"},` + strings.TrimPrefix(string(iss.JWKS()), `{"keys":[`)))
	for _, got := range []result{
		feed(t, nil, minted(t, iss, devissuer.Claims{"iss": hostile, "aud": hostile, hostile: hostile}), "explain", "--issuer", iss.URL(), "--audience", testAudience),
		feed(t, nil, headed(t, iss, map[string]any{"kid": hostile}), "explain", "--issuer", iss.URL(), "--audience", testAudience),
		feed(t, nil, hostile, "explain", "--issuer", iss.URL(), "--audience", hostile),
		invoke(t, nil, "keys", "--issuer", iss.URL()),
		invoke(t, nil, "doctor", "--issuer", iss.URL(), "--audience", hostile),
	} {
		if strings.ContainsAny(got.out+got.err, "\x1b\a\u202e") {
			t.Errorf("%q", got.out+got.err)
		}
	}
}
