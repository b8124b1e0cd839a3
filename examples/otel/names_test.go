package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	prometheusexporter "go.opentelemetry.io/otel/exporters/prometheus"

	"github.com/keychorus/keychorus/examples/telemetry"
)

var word = regexp.MustCompile(`\b(?:keychorus|error)_\w+`)

// exported runs a round and returns the names of the metrics that Prometheus sees, with those
// of their series, and of the labels.
func exported(t *testing.T) (metrics map[string][]string, labels map[string]bool) {
	t.Helper()
	registry := prometheus.NewRegistry()
	exporter, err := prometheusexporter.New(prometheusexporter.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	signals, err := telemetry.Measure(t.Context(), service, exporter)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = signals.Shutdown() }()
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	if err := s.round(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	metrics, labels = make(map[string][]string), make(map[string]bool)
	for _, f := range families {
		name := f.GetName()
		if !strings.HasPrefix(name, "keychorus_") {
			continue
		}
		metrics[name] = []string{name}
		if f.GetType().String() == "HISTOGRAM" {
			metrics[name] = []string{name + "_bucket", name + "_count", name + "_sum"}
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
	}
	if len(metrics) != len(expected()) {
		t.Fatalf("%d metrics are exported, want %d", len(metrics), len(expected()))
	}
	return metrics, labels
}

// The dashboard, the alerts and the documentation name nothing that is not exported, and the
// dashboard shows every metric.
func TestDashboardAndAlertsNameWhatIsExported(t *testing.T) {
	metrics, labels := exported(t)
	known := make(map[string]bool)
	for _, series := range metrics {
		for _, name := range series {
			known[name] = true
		}
	}
	const docs = "../../docs/"
	for _, file := range []string{"observability/dashboard.json", "observability/alerts.yml", "observability/alerts_test.yml", "observability.md"} {
		content, err := os.ReadFile(docs + file)
		if err != nil {
			t.Fatal(err)
		}
		words := word.FindAllString(string(content), -1)
		if len(words) < 10 {
			t.Errorf("%s names only %q", file, words)
		}
		shows := make(map[string]bool)
		for _, w := range words {
			if shows[w] = true; !known[w] && !labels[w] {
				t.Errorf("%s names %s, which is not exported", file, w)
			}
		}
		if strings.HasSuffix(file, "dashboard.json") {
			for name, series := range metrics {
				if !shows[series[0]] && !shows[series[len(series)/2]] {
					t.Errorf("%s does not show %s", file, name)
				}
			}
		}
	}
}
