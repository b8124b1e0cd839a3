package guard_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// slow takes 12 ms and says whether the token passes.
func slow(err error) verifier.Requirement {
	return verifier.NewRequirement(verifier.RequirementSpec{
		Name: "slow", Check: func(ctx context.Context, _ *verifier.Token) error {
			select {
			case <-time.After(12 * time.Millisecond):
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
}

// copied returns the header of an answer that an outer layer has begun.
func copied(d guard.Decision) http.Header {
	h := http.Header{
		"Server-Timing": {"db;dur=1"}, "Vary": {"Origin"}, "Cache-Control": {"max-age=1"}, "Www-Authenticate": {"Basic", "Negotiate"},
	}
	d.CopyHeader(h.Set, h.Add)
	return h
}

func TestServerTimingIsTheTimeOfTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, issuer := newGuard(t, guard.WithServerTiming(), guard.WithOptional())
		good := authorized("Bearer " + mint(t, issuer, nil))
		const took = `keychorus;dur=12.000;desc="access token check"`
		for what, c := range map[string]struct {
			d    guard.Decision
			want string
		}{
			"allowed":   {g.Check(t.Context(), good, slow(nil)), took},
			"refused":   {g.Check(t.Context(), good, slow(&verifier.Error{Reason: verifier.ReasonRequirement})), took},
			"anonymous": {g.Check(t.Context(), authorized()), `keychorus;dur=0.000;desc="access token check"`},
			"no header": {g.Check(t.Context(), authorized("Bearer")), `keychorus;dur=0.000;desc="access token check"`},
		} {
			if got := c.d.Header().Values("Server-Timing"); !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s: %q, want %q", what, got, c.want)
			}
			if got := copied(c.d).Values("Server-Timing"); !slices.Equal(got, []string{"db;dur=1", c.want}) {
				t.Errorf("%s: copied as %q, want what an outer layer has set, and %q", what, got, c.want)
			}
		}
	})
}

func TestServerTimingIsNotToldUnasked(t *testing.T) {
	g, issuer := newGuard(t)
	timed, err := g.With(guard.WithServerTiming())
	if err != nil {
		t.Fatal(err)
	}
	r := authorized("Bearer " + mint(t, issuer, nil))
	for what, d := range map[string]guard.Decision{
		"allowed": g.Check(t.Context(), r), "refused": g.Check(t.Context(), authorized()), "zero": {},
		"nil guard": (*guard.Guard)(nil).Check(t.Context(), r),
	} {
		if got := d.Header().Values("Server-Timing"); len(got) != 0 {
			t.Errorf("%s: %q", what, got)
		}
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if d := timed.Check(gone, r, slow(nil)); d.Status() != 499 || len(d.Header()) != 0 {
		t.Errorf("the caller has left: status %d, header %v", d.Status(), d.Header())
	}
	if d := timed.Check(t.Context(), r); !regexp.MustCompile(`^keychorus;dur=\d+\.\d{3};desc="access token check"$`).
		MatchString(d.Header().Get("Server-Timing")) {
		t.Errorf("a variation tells %q", d.Header().Get("Server-Timing"))
	}
}

func TestCopyHeaderReplacesAndLeavesTheRest(t *testing.T) {
	g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{}))
	refused := copied(g.Check(t.Context(), authorized()))
	if got := refused.Values("WWW-Authenticate"); len(got) != 2 || got[0] != `Bearer realm="api"` {
		t.Errorf("challenges %q, want those of the guard alone", got)
	}
	if refused.Get("Cache-Control") != "no-store" || refused.Get("Vary") != "Origin" || refused.Get("Server-Timing") != "db;dur=1" {
		t.Errorf("header %v", refused)
	}
	allowed := copied(g.Check(t.Context(), authorized("Bearer "+mint(t, issuer, nil))))
	if len(allowed.Values("WWW-Authenticate")) != 2 || allowed.Get("Cache-Control") != "max-age=1" {
		t.Errorf("header %v of a request that may pass, want it untouched", allowed)
	}
}

// A request that passes pays for the field only if it is asked for.
func TestCopyHeaderAllocates(t *testing.T) {
	g, issuer := newGuard(t)
	timed, err := g.With(guard.WithServerTiming())
	if err != nil {
		t.Fatal(err)
	}
	r := authorized("Bearer " + mint(t, issuer, nil))
	plain, told := g.Check(t.Context(), r), timed.Check(t.Context(), r)
	h := http.Header{}
	if n := testing.AllocsPerRun(200, func() { plain.CopyHeader(h.Set, h.Add) }); n > 0 || len(h) > 0 {
		t.Errorf("%v allocations for the header %v", n, h)
	}
	if n := testing.AllocsPerRun(200, func() { clear(h); told.CopyHeader(h.Set, h.Add) }); n > 2 {
		t.Errorf("%v allocations for the header %v, want the value and its slice", n, h)
	}
}

// Whatever a clock does, the field is a number.
func FuzzServerTiming(f *testing.F) {
	for _, d := range []time.Duration{0, -1, 1, time.Microsecond, time.Hour, 1<<63 - 1, -1 << 63} {
		f.Add(int64(d))
	}
	field := regexp.MustCompile(`^keychorus;dur=(\d+\.\d{3});desc="access token check"$`)
	f.Fuzz(func(t *testing.T, took int64) {
		m := field.FindStringSubmatch(guard.TimingField(time.Duration(took)))
		if m == nil {
			t.Fatal("malformed")
		}
		if ms, err := strconv.ParseFloat(m[1], 64); err != nil || ms < 0 {
			t.Errorf("%v, %v", ms, err)
		}
	})
}
