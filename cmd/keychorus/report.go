package main

import (
	"encoding/hex"
	"errors"
	"math"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// report is what is stored for an issuer. Its JSON is for programs: names stay, and new ones
// may come. Times are RFC 3339 in UTC, spans are seconds.
type report struct {
	Issuer    string         `json:"issuer"`
	JWKSURL   string         `json:"jwks_url,omitempty"`
	Namespace string         `json:"namespace"`
	Server    string         `json:"server"`
	Findings  []string       `json:"findings"`
	Hint      string         `json:"hint,omitempty"`
	Record    *recordReport  `json:"record"`
	Lease     leaseReport    `json:"lease"`
	Secrets   []secretReport `json:"secrets"`
}

// recordReport is the record that counts.
type recordReport struct {
	AgeSeconds    float64        `json:"age_seconds"`
	FetchedAt     *time.Time     `json:"fetched_at"`
	FreshSeconds  float64        `json:"fresh_left_seconds"`
	UsableSeconds float64        `json:"usable_left_seconds"`
	FetchedFrom   string         `json:"fetched_from,omitempty"`
	DiscoveredAt  *time.Time     `json:"discovered_at"`
	ETag          string         `json:"etag,omitempty"`
	LastModified  string         `json:"last_modified,omitempty"`
	Epoch         uint64         `json:"epoch"`
	Confirmed     bool           `json:"confirmed"` // the issuer has answered since the last purge
	Denied        []string       `json:"denied"`
	Suspect       *suspectReport `json:"suspect"`
	DocumentBytes int            `json:"document_bytes"`
	Keys          []keyReport    `json:"keys"`
	StoredBytes   int            `json:"stored_bytes"`
	KeptSeconds   float64        `json:"kept_seconds"` // 0 if the server does not tell

	rec *keystore.Record
	age time.Duration
}

// suspectReport is an answer without usable keys, which is not believed yet.
type suspectReport struct {
	SHA256 string    `json:"sha256"`
	Since  time.Time `json:"since"`
}

// leaseReport is who may ask the issuer next.
type leaseReport struct {
	State       string  `json:"state"`             // free, fetching or cooling
	Outcome     string  `json:"outcome,omitempty"` // of the attempt before a cool-down
	LeftSeconds float64 `json:"left_seconds"`
}

// secretReport is what is stored under one secret.
type secretReport struct {
	ID      string      `json:"id"`
	Primary bool        `json:"primary"`
	Seal    string      `json:"seal"` // ok, broken, or absent if nothing is stored
	Name    string      `json:"name"`
	Bytes   int         `json:"bytes"`
	Lease   leaseReport `json:"lease"`
}

const (
	sealOK     = "ok"
	sealBroken = "broken"
	sealAbsent = "absent"
)

// The findings, in the order of their weight.
const (
	findingSeal        = "a seal does not hold: what is stored is damaged or forged, and nobody uses it"
	findingNothing     = "nothing is stored under this secret, namespace, issuer and JWKS URL"
	findingNoDocument  = "only decisions of operators are stored, no keys"
	findingUnconfirmed = "the keys were purged and the issuer has not confirmed them yet: nobody uses them"
	findingExpired     = "the keys are too old to be used"
	findingStale       = "the keys are old: the issuer has not been asked, or does not answer"
	findingSuspect     = "the issuer's last answer held no usable key; the former keys serve"
	findingNoKeys      = "no stored key can be used"
)

// reportOf judges what was found at a moment.
func (f *fleet) reportOf(all []sealed.Inspection, now time.Time) *report {
	r := &report{
		Issuer: f.id.Issuer, JWKSURL: f.id.JWKSURL, Namespace: f.namespace, Server: f.server,
		Findings: []string{}, Lease: leaseReport{State: "free"},
	}
	broken := false
	for _, in := range all {
		s := secretReport{
			ID: in.Secret, Primary: in.Primary, Seal: sealOK, Name: in.Name, Bytes: in.Bytes, Lease: leaseOf(in),
		}
		switch {
		case errors.Is(in.Err, keystore.ErrNotFound):
			s.Seal = sealAbsent
		case in.Err != nil:
			s.Seal, broken = sealBroken, true
		}
		if in.Leased {
			r.Lease = s.Lease
		}
		r.Secrets = append(r.Secrets, s)
	}
	if in := newest(all); in != nil {
		r.Record = recordOf(in, now)
	}
	if broken {
		r.Findings = append(r.Findings, findingSeal)
	}
	r.Findings = append(r.Findings, r.Record.findings(broken)...)
	return r
}

// newest returns the entry whose record counts, or nil.
func newest(all []sealed.Inspection) *sealed.Inspection {
	var best *sealed.Inspection
	for i := range all {
		a := all[i].Record
		if a == nil {
			continue
		}
		if best == nil || a.DocumentEpoch > best.Record.DocumentEpoch ||
			a.DocumentEpoch == best.Record.DocumentEpoch && a.FetchedAt.After(best.Record.FetchedAt) {
			best = &all[i]
		}
	}
	return best
}

func leaseOf(in sealed.Inspection) leaseReport {
	switch {
	case !in.Leased:
		return leaseReport{State: "free"}
	case in.Lease.Fetching:
		return leaseReport{State: "fetching", LeftSeconds: seconds(in.Lease.Left)}
	default:
		return leaseReport{State: "cooling", Outcome: in.Lease.Outcome.String(), LeftSeconds: seconds(in.Lease.Left)}
	}
}

func recordOf(in *sealed.Inspection, now time.Time) *recordReport {
	rec := in.Record
	r := &recordReport{
		FetchedAt: known(rec.FetchedAt), FetchedFrom: rec.ResolvedURL, DiscoveredAt: known(rec.DiscoveredAt),
		ETag: rec.ETag, LastModified: rec.LastModified, Epoch: rec.Epoch, Confirmed: len(rec.Document) > 0 && rec.DocumentEpoch >= rec.Epoch,
		Denied: append([]string{}, rec.Denied...), DocumentBytes: len(rec.Document), Keys: keysOf(rec),
		StoredBytes: in.Bytes, KeptSeconds: seconds(in.Left), rec: rec,
	}
	if !rec.FetchedAt.IsZero() {
		r.age = max(now.Sub(rec.FetchedAt), 0) // clocks differ
		r.AgeSeconds = seconds(r.age)
		r.FreshSeconds, r.UsableSeconds = seconds(rec.FreshFor-r.age), seconds(rec.UsableFor-r.age)
	}
	if !rec.SuspectSince.IsZero() {
		r.Suspect = &suspectReport{hex.EncodeToString(rec.Suspect[:]), rec.SuspectSince.UTC()}
	}
	return r
}

// findings says what is not as it should be. broken says that this is known already.
func (r *recordReport) findings(broken bool) []string {
	if r == nil {
		if broken {
			return nil
		}
		return []string{findingNothing}
	}
	if r.DocumentBytes == 0 {
		return []string{findingNoDocument}
	}
	found := []string{}
	note := func(is bool, finding string) {
		if is {
			found = append(found, finding)
		}
	}
	usable := false
	for _, k := range r.Keys {
		usable = usable || k.State == keyUsable
	}
	note(!r.Confirmed, findingUnconfirmed)
	expired := r.age > r.rec.UsableFor
	note(expired, findingExpired)
	note(!expired && r.age > 2*r.rec.FreshFor, findingStale)
	note(r.Suspect != nil, findingSuspect)
	note(!usable, findingNoKeys)
	return found
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// seconds is rounded to milliseconds.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }
