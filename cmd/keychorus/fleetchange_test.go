//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/verifier"
)

// replica is another process of the fleet, which has the keys.
func (w *world) replica(t *testing.T) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Policy{Issuers: []verifier.Issuer{{URL: w.id.Issuer}}, Audiences: []string{"api"}},
		verifier.WithKeyStore(w.store(t, secretA)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	if err := v.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	return v
}

func (w *world) decision(t *testing.T, code int, args ...string) *decision {
	t.Helper()
	got := w.invoke(t, append(args, "--json")...)
	var d decision
	if err := json.Unmarshal([]byte(got.out), &d); err != nil || got.code != code {
		t.Fatalf("%v: %+v", err, got)
	}
	return &d
}

func (w *world) stored(t *testing.T) *keystore.Record {
	t.Helper()
	rec, _, err := w.store(t, secretA).Load(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestARevokedKeyIsRefusedByTheFleet(t *testing.T) {
	w := newWorld(t)
	v := w.replica(t)
	token, err := w.issuer.Mint(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	kid, fetches := w.issuer.Key().ID(), w.issuer.Counts()
	eventually(t, func() bool { // verification goes on before the keys are stored
		_, _, err := w.store(t, secretA).Load(t.Context(), w.id)
		return err == nil
	})
	d := w.decision(t, exitDone, "revoke", kid)
	if !d.Changed || len(d.Thumbprints) != 1 || !slices.Contains(d.After.Record.Denied, kid) || !slices.Contains(d.After.Record.Denied, d.Thumbprints[0]) {
		t.Errorf("%+v", d)
	}
	if d.After.Record.Keys[0].State != keyDenied {
		t.Errorf("keys %+v", d.After.Record.Keys)
	}
	eventually(t, func() bool {
		_, err := v.Verify(t.Context(), token)
		return errors.Is(err, verifier.ErrInvalidToken)
	})
	if again := w.decision(t, exitDone, "revoke", kid); again.Changed {
		t.Errorf("again: %+v", again)
	}
	if got := w.issuer.Counts(); got != fetches {
		t.Errorf("the issuer was asked: %+v, before %+v", got, fetches)
	}
}

// eventually waits for another process, as long as the test may take.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for t.Context().Err() == nil && !is() {
		waitABit()
	}
}

func TestAnUnknownKidIsDeniedByItsName(t *testing.T) {
	w := newWorld(t)
	for kid, shown := range map[string]string{"later": "later", "-dash": "-dash", "wipe\x1b[2J": `"wipe\x1b[2J"`} {
		got := invoke(t, w.env, "fleet", "revoke", "--issuer", w.id.Issuer, "--", kid)
		if got.code != exitDone || !strings.Contains(got.out, shown+": done") || !strings.Contains(got.out, "by its kid alone") ||
			strings.Contains(got.out, "\x1b") {
			t.Errorf("%+v", got)
		}
	}
	if rec := w.stored(t); len(rec.Denied) != 3 || len(rec.Document) != 0 {
		t.Errorf("%+v", rec)
	}
	if c := w.issuer.Counts(); c.JWKS+c.Discovery > 0 {
		t.Errorf("the issuer was asked: %+v", c)
	}
}

func TestAFullDenyListIsTold(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, func(r *keystore.Record) {
		for i := range maxDenied {
			r.Denied = append(r.Denied, fmt.Sprintf("kid%02d", i))
		}
	})
	got := w.invoke(t, "revoke", "one-more")
	if got.code != exitFinding || !strings.Contains(got.err, "nothing was denied") {
		t.Errorf("%+v", got)
	}
	if rec := w.stored(t); slices.Contains(rec.Denied, "one-more") || len(rec.Denied) != maxDenied {
		t.Errorf("%d denied", len(rec.Denied))
	}
}

// Each purge counts, also the second, whose epoch the new process has to learn first.
func TestPurgeMakesTheFleetAskAnew(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	for epoch := uint64(1); epoch <= 3; epoch++ {
		kid, err := w.issuer.Rotate()
		if err != nil {
			t.Fatal(err)
		}
		before := w.issuer.Counts().JWKS
		d := w.decision(t, exitDone, "purge")
		r := d.After.Record
		if r.Epoch != epoch || !r.Confirmed || len(d.After.Findings) > 0 || !slices.ContainsFunc(r.Keys, func(k keyReport) bool { return k.ID == kid }) {
			t.Errorf("purge %d: %+v", epoch, d.After)
		}
		// One to see whether the issuer answers, one that counts.
		if n := w.issuer.Counts().JWKS - before; n != 2 {
			t.Errorf("purge %d: %d fetches", epoch, n)
		}
	}
}

func TestPurgeSparesAFleetWhoseIssuerDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	w.issuer.Fail(http.StatusForbidden)
	got := w.invoke(t, "purge")
	if got.code != exitUnavailable || !strings.Contains(got.err, "nothing was purged") || got.out != "" {
		t.Errorf("%+v", got)
	}
	if rec := w.stored(t); rec.Epoch != 0 {
		t.Errorf("epoch %d", rec.Epoch)
	}
	forced := w.invoke(t, "purge", "--force")
	if forced.code != exitUnavailable || !strings.Contains(forced.err, "not confirmed the keys yet") {
		t.Errorf("%+v", forced)
	}
	if rec := w.stored(t); rec.Epoch != 1 || rec.DocumentEpoch != 0 {
		t.Errorf("epoch %d, document %d", rec.Epoch, rec.DocumentEpoch)
	}
	if got := w.invoke(t, "show"); got.code != exitFinding || !strings.Contains(got.out, findingUnconfirmed) || !strings.Contains(got.out, "cooling after failed") {
		t.Errorf("%+v", got)
	}
}

func TestPurgeTakesPlainHTTPOnlyWhenTold(t *testing.T) {
	w := newWorld(t)
	got := invoke(t, w.env, "fleet", "purge", "--issuer", "http://issuer.invalid", "--force")
	if got.code != exitMisuse || !strings.Contains(got.err, "plain http") {
		t.Errorf("%+v", got)
	}
}
