package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/keychorus/keychorus/examples/collector"
)

// printSpans prints every trace as a tree. Traces have numbers, so that links can be followed.
// There is one issuer, which is left out.
func printSpans(out io.Writer, got *collector.Signals) {
	roots := got.Below(nil)
	number := func(id []byte) int {
		return 1 + slices.IndexFunc(roots, func(s *trace.Span) bool { return bytes.Equal(s.GetTraceId(), id) })
	}
	var tree func(s *trace.Span, head, indent string)
	tree = func(s *trace.Span, head, indent string) {
		var line strings.Builder
		fmt.Fprintf(&line, "%-40s %10s  %s", head+s.GetName(), took(s), described(s.GetAttributes(), "keychorus.issuer"))
		for _, l := range s.GetLinks() {
			fmt.Fprintf(&line, "  link → %d", number(l.GetTraceId()))
		}
		_, _ = fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
		children := got.Below(s)
		for i, c := range children {
			if i < len(children)-1 {
				tree(c, indent+"├─ ", indent+"│  ")
			} else {
				tree(c, indent+"└─ ", indent+"   ")
			}
		}
	}
	for i, root := range roots {
		tree(root, fmt.Sprintf("%2d  ", i+1), "    ")
	}
}

func took(s *trace.Span) string {
	d := time.Duration(s.GetEndTimeUnixNano() - s.GetStartTimeUnixNano())
	return strconv.FormatFloat(d.Seconds()*1000, 'f', 2, 64) + " ms"
}

// described are the attributes of this library, and those of HTTP that say how it ended.
func described(attributes []*common.KeyValue, but ...string) string {
	var all []string
	for _, a := range attributes {
		if slices.Contains(but, a.GetKey()) {
			continue
		}
		name, ours := strings.CutPrefix(a.GetKey(), "keychorus.")
		if ours || name == "error.type" || name == "http.response.status_code" {
			all = append(all, strings.TrimPrefix(name, "http.response.")+"="+text(a.GetValue()))
		}
	}
	return strings.Join(all, " ")
}

func text(v *common.AnyValue) string {
	if i, ok := v.GetValue().(*common.AnyValue_IntValue); ok {
		return strconv.FormatInt(i.IntValue, 10)
	}
	return v.GetStringValue()
}
