//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// examine runs the doctor and returns the states of each check.
func examine(t *testing.T, env map[string]string, args ...string) (map[string]string, result) {
	t.Helper()
	got := invoke(t, env, append([]string{"doctor", "--json"}, args...)...)
	var d diagnosis
	if err := json.Unmarshal([]byte(got.out), &d); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	states := map[string]string{}
	for _, f := range d.Findings {
		states[f.Check] = strings.TrimSpace(states[f.Check] + " " + f.State)
		if f.State != statePass && f.State != stateSkip && f.Fix == "" {
			t.Errorf("no advice on %+v", f)
		}
	}
	return states, got
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name    string
		harm    func(*testing.T, *devissuer.Issuer)
		args    []string
		code    int
		want    map[string]string
		mention string
	}{
		{
			"all well", nil, nil, exitDone,
			map[string]string{"issuer": "pass", "metadata": "pass", "key": "pass", "verifier": "pass", "clock": "pass", "audience": "pass", "store": "skip"}, "names this issuer",
		},
		{
			"two keys", func(t *testing.T, iss *devissuer.Issuer) {
				if _, err := iss.Rotate(); err != nil {
					t.Fatal(err)
				}
			}, nil, exitDone, map[string]string{"key": "pass pass"}, "thumbprint",
		},
		{
			"a weak key beside a good one", func(_ *testing.T, iss *devissuer.Issuer) {
				iss.SetDocument([]byte(`{"keys":[{"kty":"RSA","kid":"old","n":"` + strings.Repeat("A", 170) + `Q","e":"AQAB"},` + strings.TrimPrefix(string(iss.JWKS()), `{"keys":[`)))
			}, nil, exitDone, map[string]string{"key": "warn pass", "verifier": "pass"}, "not used",
		},
		{
			"no key that is good", func(_ *testing.T, iss *devissuer.Issuer) {
				iss.SetDocument([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`))
			},
			nil, exitUnavailable, map[string]string{"key": "warn", "keys": "fail", "verifier": "fail"}, "a secret, published",
		},
		{
			"no key set", func(_ *testing.T, iss *devissuer.Issuer) { iss.SetDocument([]byte(`<html>`)) },
			nil, exitUnavailable, map[string]string{"keys": "fail", "verifier": "fail"}, "no JWK Set",
		},
		{
			"no answer", func(_ *testing.T, iss *devissuer.Issuer) { iss.Fail(http.StatusForbidden) },
			nil, exitUnavailable, map[string]string{"metadata": "fail", "verifier": "fail", "clock": "pass"}, "status 403 Forbidden",
		},
		{
			"another issuer", func(_ *testing.T, iss *devissuer.Issuer) {
				iss.SetDiscovery([]byte(`{"issuer":"` + iss.URL() + `/","jwks_uri":"` + iss.JWKSURL() + `"}`))
			}, nil, exitUnavailable, map[string]string{"metadata": "fail", "verifier": "fail"}, "names another issuer",
		},
		{"no audience", nil, []string{"--audience="}, exitFinding, map[string]string{"audience": "fail", "verifier": "pass"}, "is not set"},
		{"a client as audience", nil, []string{"--audience", devissuer.DefaultClientID}, exitDone, map[string]string{"audience": "warn"}, "looks like a client id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			iss := listen(t)
			if tt.harm != nil {
				tt.harm(t, iss)
			}
			args := append([]string{"--issuer", iss.URL()}, tt.args...)
			if !slices.ContainsFunc(tt.args, func(a string) bool { return strings.HasPrefix(a, "--audience") }) {
				args = append(args, "--audience", testAudience)
			}
			states, got := examine(t, nil, args...)
			for check, want := range tt.want {
				if states[check] != want {
					t.Errorf("%s: %q, want %q", check, states[check], want)
				}
			}
			text := invoke(t, nil, append([]string{"doctor"}, args...)...)
			if got.code != tt.code || text.code != tt.code || !strings.Contains(text.out, tt.mention) {
				t.Errorf("want exit code %d and %q: %+v", tt.code, tt.mention, text)
			}
		})
	}
}

func TestDoctorComparesClocks(t *testing.T) {
	for off, want := range map[time.Duration]string{
		0: statePass, 12 * time.Second: stateWarn, -12 * time.Second: stateWarn, time.Minute: stateFail, -time.Hour: stateFail,
	} {
		now := time.Now()
		x := &examination{diagnosis: &diagnosis{}, answers: []*answer{{date: now, at: now.Add(off)}}}
		x.clock(30 * time.Second)
		if f := x.Findings[0]; f.State != want || off != 0 && !strings.Contains(f.Text, short(off.Abs())) {
			t.Errorf("%v: %+v", off, f)
		}
	}
}

func TestDoctorLooksAtTheStore(t *testing.T) {
	w := newWorld(t)
	args := []string{"--issuer", w.id.Issuer, "--audience", "api"}
	if states, got := examine(t, w.env, args...); states["store"] != stateWarn || got.code != exitDone {
		t.Errorf("an empty store: %+v", got)
	}
	w.save(t, secretA, nothing)
	if states, got := examine(t, w.env, args...); states["store"] != statePass || got.code != exitDone {
		t.Errorf("a record: %+v", got)
	}
	w.save(t, secretA, func(r *keystore.Record) { r.FetchedAt = r.FetchedAt.Add(-48 * time.Hour) })
	if states, got := examine(t, w.env, args...); states["store"] != stateFail || got.code != exitFinding {
		t.Errorf("an old record: %+v", got)
	}
	w.env["KEYCHORUS_FLEET_SECRET"] = "short"
	if states, got := examine(t, w.env, args...); states["store"] != stateFail || strings.Contains(got.out, `"short"`) {
		t.Errorf("a bad secret: %+v", got)
	}
	w.env["KEYCHORUS_FLEET_SECRET"] = secretA
	w.server.Stop()
	if states, got := examine(t, w.env, args...); states["store"] != stateFail || got.code != exitUnavailable || strings.Contains(got.out, secretA) {
		t.Errorf("no server: %+v", got)
	}
}

func TestDoctorPrintsTheEnvironmentForKinde(t *testing.T) {
	iss := listen(t, devissuer.WithAlgorithm(devissuer.RS256))
	got := invoke(t, nil, "doctor", "--domain", iss.URL(), "--audience", testAudience+" b")
	if !strings.Contains(got.out, "are the same with and without .json") {
		t.Errorf("the two addresses of the keys: %+v", got)
	}
	if got.code != exitDone || !strings.Contains(got.out, "  export KINDE_DOMAIN="+iss.URL()+"\n  export KINDE_AUDIENCE='"+testAudience+" b'\n") {
		t.Errorf("%+v", got)
	}
}
