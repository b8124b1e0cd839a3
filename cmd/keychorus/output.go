package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The colours, by what they mean.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// printer prints for people. It keeps the first error of its writer.
type printer struct {
	w       io.Writer
	colours bool
	err     error
}

func (c *call) printer() *printer {
	return &printer{w: c.stdout, colours: c.env("NO_COLOR") == "" && isTerminal(c.stdout)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) paint(colour, s string) string {
	if !p.colours || colour == "" || s == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// fieldf prints a line of a list of properties.
func (p *printer) fieldf(name, format string, args ...any) {
	p.printf("%s %s\n", p.paint(dim, pad(name, 12)), fmt.Sprintf(format, args...))
}

// cell is a word in a table.
type cell struct{ text, colour string }

// table prints rows in aligned columns under a heading.
func (p *printer) table(heading []string, rows [][]cell) {
	widths := make([]int, len(heading))
	for i, h := range heading {
		widths[i] = utf8.RuneCountInString(h)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	line := func(cells []cell) {
		var b strings.Builder
		for i, c := range cells {
			text := c.text
			if i < len(cells)-1 {
				text = pad(text, widths[i]) + "  "
			}
			b.WriteString(p.paint(c.colour, text))
		}
		p.printf("%s\n", strings.TrimRight(b.String(), " "))
	}
	top := make([]cell, len(heading))
	for i, h := range heading {
		top[i] = cell{h, bold}
	}
	line(top)
	for _, row := range rows {
		line(row)
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 0))
}

// printable keeps what an issuer or a server has named from steering the terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	return s
}

func printables(list []string) string {
	shown := make([]string, len(list))
	for i, s := range list {
		shown[i] = printable(s)
	}
	return strings.Join(shown, ", ")
}

// short prints a duration for people: in two units at most.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + short(-d)
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
}

// printJSON prints v on one line.
func (c *call) printJSON(v any) error {
	e := json.NewEncoder(c.stdout)
	e.SetEscapeHTML(false) // addresses stay readable
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("the report could not be written: %w", err)
	}
	return nil
}
