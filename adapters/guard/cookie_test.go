package guard_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

func TestCookie(t *testing.T) {
	g, issuer := newGuard(t, guard.WithCookie("__Host-token"))
	open, err := g.With(guard.WithOptional())
	if err != nil {
		t.Fatal(err)
	}
	good := mint(t, issuer, nil)
	p := newProver(t)
	for _, tt := range []struct {
		name          string
		cookies       []string
		authorization []string
		want          verifier.Reason
	}{
		{"alone", []string{"__Host-token=" + good}, nil, ""},
		{"among others", []string{"a=b; __Host-token=" + good + "; token=x"}, nil, ""},
		{"in a second field", []string{"a=b", "__Host-token=" + good}, nil, ""},
		{"without space", []string{"a=b;__Host-token=" + good}, nil, ""},
		{"header alone", nil, []string{"Bearer " + good}, ""},
		{"header and other cookies", []string{"token=" + good}, []string{"Bearer " + good}, ""},

		{"both", []string{"__Host-token=" + good}, []string{"Bearer " + good}, verifier.ReasonMultipleCredentials},
		{"both, one bad", []string{"__Host-token=x"}, []string{"Bearer " + good}, verifier.ReasonMultipleCredentials},
		{"cookie and other scheme", []string{"__Host-token=" + good}, []string{"Basic eDp5"}, verifier.ReasonMultipleCredentials},
		{"cookie and empty header", []string{"__Host-token=" + good}, []string{""}, verifier.ReasonMultipleCredentials},
		{"twice", []string{"__Host-token=" + good + "; __Host-token=" + good}, nil, verifier.ReasonMultipleCredentials},
		{"twice in two fields", []string{"__Host-token=" + good, "__Host-token=x"}, nil, verifier.ReasonMultipleCredentials},

		{"none", nil, nil, verifier.ReasonNoCredentials},
		{"other name", []string{"token=" + good}, nil, verifier.ReasonNoCredentials},
		{"other case", []string{"__host-token=" + good}, nil, verifier.ReasonNoCredentials},
		{"longer name", []string{"x__Host-token=" + good}, nil, verifier.ReasonNoCredentials},
		{"name alone", []string{"__Host-token"}, nil, verifier.ReasonNoCredentials},
		{"signed out", []string{"__Host-token="}, nil, verifier.ReasonNoCredentials},
		{"signed out, and a header", []string{"__Host-token="}, []string{"Bearer " + good}, ""},

		{"quoted", []string{`__Host-token="` + good + `"`}, nil, verifier.ReasonMalformed},
		{"with scheme", []string{"__Host-token=Bearer " + good}, nil, verifier.ReasonMalformed},
		{"not token68", []string{"__Host-token={}"}, nil, verifier.ReasonMalformed},
		{"placeholder", []string{"__Host-token=undefined"}, nil, verifier.ReasonPlaceholder},
		{"object", []string{"__Host-token=[object Object]"}, nil, verifier.ReasonPlaceholder},
		{"1 MiB", []string{"__Host-token=" + strings.Repeat("A", 2<<20)}, nil, verifier.ReasonTooLarge},
		{"bad token", []string{"__Host-token=" + good + "x"}, nil, verifier.ReasonMalformed},
		{"bound token", []string{"__Host-token=" + p.token(t, issuer)}, nil, verifier.ReasonBinding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"Cookie": tt.cookies, "Authorization": tt.authorization}
			r := guard.Request{Method: http.MethodGet, Header: h}
			wantReason(t, tt.name, g.Check(t.Context(), r), tt.want)
			if d := open.Check(t.Context(), r); d.Anonymous() != (tt.want == verifier.ReasonNoCredentials) {
				t.Errorf("optional: anonymous %t with reason %q", d.Anonymous(), tt.want)
			}
		})
	}
	plain, _ := guard.New(newVerifier(t, issuer))
	r := guard.Request{Header: http.Header{"Cookie": {"__Host-token=" + good}}}
	wantReason(t, "not asked for", plain.Check(t.Context(), r), verifier.ReasonNoCredentials)
	for _, name := range []string{"", "a b", "a=b", "a;b", "é"} {
		if g, err := plain.With(guard.WithCookie(name)); g != nil || !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("%q: guard %v, error %v", name, g, err)
		}
	}
}
