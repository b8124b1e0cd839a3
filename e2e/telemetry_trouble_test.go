package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// deaf takes connections and never says a word. It counts them.
func deaf(t *testing.T) (url string, connections *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = &atomic.Int64{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			defer func() { _ = c.Close() }()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return "http://" + l.Addr().String(), connections
}

// A collector that is silent, gone, or something else delays no request and fails none, however
// much waits for it, and a program ends in spite of it. An exporter may try for a minute, which
// is longer than a caller waits: none has had to wait for one.
func TestCollectorsThatDoNotWork(t *testing.T) {
	silent, connections := deaf(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	p := startProvider(t, quick)
	good, bad := p.token(resource+"ES256", scopes), p.token(stranger, scopes)
	for name, tt := range map[string]struct{ variable, url string }{
		"spans, silent":      {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", silent},
		"spans, gone":        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://" + freeAddress(t)},
		"spans, no OTLP":     {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", other.URL},
		"everything, silent": {"OTEL_EXPORTER_OTLP_ENDPOINT", silent},
		"everything, gone":   {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://" + freeAddress(t)},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBookstore(t, p, tt.variable+"="+tt.url, "OTEL_EXPORTER_OTLP_TIMEOUT=60000",
				"OTEL_BSP_MAX_QUEUE_SIZE=16", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=8")
			const n = 200
			for range n {
				b.want("a good token", http.MethodGet, good, http.StatusOK, "")
				b.want("a bad token", http.MethodGet, bad, http.StatusUnauthorized, "audience")
			}
			before := connections.Load()
			b.stop()
			if tt.url == silent && before == 0 {
				t.Error("nothing was exported: the test shows nothing")
			}
			counts := make(map[string]uint64)
			got := heard.Of(b.instance)
			for _, point := range got.Metrics["keychorus.verify.duration"].GetHistogram().GetDataPoints() {
				for _, a := range point.GetAttributes() {
					if a.GetKey() == "keychorus.outcome" {
						counts[a.GetValue().GetStringValue()] += point.GetCount()
					}
				}
			}
			counted := tt.variable == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" // the metrics go where they should
			if counted && (counts["accepted"] != n || counts["refused"] != n) || !counted && len(counts) > 0 {
				t.Errorf("counted are %v", counts)
			}
			if len(got.Spans) > 0 {
				t.Errorf("%d spans arrived", len(got.Spans))
			}
		})
	}
}

// What APIs said is searched when all tests are over. The search finds what is told, in an
// export or in a log; only a kid may be logged.
func TestTheSearchBites(t *testing.T) {
	p := startProvider(t, quick)
	token := p.token(resource+"ES256", scopes)
	b := startBookstore(t, p)
	b.want("a good token", http.MethodGet, token, http.StatusOK, "")
	b.stop()
	if len(heard.Of(b.instance).Spans) == 0 {
		t.Error("nothing was exported: the search is for nothing")
	}
	segments := strings.Split(token, ".")
	for what, text := range map[string]string{
		"the token": token, "its header": segments[0], "its payload": segments[1], "its signature": segments[2],
		"a part": token[len(token)/2:][:16], "its sub": member(t, segments[1], "sub"), "its jti": member(t, segments[1], "jti"), "the client's secret": secret,
	} {
		planted := [][]byte{[]byte("msg=\"" + text + "\"")}
		if told(&heard.secrets, planted, nil) == nil {
			t.Errorf("%s is not found in an export", what)
		}
		if told(&heard.secrets, nil, planted) == nil {
			t.Errorf("%s is not found in a log", what)
		}
	}
	kid := [][]byte{[]byte(member(t, segments[0], "kid"))}
	if told(&heard.secrets, kid, nil) == nil || told(&heard.secrets, nil, kid) != nil {
		t.Error("a kid may be logged, and not be exported")
	}
}

// member is a string in a segment of a token.
func member(t *testing.T, segment, name string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(raw, &said); err != nil {
		t.Fatal(err)
	}
	text, _ := said[name].(string)
	return text
}
