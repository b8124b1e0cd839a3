package main

import (
	"context"
	"flag"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

func showCommand() command {
	return command{
		name:    "show",
		summary: "what is stored for an issuer, and whether it is well",
		details: `
Prints the record of an issuer: its age, how long it is fresh and usable, the keys, what
operators have denied, the epoch (the number of purges), and who may ask the issuer next. It
changes nothing. A finding gives exit code 1.`,
		setup: func(flags *flag.FlagSet) action {
			var f fleetFlags
			f.add(flags)
			return func(ctx context.Context, c *call, _ []string) error { return show(ctx, c, &f) }
		},
	}
}

func show(ctx context.Context, c *call, f *fleetFlags) error {
	if err := f.needIssuer(); err != nil {
		return err
	}
	fl, err := f.open(c)
	if err != nil {
		return err
	}
	defer fl.close()
	all, err := fl.look(ctx, fl.id)
	if err != nil {
		return err
	}
	r := fl.reportOf(all, c.now())
	if slices.Contains(r.Findings, findingNothing) {
		r.Hint = fl.meant(ctx)
	}
	if f.json {
		err = c.printJSON(r)
	} else {
		p := c.printer()
		p.report(r)
		err = p.err
	}
	if err == nil && len(r.Findings) > 0 {
		return errFound
	}
	return err
}

// meant looks where a record is if the settings are slightly wrong.
func (f *fleet) meant(ctx context.Context) string {
	issuers := []string{f.id.Issuer, f.id.Issuer + "/"}
	if bare, ok := strings.CutSuffix(f.id.Issuer, "/"); ok {
		issuers[1] = bare
	}
	for _, issuer := range issuers {
		for _, url := range slices.Compact([]string{f.id.JWKSURL, ""}) {
			all, err := f.Inspect(ctx, keystore.ID{Issuer: issuer, JWKSURL: url})
			if err != nil || newest(all) == nil {
				continue
			}
			if url == "" {
				return "a record is stored for --issuer " + issuer + " without --jwks-url"
			}
			return "a record is stored for --issuer " + issuer + " and this --jwks-url"
		}
	}
	return "all four must be those of the fleet, to the byte; a slash at the end counts"
}

// report prints a report for people.
func (p *printer) report(r *report) {
	p.printf("%s\n", p.paint(bold, printable(r.Issuer)))
	if r.JWKSURL != "" {
		p.fieldf("jwks url", "%s", printable(r.JWKSURL))
	}
	p.fieldf("namespace", "%s on %s", printable(r.Namespace), printable(r.Server))
	for _, finding := range r.Findings {
		p.fieldf("finding", "%s", p.paint(red, finding))
	}
	if r.Hint != "" {
		p.fieldf("hint", "%s", printable(r.Hint))
	}
	if len(r.Findings) == 0 {
		p.fieldf("state", "%s", p.paint(green, "well"))
	}
	if r.Record != nil {
		p.record(r.Record)
	}
	p.fieldf("lease", "%s", r.Lease)
	if r.Record != nil && len(r.Record.Keys) > 0 {
		p.printf("\n")
		p.keys(r.Record.Keys)
	}
	p.printf("\n")
	rows := make([][]cell, len(r.Secrets))
	for i, s := range r.Secrets {
		role, colour := "previous", map[string]string{sealOK: green, sealBroken: red}[s.Seal]
		if s.Primary {
			role = "primary"
		}
		rows[i] = []cell{{s.ID, ""}, {role, ""}, {s.Seal, colour}, {s.Lease.String(), ""}, {s.Name, dim}}
	}
	p.table([]string{"SECRET", "ROLE", "SEAL", "LEASE", "STORED UNDER"}, rows)
}

func (p *printer) record(r *recordReport) {
	if r.FetchedAt != nil {
		p.fieldf("age", "%s, fetched at %s", short(r.age), r.FetchedAt.Format(time.RFC3339))
		p.fieldf("fresh", "%s", left(r.rec.FreshFor-r.age))
		p.fieldf("usable", "%s", left(r.rec.UsableFor-r.age))
	}
	if r.FetchedFrom != "" {
		how := "as configured"
		if r.DiscoveredAt != nil {
			how = "discovered at " + r.DiscoveredAt.Format(time.RFC3339)
		}
		p.fieldf("fetched from", "%s (%s)", printable(r.FetchedFrom), how)
	}
	if r.ETag != "" {
		p.fieldf("etag", "%s", printable(r.ETag))
	}
	if r.LastModified != "" {
		p.fieldf("modified", "%s", printable(r.LastModified))
	}
	epoch := strconv.FormatUint(r.Epoch, 10)
	switch {
	case r.Confirmed:
		epoch += ", confirmed by the issuer"
	case r.DocumentBytes > 0:
		epoch += ", " + p.paint(red, "not confirmed by the issuer")
	}
	p.fieldf("epoch", "%s", epoch)
	denied := "nothing"
	if len(r.Denied) > 0 {
		denied = p.paint(yellow, printables(r.Denied))
	}
	p.fieldf("denied", "%s", denied)
	if r.Suspect != nil {
		p.fieldf("suspect", "an answer without usable keys since %s", r.Suspect.Since.Format(time.RFC3339))
	}
	kept := "for how long is not known"
	if r.KeptSeconds > 0 {
		kept = "for " + short(time.Duration(r.KeptSeconds*float64(time.Second)))
	}
	p.fieldf("stored", "%d bytes, of which %d are the issuer's, %s", r.StoredBytes, r.DocumentBytes, kept)
}

func left(d time.Duration) string {
	if d <= 0 {
		return "no more, since " + short(-d)
	}
	return "for " + short(d)
}

// String prints a lease for people.
func (l leaseReport) String() string {
	d := short(time.Duration(l.LeftSeconds * float64(time.Second)))
	switch l.State {
	case "fetching":
		return "fetching, at most " + d
	case "cooling":
		return "cooling after " + l.Outcome + ", " + d
	default:
		return l.State
	}
}

func (p *printer) keys(keys []keyReport) {
	rows := make([][]cell, len(keys))
	for i, k := range keys {
		colour := map[string]string{keyUsable: green, keyDenied: yellow, keySkipped: red}[k.State]
		kind := k.Type
		if k.Curve != "" {
			kind += " " + k.Curve
		}
		if k.Bits > 0 {
			kind += " " + strconv.Itoa(k.Bits)
		}
		state := k.State
		if k.Why != "" {
			state += ": " + k.Why
		}
		rows[i] = []cell{
			{dash(k.ID), ""}, {dash(kind), ""}, {dash(k.Algorithm), ""}, {dash(k.Use), ""}, {state, colour}, {dash(k.Thumbprint), dim},
		}
	}
	p.table([]string{"KID", "TYPE", "ALG", "USE", "STATE", "THUMBPRINT"}, rows)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return printable(s)
}
