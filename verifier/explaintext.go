package verifier

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// String returns the report as text for people, ending with a line end.
func (r Report) String() string {
	var b strings.Builder
	if r.Accepted {
		b.WriteString("accepted\n")
	} else {
		fmt.Fprintf(&b, "refused: %s\n\n", shown(r.Description))
		fmt.Fprintf(&b, "  reason  %s\n", shown(string(r.Reason)))
		if r.Diagnosis != string(r.Reason) {
			fmt.Fprintf(&b, "  likely  %s\n", shown(r.Diagnosis))
		}
		fmt.Fprintf(&b, "  cause   %s\n", shown(r.Cause))
		for i, fix := range r.Fixes {
			label := "  fix     "
			if i > 0 {
				label = "          "
			}
			fmt.Fprintf(&b, "%s%s\n", label, shown(fix))
		}
	}
	b.WriteString("\n")
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "  %-11s  %s%s\n", c.Outcome, c.Name, mark(c))
		if c.Outcome == Failed && c.Expected != "" {
			fmt.Fprintf(&b, "               expected: %s\n", shown(c.Expected))
		}
		if c.Detail != "" && c.Detail != r.Cause {
			fmt.Fprintf(&b, "               %s\n", shown(c.Detail))
		}
	}
	return b.String()
}

func mark(c Check) string {
	if c.Unverified {
		return " (unverified)"
	}
	return ""
}

// shown keeps what a policy or an issuer's key set holds from steering a terminal.
func shown(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return strconv.Quote(s)
}
