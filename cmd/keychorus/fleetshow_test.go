//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
)

func TestShowFindsWhatIsWrong(t *testing.T) {
	hour := func(r *keystore.Record) { r.FetchedAt = r.FetchedAt.Add(-time.Hour) }
	for _, tt := range []struct {
		name   string
		change func(*keystore.Record)
		want   []string
	}{
		{"well", nothing, []string{}},
		{"old", hour, []string{findingStale}},
		{"too old", func(r *keystore.Record) { hour(r); r.UsableFor = time.Minute }, []string{findingExpired}},
		{"purged", func(r *keystore.Record) { r.Epoch = 3 }, []string{findingUnconfirmed}},
		{"suspicious", func(r *keystore.Record) { r.SuspectSince = r.FetchedAt }, []string{findingSuspect}},
		{"no usable key", func(r *keystore.Record) { r.Document = []byte(`{"keys":[{"kty":"oct","k":"AAAA","kid":"x"}]}`) }, []string{findingNoKeys}},
		{"no JSON", func(r *keystore.Record) { r.Document = []byte("<html>") }, []string{findingNoKeys}},
		{"only denials", func(r *keystore.Record) { *r = keystore.Record{ID: r.ID, Denied: []string{"a"}} }, []string{findingNoDocument}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.save(t, secretA, tt.change)
			got := w.invoke(t, "show", "--json")
			var r report
			if err := json.Unmarshal([]byte(got.out), &r); err != nil {
				t.Fatalf("%v: %+v", err, got)
			}
			code := exitDone
			if len(tt.want) > 0 {
				code = exitFinding
			}
			if strings.Join(r.Findings, "|") != strings.Join(tt.want, "|") || got.code != code || got.err != "" {
				t.Errorf("%d, %q, %s", got.code, r.Findings, got.err)
			}
			people := w.invoke(t, "show")
			for _, finding := range tt.want {
				if !strings.Contains(people.out, finding) || people.code != code {
					t.Errorf("%d, not told to people:\n%s", people.code, people.out)
				}
			}
			if strings.Contains(got.out+people.out, secretA) {
				t.Error("the secret is printed")
			}
		})
	}
}

func TestShowNothing(t *testing.T) {
	w := newWorld(t)
	got := w.invoke(t, "show")
	if got.code != exitFinding || !strings.Contains(got.out, findingNothing) || got.err != "" {
		t.Errorf("%+v", got)
	}
	w.save(t, secretA, nothing)
	for name, args := range map[string][]string{
		"another issuer": {"--issuer", "https://other.example"}, "another address": {"--jwks-url", "https://other.example/keys"},
		"another namespace": {"--namespace", "other"},
	} {
		// The last --issuer counts.
		if got := invoke(t, w.env, append([]string{"fleet", "show", "--issuer", w.id.Issuer}, args...)...); got.code != exitFinding {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The commonest mistake is a slash.
func TestShowNamesTheRecordThatWasMeant(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	for name, args := range map[string][]string{
		"a slash too many":     {"--issuer", w.id.Issuer + "/"},
		"a discovered address": {"--issuer", w.id.Issuer, "--jwks-url", w.issuer.JWKSURL()},
		"both":                 {"--issuer", w.id.Issuer + "/", "--jwks-url", w.issuer.JWKSURL()},
	} {
		got := invoke(t, w.env, append([]string{"fleet", "show"}, args...)...)
		if got.code != exitFinding || !strings.Contains(got.out, "--issuer "+w.id.Issuer+" without --jwks-url") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := invoke(t, w.env, "fleet", "show", "--issuer", "https://other.example"); !strings.Contains(got.out, "to the byte") {
		t.Errorf("%+v", got)
	}
}

func TestShowNoticesABrokenSeal(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	keys, err := w.server.Do(t.Context(), "keys", "*:set")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.server.Do(t.Context(), "setrange", keys.([]any)[0], 90, "x"); err != nil {
		t.Fatal(err)
	}
	got := w.invoke(t, "show")
	if got.code != exitFinding || !strings.Contains(got.out, findingSeal) || !strings.Contains(got.out, sealBroken) || strings.Contains(got.out, findingNothing) {
		t.Errorf("%+v", got)
	}
}

func TestShowReadsWhatAPreviousSecretSealed(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	w.env["KEYCHORUS_FLEET_SECRET"], w.env["KEYCHORUS_FLEET_SECRETS_PREVIOUS"] = secretB, ","+secretA+"\n"
	file := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(file, []byte(secretB+"\n\n"+secretA+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"environment": {"show", "--json"}, "file": {"show", "--json", "--secret-file", file}} {
		got := w.invoke(t, args...)
		var r report
		if err := json.Unmarshal([]byte(got.out), &r); err != nil || got.code != exitDone || r.Record == nil {
			t.Fatalf("%s: %v: %+v", name, err, got)
		}
		if len(r.Secrets) != 2 || r.Secrets[0].Seal != sealAbsent || r.Secrets[1].Seal != sealOK || r.Secrets[1].Primary {
			t.Errorf("%s: %+v", name, r.Secrets)
		}
	}
	keys, err := w.server.Do(t.Context(), "dbsize")
	if err != nil || keys != int64(1) {
		t.Errorf("showing has stored something: %v keys, %v", keys, err)
	}
}

func TestShowTellsTheLease(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	lease, _, err := w.store(t, secretA).TryLease(t.Context(), w.id)
	if err != nil || lease == nil {
		t.Fatal(lease, err)
	}
	if got := w.invoke(t, "show"); !strings.Contains(got.out, "fetching, at most ") || got.code != exitDone {
		t.Errorf("%+v", got)
	}
	if err := lease.End(t.Context(), keystore.Absent, time.Minute); err != nil {
		t.Fatal(err)
	}
	got := w.invoke(t, "show")
	if !strings.Contains(got.out, "cooling after absent, 59s") && !strings.Contains(got.out, "cooling after absent, 1m0s") { // to the second
		t.Errorf("%+v", got)
	}
}

func TestAStoreThatIsAwayIsUnavailable(t *testing.T) {
	w := newWorld(t)
	w.env["KEYCHORUS_REDIS_URL"] = "redis://someone:pass-word@" + w.server.Addr()
	if err := w.server.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"show"}, {"revoke", "k"}, {"purge"}, {"watch"}, {"show", "--cluster"}, {"show", "--sentinel-master", "m"}} {
		got := w.invoke(t, args...)
		if got.code != exitUnavailable || !strings.Contains(got.err, "unavailable") || got.out != "" {
			t.Errorf("%v: %+v", args, got)
		}
		if strings.Contains(got.err, "pass-word") {
			t.Errorf("%v: the password is printed: %s", args, got.err)
		}
	}
}

func TestShowReachesClustersAndSentinels(t *testing.T) {
	cluster, err := redisserver.StartCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	sentinel, err := redisserver.StartSentinel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sentinel.Stop)
	env := map[string]string{"KEYCHORUS_FLEET_SECRET": secretA}
	for _, args := range [][]string{
		{"--cluster", "--redis", "redis://" + cluster.Addrs()[1]},
		{"--sentinel-master", sentinel.Name, "--redis", "redis://" + sentinel.Addrs()[2]},
	} {
		got := invoke(t, env, append([]string{"fleet", "revoke", "k", "--issuer", "https://issuer.example"}, args...)...)
		if got.code != exitDone || !strings.Contains(got.out, "k: done") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
