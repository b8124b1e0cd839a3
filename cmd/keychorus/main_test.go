//go:build unix

package main

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

const (
	secretA = "first-secret-of-a-test-fleet-0123456789"
	secretB = "other-secret-of-a-test-fleet-0123456789"
)

// result is what a run left behind.
type result struct {
	code     int
	out, err string
}

func invoke(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(""), &out, &errs, func(name string) string { return env[name] })
	return result{code, out.String(), errs.String()}
}

// world is a server, an issuer, and the environment to meet both.
type world struct {
	server *redisserver.Server
	issuer *devissuer.Issuer
	http   *httptest.Server
	id     keystore.ID
	env    map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server, err := redisserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	w := &world{server: server, http: httptest.NewUnstartedServer(nil)}
	url := "http://" + w.http.Listener.Addr().String()
	if w.issuer, err = devissuer.New(url, devissuer.WithAlgorithm(devissuer.ES256), devissuer.WithAudience("api")); err != nil {
		t.Fatal(err)
	}
	w.http.Config.Handler = w.issuer
	w.http.Start()
	t.Cleanup(w.http.Close)
	w.id = keystore.ID{Issuer: url}
	w.env = map[string]string{
		"KEYCHORUS_FLEET_SECRET": secretA, "KEYCHORUS_REDIS_URL": "redis://" + server.Addr(), "NO_COLOR": "1",
	}
	return w
}

// invoke runs a fleet command about the issuer.
func (w *world) invoke(t *testing.T, args ...string) result {
	t.Helper()
	return invoke(t, w.env, append([]string{"fleet"}, append(args, "--issuer", w.id.Issuer)...)...)
}

