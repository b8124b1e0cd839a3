//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

// table prints events for people.
type table struct {
	out     io.Writer
	colours bool
}

func (t *table) paint(code, s string) string {
	if !t.colours {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *table) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

// print shows what every replica saw of an event, and the verdict. Rows of zeros say nothing.
func (t *table) print(r *result) {
	mark := t.paint(green, "✓")
	if len(r.problems) > 0 {
		mark = t.paint(red, "✗")
	}
	needed := fmt.Sprintf("needed %d", r.event.needed)
	if r.event.allowed > r.event.needed {
		needed += fmt.Sprintf(", allowed %d", r.event.allowed)
	}
	t.printf("\n%s %s\n  %s\n", mark, t.paint(bold, r.event.name), t.paint(dim, r.event.about))
	t.printf("  the issuer was asked %s, %s; %.1f s\n", times(r.fetches), needed, r.took.Seconds())
	for _, n := range r.notes {
		t.printf("  %s\n", n)
	}
	row := func(name string, always bool, value func(v view) string) {
		var b strings.Builder
		seen := always
		for _, v := range r.views {
			s := value(v)
			seen = seen || s != "0" && s != "-"
			fmt.Fprintf(&b, "%7s", s)
		}
		if seen {
			t.printf("    %s%s\n", t.paint(dim, fmt.Sprintf("%-12s", name)), b.String())
		}
	}
	n := 0
	row("replica", true, func(view) string { n++; return "#" + strconv.Itoa(n) })
	row("200", true, func(v view) string { return strconv.Itoa(v.ok) })
	row("401", false, func(v view) string { return strconv.Itoa(v.unauthorized) })
	row("503", false, func(v view) string { return strconv.Itoa(v.unavailable) })
	row("else", false, func(v view) string { return strconv.Itoa(v.other) })
	row("lost", false, func(v view) string { return strconv.Itoa(v.lost) })
	row(r.event.follows, false, func(v view) string { return milliseconds(v.followed) })
	row("slowest", false, func(v view) string { return milliseconds(v.slowest) })
	for _, p := range r.problems {
		t.printf("  %s\n", t.paint(red, p))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func milliseconds(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Second:
		return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
	default:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
}

// isTerminal tells whether colours are welcome; see no-color.org.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
