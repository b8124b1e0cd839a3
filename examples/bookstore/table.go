package main

import (
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"
)

// line is a row of the table.
type line struct {
	name, method string
	got          outcome
	elapsed      time.Duration
	right        bool
	note         string
}

// table prints lines for people.
type table struct {
	out         io.Writer
	colours     bool
	rows, wrong int
}

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

func (t *table) paint(code, s string) string {
	if !t.colours {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *table) heading(s string) {
	_, _ = fmt.Fprintf(t.out, "\n%s\n", t.paint(bold, s))
}

func (t *table) print(l line) {
	t.rows++
	mark, colour := "✓", green
	if !l.right {
		t.wrong++
		mark, colour = "✗", red
	}
	_, _ = fmt.Fprintf(t.out, "  %s %s %s %d  %s %s\n", t.paint(colour, mark), pad(l.method, 4), pad(l.name, 38), l.got.status,
		pad(string(l.got.reason), 18), t.paint(dim, fmt.Sprintf("%7.1f ms", float64(l.elapsed.Microseconds())/1000)))
	if l.note != "" {
		colour := dim
		if !l.right {
			colour = red
		}
		_, _ = fmt.Fprintf(t.out, "           %s\n", t.paint(colour, l.note))
	}
}

// neededFetches is how often a whole walk has to ask for the keys.
const neededFetches = 2

func (t *table) summary(fetches int) {
	_, _ = fmt.Fprintf(t.out, "\n%s\nThe issuer was asked for its keys %d times; needed are %d, for the first token and for the first of the new key.\n",
		t.paint(bold, fmt.Sprintf("%d of %d rows as expected.", t.rows-t.wrong, t.rows)), fetches, neededFetches)
}

func pad(s string, width int) string {
	for n := utf8.RuneCountInString(s); n < width; n++ {
		s += " "
	}
	return s
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