// store is another process of the fleet.
func (w *world) store(t *testing.T, secret string) *sealed.Store {
	t.Helper()
	secrets, err := sealed.NewSecrets([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(w.server.Options())
	t.Cleanup(func() { _ = client.Close() })
	store, err := rediskeystore.New(client, secrets, sealed.WithTimeout(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// document is what the issuer publishes now.
func (w *world) document(t *testing.T) []byte {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", w.issuer.JWKSURL(), nil)
	rec := httptest.NewRecorder()
	w.issuer.ServeHTTP(rec, r)
	return rec.Body.Bytes()
}

// record is what a process would have stored just now.
func (w *world) record(t *testing.T) *keystore.Record {
	t.Helper()
	now := time.Now().UTC()
	return &keystore.Record{
		ID: w.id, Document: w.document(t), ResolvedURL: w.issuer.JWKSURL(), DiscoveredAt: now, FetchedAt: now,
		FreshFor: 5 * time.Minute, UsableFor: 24 * time.Hour, ETag: `"v1"`,
	}
}

// save stores a changed record as another process of the fleet.
func (w *world) save(t *testing.T, secret string, change func(*keystore.Record)) {
	t.Helper()
	store := w.store(t, secret)
	rec, version, err := store.Load(t.Context(), w.id)
	if err != nil {
		rec = w.record(t)
	}
	c := *rec
	change(&c)
	if _, err := store.Save(t.Context(), w.id, &c, version); err != nil {
		t.Fatal(err)
	}
}

func nothing(*keystore.Record) {}

func TestMisuseIsToldAndHasItsCode(t *testing.T) {
	ready := map[string]string{"KEYCHORUS_FLEET_SECRET": secretA}
	issuer := "--issuer=https://issuer.example"
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"nothing", nil, nil, "a command is missing"},
		{"an unknown command", nil, []string{"flet"}, "did you mean keychorus fleet?"},
		{"a far-off command", nil, []string{"zebra"}, "see keychorus --help"},
		{"a flag too early", nil, []string{"--json", "fleet"}, "the program takes no flags"},
		{"half a command", nil, []string{"fleet"}, "a command is missing"},
		{"an unknown command of fleet", nil, []string{"fleet", "shwo"}, "did you mean keychorus fleet show?"},
		{"the beginning of a command", nil, []string{"fleet", "pur"}, "did you mean keychorus fleet purge?"},
		{"an unknown flag", nil, []string{"fleet", "show", "--isuer", "x"}, "did you mean --issuer?"},
		{"a far-off flag", nil, []string{"fleet", "show", "--zebra"}, "see keychorus fleet show --help"},
		{"a flag without its value", nil, []string{"fleet", "show", "--issuer"}, "needs an argument"},
		{"an argument too many", nil, []string{"fleet", "show", "x"}, "takes no arguments besides flags, not 1"},
		{"an argument too few", ready, []string{"fleet", "revoke", issuer}, "takes exactly KID, not 0"},
		{"an empty kid", ready, []string{"fleet", "revoke", issuer, ""}, "KID is empty"},
		{"an argument of secret", nil, []string{"secret", "x"}, "takes no arguments"},
		{"no issuer", ready, []string{"fleet", "show"}, "--issuer is missing"},
		{"no secret", nil, []string{"fleet", "show", issuer}, "there is no fleet secret"},
		{"only a previous secret", map[string]string{"KEYCHORUS_FLEET_SECRETS_PREVIOUS": secretA}, []string{"fleet", "show", issuer}, "there is no fleet secret"},
		{"a short secret", map[string]string{"KEYCHORUS_FLEET_SECRET": "short"}, []string{"fleet", "show", issuer}, "at least 32"},
		{"a secret as an argument", nil, []string{"fleet", "show", "--secret", secretA}, "never an argument"},
		{"no secret file", nil, []string{"fleet", "show", issuer, "--secret-file", "no/such/file"}, "no such file"},
		{"an empty secret file", ready, []string{"fleet", "show", issuer, "--secret-file", "-"}, "there is no fleet secret"},
		{"another scheme", ready, []string{"fleet", "show", issuer, "--redis", "http://127.0.0.1"}, "the Redis URL is malformed"},
		{"two kinds of server", ready, []string{"fleet", "show", issuer, "--cluster", "--sentinel-master", "m"}, "contradict"},
		{"no time", ready, []string{"fleet", "show", issuer, "--timeout", "0s"}, "between 1ms and 10s"},
		{"a bad namespace", ready, []string{"fleet", "show", issuer, "--namespace", "a b"}, "WithNamespace"},
	} {
		got := invoke(t, tt.env, tt.args...)
		if got.code != exitMisuse || !strings.Contains(got.err, tt.want) || got.out != "" {
			t.Errorf("%s: %d, want 2 and %q\n%s%s", tt.name, got.code, tt.want, got.err, got.out)
		}
		if strings.Contains(got.err, secretA) {
			t.Errorf("%s: the secret is printed:\n%s", tt.name, got.err)
		}
	}
}

func TestEveryLevelExplainsItself(t *testing.T) {
	var levels func(path []string, cmd command) [][]string
	levels = func(path []string, cmd command) [][]string {
		all := [][]string{path}
		for _, s := range cmd.sub {
			all = append(all, levels(append(append([]string{}, path...), s.name), s)...)
		}
		return all
	}
	all := levels(nil, program())
	if len(all) != 12 {
		t.Errorf("%d levels: %v", len(all), all)
	}
	for _, path := range all {
		first := invoke(t, nil, append(append([]string{}, path...), "--help")...)
		for _, args := range [][]string{append(append([]string{}, path...), "-h"), append([]string{"help"}, path...)} {
			if got := invoke(t, nil, args...); got != first {
				t.Errorf("%v differs from --help: %+v", args, got)
			}
		}
		if first.code != exitDone || first.err != "" || !strings.Contains(first.out, "Usage:") || !strings.Contains(first.out, exitCodes) {
			t.Errorf("%v: %+v", path, first)
		}
		for line := range strings.Lines(first.out) {
			if len(line) > 130 {
				t.Errorf("%v: a line of %d characters", path, len(line))
			}
		}
	}
}

func TestSecretIsFreshAndFit(t *testing.T) {
	first, second := invoke(t, nil, "secret"), invoke(t, nil, "secret")
	if first.code != exitDone || first.out == second.out || first.err != "" {
		t.Fatalf("%+v, %+v", first, second)
	}
	text, ended := strings.CutSuffix(first.out, "\n")
	if !ended || len(text) != 43 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("%q", first.out)
	}
	if _, err := sealed.NewSecrets([]byte(text)); err != nil {
		t.Error(err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, context.Canceled }

func TestAnOutputThatFailsIsAnError(t *testing.T) {
	code := run(t.Context(), []string{"secret"}, nil, brokenPipe{}, &bytes.Buffer{}, func(string) string { return "" })
	if code != exitUnavailable {
		t.Errorf("exit code %d", code)
	}
}
