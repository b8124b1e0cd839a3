package guard_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

func TestOptionErrors(t *testing.T) {
	good, _ := newGuard(t)
	for _, tt := range []struct {
		name string
		opts []guard.Option
		want []string
	}{
		{"empty realm", []guard.Option{guard.WithRealm("")}, []string{"WithRealm"}},
		{"quote", []guard.Option{guard.WithRealm(`a"b`)}, []string{"WithRealm"}},
		{"backslash", []guard.Option{guard.WithRealm(`a\b`)}, []string{"WithRealm"}},
		{"line break", []guard.Option{guard.WithRealm("a\r\nX: y")}, []string{"WithRealm"}},
		{"not ASCII", []guard.Option{guard.WithRealm("é")}, []string{"WithRealm"}},
		{"realm twice", []guard.Option{guard.WithRealm("a"), guard.WithRealm("b")}, []string{"WithRealm is given twice"}},
		{"nil hook", []guard.Option{guard.WithErrorBody(nil)}, []string{"WithErrorBody"}},
		{"nil option", []guard.Option{nil}, []string{"Option is nil"}},
		{"several", []guard.Option{nil, guard.WithErrorBody(nil), guard.WithRealm("")},
			[]string{"Option is nil", "WithErrorBody", "WithRealm"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := good.With(tt.opts...)
			if g != nil || !errors.Is(err, verifier.ErrMisconfigured) {
				t.Fatalf("guard %v, error %v", g, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %q", err, want)
				}
			}
		})
	}
	if g, err := guard.New(nil); g != nil || !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("nil verifier: guard %v, error %v", g, err)
	}
	for name, g := range map[string]*guard.Guard{"nil": nil, "zero": {}} {
		if with, err := g.With(guard.WithOptional()); with != nil || !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("With of a %s guard: guard %v, error %v", name, with, err)
		}
	}
}

func TestWithLeavesTheGuardAlone(t *testing.T) {
	base, _ := newGuard(t, guard.WithRealm("base"))
	varied, err := base.With(guard.WithRealm("varied"), guard.WithOptional(), guard.WithPreflight())
	if err != nil {
		t.Fatal(err)
	}
	if d := base.Check(t.Context(), authorized()); d.Header().Get("WWW-Authenticate") != `Bearer realm="base"` {
		t.Errorf("the base answers %v", d.Header())
	}
	if d := varied.Check(t.Context(), authorized()); !d.Anonymous() {
		t.Errorf("the variation answers %v", d.Err())
	}
	if d := varied.Check(t.Context(), authorized("x\t")); !strings.HasPrefix(d.Header().Get("WWW-Authenticate"), `Bearer realm="varied", `) {
		t.Errorf("the variation answers %v", d.Header())
	}
}

func TestWithErrorBody(t *testing.T) {
	for _, tt := range []struct{ name, contentType, body, want string }{
		{"plain", "text/plain", "no", "text/plain"},
		{"parameters", `TEXT/html;  Charset="utf-8"`, "no", "text/html; charset=utf-8"},
		{"empty", "", "no", "application/octet-stream"},
		{"malformed", "text", "no", "application/octet-stream"},
		{"two", "text/plain, text/html", "no", "application/octet-stream"},
		{"header injection", "text/plain\r\nSet-Cookie: x", "no", "application/octet-stream"},
		{"not ASCII", `text/plain; a="é"`, "no", "text/plain; a*=utf-8''%C3%A9"},
		{"no body", "text/plain", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var seen guard.Decision
			g, _ := newGuard(t, guard.WithErrorBody(func(d guard.Decision) (string, []byte) {
				seen = d
				return tt.contentType, []byte(tt.body)
			}))
			d := g.Check(t.Context(), authorized("Bearer null"))
			if d.Allowed() || d.Status() != http.StatusUnauthorized || string(d.Body()) != tt.body {
				t.Errorf("status %d, body %q", d.Status(), d.Body())
			}
			if got := d.Header().Get("Content-Type"); got != tt.want {
				t.Errorf("content type %q, want %q", got, tt.want)
			}
			if seen.Status() != http.StatusUnauthorized || reasonOf(t, seen) != verifier.ReasonPlaceholder ||
				!strings.Contains(string(seen.Body()), `"reason":"placeholder"`) {
				t.Errorf("the hook was shown status %d, body %s", seen.Status(), seen.Body())
			}
			if seen.Header().Get("WWW-Authenticate") != d.Header().Get("WWW-Authenticate") {
				t.Error("the hook changed the challenge")
			}
		})
	}
}

// The bytes that the hook returned may change afterwards.
func TestErrorBodyIsCopied(t *testing.T) {
	shared := []byte("one")
	g, _ := newGuard(t, guard.WithErrorBody(func(guard.Decision) (string, []byte) { return "text/plain", shared }))
	d := g.Check(t.Context(), authorized())
	copy(shared, "two")
	if string(d.Body()) != "one" {
		t.Errorf("body %q", d.Body())
	}
}
