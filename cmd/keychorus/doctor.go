package main

import (
	"context"
	"flag"
	"slices"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

func doctorCommand() command {
	return command{
		name:    "doctor",
		summary: "whether this machine can verify the tokens of an issuer, and what to mend",
		details: `
Looks at everything that verification needs, without a token: settings, metadata, key set, each
key, the clock of this machine, the audience, and, if a fleet secret is set or a server named,
the store on Redis. It changes nothing. Warnings leave the exit code at 0.

  keychorus doctor --domain bookshop.kinde.com --audience https://api.bookshop.example
  keychorus doctor --issuer https://login.example.com --audience api --redis rediss://redis:6379
` + trustEnvironment + `
  KEYCHORUS_FLEET_SECRET, …       the store, see keychorus fleet --help`,
		setup: func(flags *flag.FlagSet) action {
			var d doctorFlags
			d.trustFlags.add(flags)
			d.store.addServer(flags)
			flags.BoolVar(&d.json, "json", false, "print JSON for programs")
			return d.run
		},
	}
}

type doctorFlags struct {
	trustFlags

	store fleetFlags
	json  bool
}

// The states of a finding.
const (
	statePass = "pass"
	stateWarn = "warn"
	stateFail = "fail"
	stateSkip = "skip"
)

// finding is one thing that was looked at. Names stay, and new ones may come.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"`
	Text  string `json:"text"`
	Fix   string `json:"fix,omitempty"`

	unavailable bool // it failed because nobody answered
}

// diagnosis is what the doctor says.
type diagnosis struct {
	Findings []finding `json:"findings"`
	// Environment is what kinde.FromEnv reads to the same effect, for Kinde.
	Environment map[string]string `json:"environment,omitempty"`
}

func (d *diagnosis) add(check, state, text, fix string) {
	d.Findings = append(d.Findings, finding{Check: check, State: state, Text: text, Fix: fix})
}

// fails notes that nobody answered.
func (d *diagnosis) fails(check, text, fix string) {
	d.Findings = append(d.Findings, finding{check, stateFail, text, fix, true})
}

func (f *doctorFlags) run(ctx context.Context, c *call, _ []string) error {
	f.fromEnv(c)
	asked := f.audiences
	if len(asked) == 0 && !f.anyAudience { // told below, beside everything else
		f.audiences = wordList{"unset"}
	}
	policy, err := f.build(ctx)
	if err != nil {
		return err
	}
	v, err := newVerifier(policy)
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	d := &diagnosis{Findings: []finding{}}
	x := &examination{diagnosis: d, c: c, fetcher: c.fetcher(f.timeout), kinde: f.isKinde()}
	for i := range policy.Issuers {
		x.issuer(ctx, &policy.Issuers[i])
	}
	x.warm(ctx, v)
	x.clock(policy.Leeway)
	x.audience(asked, f.anyAudience, policy.Issuers)
	for i := range policy.Issuers {
		x.store(ctx, &f.store, &policy.Issuers[i])
	}
	if f.isKinde() && f.jwks == "" {
		d.Environment = environment(&f.trustFlags, policy, asked)
	}
	return c.finishDoctor(d, f.json)
}

// environment is what kinde.FromEnv reads.
func environment(f *trustFlags, p verifier.Policy, audiences []string) map[string]string {
	hosts := make([]string, 0, len(p.Issuers))
	for _, iss := range p.Issuers {
		hosts = append(hosts, strings.TrimPrefix(iss.URL, "https://"))
	}
	env := map[string]string{"KINDE_DOMAIN": hosts[0]}
	if len(hosts) > 1 {
		env["KINDE_EXTRA_DOMAINS"] = strings.Join(hosts[1:], " ")
	}
	if len(audiences) > 0 {
		env["KINDE_AUDIENCE"] = strings.Join(audiences, " ")
	}
	if len(f.clients) > 0 {
		env["KINDE_CLIENT_ID"] = f.clients.String()
	}
	return env
}

func (c *call) finishDoctor(d *diagnosis, asJSON bool) error {
	var err error
	if asJSON {
		err = c.printJSON(d)
	} else {
		p := c.printer()
		p.diagnosis(d)
		err = p.err
	}
	failed := func(f finding) bool { return f.State == stateFail }
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(d.Findings, func(f finding) bool { return failed(f) && f.unavailable }):
		return &failure{code: exitUnavailable}
	case slices.ContainsFunc(d.Findings, failed):
		return errFound
	}
	return nil
}

// diagnosis prints what was found for people.
func (p *printer) diagnosis(d *diagnosis) {
	colours := map[string]string{statePass: green, stateWarn: yellow, stateFail: red, stateSkip: dim}
	count := map[string]int{}
	for _, f := range d.Findings {
		count[f.State]++
		p.printf("%s %s %s\n", p.paint(colours[f.State], f.State), pad(f.Check, 9), printable(f.Text))
		if f.Fix != "" {
			p.printf("%s %s\n", pad("", 14), p.paint(dim, printable(f.Fix)))
		}
	}
	p.printf("\n")
	switch {
	case count[stateFail] > 0:
		p.printf("%s\n", p.paint(red, plural(count[stateFail], "check")+" failed"))
	case count[stateWarn] > 0:
		p.printf("%s\n", p.paint(yellow, "ready, with "+plural(count[stateWarn], "warning")))
	default:
		p.printf("%s\n", p.paint(green, "ready to verify tokens"))
	}
	if len(d.Environment) > 0 && count[stateFail] == 0 {
		p.printf("\nFor kinde.FromEnv:\n")
		for _, name := range []string{"KINDE_DOMAIN", "KINDE_EXTRA_DOMAINS", "KINDE_AUDIENCE", "KINDE_CLIENT_ID"} {
			if value, ok := d.Environment[name]; ok {
				p.printf("  export %s=%s\n", name, quoted(value))
			}
		}
	}
}
