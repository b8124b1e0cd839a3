package main

import (
	"context"
	"errors"
	"flag"

	"github.com/keychorus/keychorus/verifier"
)

func explainCommand() command {
	return command{
		name:    "explain",
		summary: "why an access token is accepted or refused, and what to change",
		details: `
Reads one token from standard input, or asks for it at a terminal without showing it, and makes
every check that an API with this policy makes. Nothing of the token is printed: what was
expected comes from the policy, and how the token differs is told in words. Keys are fetched
from the issuer, as the API would, or read from a file.

  keychorus explain --domain bookshop.kinde.com --audience https://api.bookshop.example < token.txt
  keychorus explain --issuer https://login.example.com --audience api --jwks keys.json
` + trustEnvironment,
		setup: func(flags *flag.FlagSet) action {
			var f explainFlags
			f.add(flags)
			flags.BoolVar(&f.json, "json", false, "print JSON for programs")
			return f.run
		},
	}
}

type explainFlags struct {
	trustFlags

	json bool
}

// explained is the report as JSON. Names stay, and new ones may come.
type explained struct {
	verifier.Report

	Notes []string `json:"notes"`
}

func (f *explainFlags) run(ctx context.Context, c *call, _ []string) error {
	policy, err := f.policy(ctx, c)
	if err != nil {
		return err
	}
	v, err := newVerifier(policy)
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	token, notes, err := c.readToken(ctx)
	if err != nil {
		return err
	}
	r := explained{Report: v.Explain(ctx, token), Notes: append([]string{}, notes...)}
	if f.json {
		err = c.printJSON(r)
	} else {
		p := c.printer()
		p.explanation(&r)
		err = p.err
	}
	switch {
	case err != nil:
		return err
	case r.Accepted:
		return nil
	case errors.Is(r.Reason.Root(), verifier.ErrUnavailable):
		return &failure{code: exitUnavailable}
	default:
		return errFound
	}
}

// explanation prints a report for people.
func (p *printer) explanation(r *explained) {
	for _, n := range r.Notes {
		p.fieldf("note", "%s", p.paint(yellow, n))
	}
	switch {
	case r.Accepted:
		p.fieldf("token", "%s", p.paint(green, "accepted"))
	case errors.Is(r.Reason.Root(), verifier.ErrUnavailable):
		p.fieldf("token", "%s: %s", p.paint(yellow, "undecided"), printable(r.Description))
	default:
		p.fieldf("token", "%s: %s", p.paint(red, "refused"), printable(r.Description))
	}
	if !r.Accepted {
		reason := string(r.Reason)
		if r.Diagnosis != reason {
			reason += ", " + r.Diagnosis
		}
		p.fieldf("reason", "%s", printable(reason))
		p.fieldf("cause", "%s", p.paint(bold, printable(r.Cause)))
		label := "what to do"
		for _, fix := range r.Fixes {
			p.fieldf(label, "%s", printable(fix))
			label = ""
		}
	}
	p.printf("\n")
	unverified := false
	for _, check := range r.Checks {
		p.check(&check, r.Cause)
		unverified = unverified || check.Unverified
	}
	if unverified {
		p.printf("\nUnverified: no signature could be checked, so whoever made the token may have written what passes here.\n")
	}
}

// check prints a line, and what was expected if that helps.
func (p *printer) check(c *verifier.Check, told string) {
	colour := map[verifier.Outcome]string{verifier.Passed: green, verifier.Failed: red, verifier.NotReached: dim}[c.Outcome]
	word, name := string(c.Outcome), c.Name
	if c.Unverified {
		name += " (unverified)"
		if c.Outcome == verifier.Passed {
			colour = yellow
		}
	}
	p.printf("%s %s\n", p.paint(colour, pad(word, 12)), name)
	if c.Detail != "" && c.Detail != told {
		p.fieldf("", "%s", printable(c.Detail))
	}
	if c.Outcome == verifier.Failed && c.Expected != "" {
		p.fieldf("", "%s", p.paint(dim, "expected: "+printable(c.Expected)))
	}
}
