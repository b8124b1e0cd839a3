package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// shown is how many series of a metric are printed.
const shown = 3

// printMetrics prints the metrics of this library, with a few of their series.
func printMetrics(out io.Writer, received map[string]*metrics.Metric) {
	for _, name := range slices.Sorted(maps.Keys(received)) {
		if !strings.HasPrefix(name, "keychorus.") {
			continue
		}
		unit, series := received[name].GetUnit(), slices.Sorted(slices.Values(seriesOf(received[name])))
		for i, line := range series[:min(shown, len(series))] {
			if i > 0 {
				name, unit = "", ""
			}
			_, _ = fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-34s %-10s  %s", name, unit, line), " "))
		}
		if more := len(series) - shown; more > 0 {
			_, _ = fmt.Fprintf(out, "%-46s and %d more\n", "", more)
		}
	}
}

// seriesOf returns a line for each series of a metric.
func seriesOf(m *metrics.Metric) []string {
	histograms := m.GetHistogram().GetDataPoints()
	numbers := slices.Concat(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints())
	lines := make([]string, 0, len(histograms)+len(numbers))
	for _, p := range histograms {
		mean := p.GetSum() / float64(p.GetCount())
		lines = append(lines, fmt.Sprintf("%s: %d, mean %s", described(p.GetAttributes()), p.GetCount(), number(mean)))
	}
	for _, p := range numbers {
		value := strconv.FormatInt(p.GetAsInt(), 10)
		if f, ok := p.GetValue().(*metrics.NumberDataPoint_AsDouble); ok {
			value = number(f.AsDouble)
		}
		lines = append(lines, strings.TrimPrefix(described(p.GetAttributes())+": "+value, ": "))
	}
	return lines
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', 3, 64) }
