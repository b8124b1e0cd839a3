package e2e_test

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/keychorus/keychorus/examples/collector"
)

// attributes are those of this library, and the kind of an error.
func attributes(s *trace.Span) map[string]string {
	all := make(map[string]string)
	for _, a := range s.GetAttributes() {
		if name, ours := strings.CutPrefix(a.GetKey(), "keychorus."); ours || name == "error.type" {
			all[name] = a.GetValue().GetStringValue()
		}
	}
	return all
}

// wantSpans checks names and the most telling attribute, "" for spans that are not ours.
func wantSpans(t *testing.T, what string, spans []*trace.Span, want ...string) {
	t.Helper()
	got := make([]string, len(spans))
	for i, s := range spans {
		a := attributes(s)
		got[i] = strings.TrimRight(s.GetName()+" "+strings.TrimSpace(a["cause"]+" "+a["outcome"]), " ")
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
}

// An API that has no keys yet gets a request, and then another one. The first waits for a
// trace of its own, to which it is linked; the second waits for nothing.
func TestSpansOfAColdAndAWarmRequest(t *testing.T) {
	ca := newAuthority(t)
	p := startProvider(t, quick)
	a := startAPI(p, ca, nil)
	token := p.token(resource+"ES256", scopes)
	a.want("cold", bearer(token), accepted())
	a.want("warm", bearer(token), accepted())
	a.want("altered", bearer(altered(token)), refused("signature", "Bearer invalid_token"))
	a.stop() // and everything has been exported

	got := heard.Of(a.instance)
	roots := got.Below(nil)
	wantSpans(t, "roots", roots, "GET /books", "keychorus.keys.refresh cold useful", "GET /books", "GET /books")
	cold, refresh, warm, bad := roots[0], roots[1], roots[2], roots[3]
	wantSpans(t, "below the cold request", got.Below(cold), "keychorus.verify accepted")
	lookups := got.Below(got.Below(cold)[0])
	wantSpans(t, "below its verification", lookups, "keychorus.keys.lookup cold")
	if linked := got.Linked(lookups[0]); linked != refresh {
		t.Errorf("the lookup links to %v, want the refresh", linked)
	}
	wantSpans(t, "below the refresh", got.Below(refresh), "keychorus.jwks.fetch cold useful")
	wantSpans(t, "below the fetch", got.Below(got.Below(refresh)[0]))
	wantSpans(t, "below the warm request", got.Below(warm), "keychorus.verify accepted")
	wantSpans(t, "below its verification", got.Below(got.Below(warm)[0]))
	wantSpans(t, "below the request with an altered token", got.Below(bad), "keychorus.verify refused")
	refusal := got.Below(bad)[0]
	if why := attributes(refusal)["error.type"]; why != "signature" || refusal.GetStatus().GetCode() != trace.Status_STATUS_CODE_UNSET {
		t.Errorf("the refusal is %s with status %v", why, refusal.GetStatus())
	}
	for _, s := range got.Spans {
		if strings.HasPrefix(s.GetName(), "keychorus.") == (s.GetKind() == trace.Span_SPAN_KIND_SERVER) {
			t.Errorf("%s is of the kind %v", s.GetName(), s.GetKind())
		}
		if issuer, ok := attributes(s)["issuer"]; ok && issuer != p.Issuer {
			t.Errorf("%s has the issuer %s", s.GetName(), issuer)
		}
	}
	wantExemplars(t, got)
}

// wantExemplars checks that measurements lead to spans that were received.
func wantExemplars(t *testing.T, got *collector.Signals) {
	t.Helper()
	for name, below := range map[string]string{
		"keychorus.verify.duration": "keychorus.verify", "keychorus.fetch.duration": "keychorus.keys.refresh",
	} {
		n := 0
		for _, point := range got.Metrics[name].GetHistogram().GetDataPoints() {
			for _, e := range point.GetExemplars() {
				n++
				if s := got.Find(e.GetTraceId(), e.GetSpanId()); s.GetName() != below {
					t.Errorf("an exemplar of %s leads to %q, want %s", name, s.GetName(), below)
				}
			}
		}
		if n == 0 {
			t.Errorf("%s has no exemplar", name)
		}
	}
}

// documented are the metrics that docs/observability.md lists.
func documented(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(keychorus\\.[a-z_.]+)`").FindAllStringSubmatch(section, -1) {
		names = append(names, m[1])
	}
	if len(names) < 10 {
		t.Fatalf("only %q are documented", names)
	}
	return names
}

// elsewhere are metrics of what the bookstore has not got: webhooks, a token cache, a store.
var elsewhere = regexp.MustCompile(`^keychorus\.(verify_document|token_cache|fetch\.direct|store|lease|leases|seal|messages|breaker)\b`)

// A bookstore looks for keys before anybody asks, and again for a new key. It exports what the
// documentation promises of a verifier without store and cache, and nothing else.
func TestMetricsAndSpansOfANewKey(t *testing.T) {
	p := startProvider(t, quick)
	b := startBookstore(t, p)
	b.want("first", http.MethodGet, p.token(resource+"ES256", scopes), http.StatusOK, "")
	p.do("rotate")
	b.want("new key", http.MethodGet, p.token(resource+"ES256", scopes), http.StatusOK, "")
	b.stop()

	got := heard.Of(b.instance)
	var names []string
	for name := range maps.Keys(got.Metrics) {
		if strings.HasPrefix(name, "keychorus.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	want := slices.DeleteFunc(documented(t), func(name string) bool {
		return elsewhere.MatchString(name)
	})
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("exported are %q, want %q", names, want)
	}
	wantSeries(t, got.Metrics["keychorus.unknown_kid.decisions"], map[string]int64{"found": 1})
	refreshes := slices.DeleteFunc(got.Below(nil), func(s *trace.Span) bool { return s.GetName() != "keychorus.keys.refresh" })
	wantSpans(t, "refreshes", refreshes, "keychorus.keys.refresh cold useful", "keychorus.keys.refresh unknown_kid useful")
	lookups := slices.DeleteFunc(slices.Clone(got.Spans), func(s *trace.Span) bool { return attributes(s)["cause"] != "unknown_kid" || s.GetLinks() == nil })
	wantSpans(t, "lookups", lookups, "keychorus.keys.lookup unknown_kid")
	if got.Linked(lookups[0]) != refreshes[1] {
		t.Error("the lookup does not link to the refresh that brought the new key")
	}
}

// wantSeries checks a counter whose series differ in one attribute.
func wantSeries(t *testing.T, m *metrics.Metric, want map[string]int64) {
	t.Helper()
	got := make(map[string]int64)
	for _, point := range m.GetSum().GetDataPoints() {
		var values []string
		for _, a := range point.GetAttributes() {
			values = append(values, a.GetValue().GetStringValue())
		}
		got[strings.Join(values, " ")] = point.GetAsInt()
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s is %v, want %v", m.GetName(), got, want)
	}
}
