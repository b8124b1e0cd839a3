package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/verifier"
)

// operateTime bounds how long a change is tried; maxDenied is how much a record denies at most.
const (
	operateTime = 10 * time.Second
	maxDenied   = 64
)

// decision is what an operator changed, and what is stored afterwards.
type decision struct {
	Action string `json:"action"` // revoke or purge
	KeyID  string `json:"kid,omitempty"`
	// Thumbprints are of the keys that were stored under the kid.
	Thumbprints []string `json:"thumbprints,omitempty"`
	// Changed says that something was not so before.
	Changed bool     `json:"changed"`
	Notes   []string `json:"notes"`
	After   *report  `json:"after"`
}

func revokeCommand() command {
	return command{
		name:      "revoke",
		summary:   "deny a key to the whole fleet",
		arguments: []string{"KID"},
		details: `
Denies the kid, and the thumbprints of the keys that are stored under it, whatever the issuer
publishes. Replicas follow within a moment, or within 20 s if announcements do not reach them.
The issuer is not asked. A denial does not expire and cannot be taken back here; at most 64 are
kept for an issuer. Whoever wipes the store wipes it where no replica runs: the permanent form
is Issuer.DeniedKeys in the configuration. A KID that begins with - goes behind --.`,
		setup: func(flags *flag.FlagSet) action {
			var f fleetFlags
			f.add(flags)
			return func(ctx context.Context, c *call, args []string) error { return revoke(ctx, c, &f, args[0]) }
		},
	}
}

func revoke(ctx context.Context, c *call, f *fleetFlags, kid string) error {
	if err := f.needIssuer(); err != nil {
		return err
	}
	if kid == "" {
		return misuse("", "KID is empty")
	}
	fl, err := f.open(c)
	if err != nil {
		return err
	}
	defer fl.close()
	ctx, cancel := context.WithTimeout(ctx, operateTime)
	defer cancel()
	before, err := fl.look(ctx, fl.id)
	if err != nil {
		return err
	}
	d := &decision{Action: "revoke", KeyID: kid, Thumbprints: []string{}, Notes: []string{}}
	var denied []string
	if in := newest(before); in != nil {
		denied = in.Record.Denied
		d.Thumbprints = thumbprintsUnder(in.Record, kid)
	}
	if len(d.Thumbprints) == 0 {
		d.Notes = append(d.Notes, "no key is stored under this kid now: it is denied by its kid alone")
	}
	add := slices.DeleteFunc(append([]string{kid}, d.Thumbprints...), func(s string) bool { return slices.Contains(denied, s) })
	if len(denied)+len(add) > maxDenied {
		return &failure{exitFinding, fmt.Sprintf("%d keys are denied already, and %d is the limit: nothing was denied", len(denied), maxDenied),
			"purge and Issuer.DeniedKeys are the other means"}
	}
	d.Changed = len(add) > 0
	if err := fl.deny(ctx, add); err != nil {
		return err
	}
	return fl.finish(ctx, c, f, d)
}

func thumbprintsUnder(rec *keystore.Record, kid string) []string {
	found := []string{}
	for _, k := range keysOf(rec) {
		if k.ID == kid && k.Thumbprint != "" {
			found = append(found, k.Thumbprint)
		}
	}
	return found
}

// deny goes through a verifier, which merges with what others decide meanwhile. It has not
// looked at the store, so that no key is fetched: it is told the thumbprints.
func (f *fleet) deny(ctx context.Context, add []string) error {
	v, err := verifier.New(policyFor(verifier.Issuer{URL: f.id.Issuer, JWKSURL: f.id.JWKSURL, AllowHTTPUnsafe: true}),
		verifier.WithKeyStore(f.Store))
	if err != nil {
		return misuse("", "%s", err)
	}
	defer func() { _ = v.Close() }()
	for _, key := range add {
		if err := v.RevokeKey(ctx, f.id.Issuer, key); err != nil {
			return unavailable("the server is "+printable(f.server), "the denial could not be stored: %s", because(err))
		}
	}
	return nil
}

// because prefers the cause, which says more to an operator than to a caller of an API.
func because(err error) string {
	if e, ok := errors.AsType[*verifier.Error](err); ok {
		if causes := e.Unwrap(); len(causes) > 1 {
			return e.Reason.Description() + " (" + causes[1].Error() + ")"
		}
	}
	return err.Error()
}

// finish reports a decision and what is stored now.
func (f *fleet) finish(ctx context.Context, c *call, flags *fleetFlags, d *decision) error {
	after, err := f.look(ctx, f.id)
	if err != nil {
		return err
	}
	d.After = f.reportOf(after, c.now())
	if flags.json {
		return c.printJSON(d)
	}
	p := c.printer()
	done := map[bool]string{true: "done", false: "it was so already"}[d.Changed]
	if d.KeyID != "" {
		p.fieldf("revoke", "%s: %s", printable(d.KeyID), p.paint(green, done))
		for _, t := range d.Thumbprints {
			p.fieldf("", "and the key with the thumbprint %s", t)
		}
	} else {
		p.fieldf(d.Action, "%s", p.paint(green, done))
	}
	for _, n := range d.Notes {
		p.fieldf("note", "%s", n)
	}
	p.printf("\n")
	p.report(d.After)
	return p.err
}
