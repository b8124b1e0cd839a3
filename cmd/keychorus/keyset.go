package main

import (
	"context"
	"encoding/json"
	"flag"
	"slices"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/verifier"
)

func keysCommand() command {
	return command{
		name:    "keys",
		summary: "the keys that an issuer publishes, and what verifiers make of each",
		details: `
Fetches the key set of an issuer, or reads one from a file, and prints every entry: whether
verifiers use it, or why not, and its RFC 7638 thumbprint, by which a key can be denied for
good (Issuer.DeniedKeys). An entry that is not used gives exit code 1 only if no other is.

  keychorus keys --domain bookshop.kinde.com
  keychorus keys --issuer https://login.example.com --json
` + trustEnvironment,
		setup: func(flags *flag.FlagSet) action {
			var f keysFlags
			f.addIssuer(flags)
			flags.BoolVar(&f.json, "json", false, "print JSON for programs")
			return f.run
		},
	}
}

type keysFlags struct {
	trustFlags

	json bool
}

// keySet is the key set of an issuer. Names stay, and new ones may come.
type keySet struct {
	Issuer  string      `json:"issuer"`
	JWKSURL string      `json:"jwks_url,omitempty"`
	Keys    []keyReport `json:"keys"`
}

func (f *keysFlags) run(ctx context.Context, c *call, _ []string) error {
	p, err := f.issuerPolicy(ctx, c)
	if err != nil {
		return err
	}
	v, err := newVerifier(p) // which judges the settings
	if err != nil {
		return err
	}
	_ = v.Close()
	sets := []keySet{}
	for i := range p.Issuers {
		set, err := c.fetcher(f.timeout).keySet(ctx, &p.Issuers[i])
		if err != nil {
			return err
		}
		sets = append(sets, *set)
	}
	if f.json {
		for _, set := range sets {
			if err := c.printJSON(set); err != nil {
				return err
			}
		}
	} else {
		pr := c.printer()
		for i, set := range sets {
			if i > 0 {
				pr.printf("\n")
			}
			pr.printf("%s\n", pr.paint(bold, printable(set.Issuer)))
			if set.JWKSURL != "" {
				pr.fieldf("jwks url", "%s", printable(set.JWKSURL))
			}
			pr.printf("\n")
			pr.keys(set.Keys)
		}
		if pr.err != nil {
			return pr.err
		}
	}
	if slices.ContainsFunc(sets, func(s keySet) bool { return !s.usable() }) {
		return errFound
	}
	return nil
}

func (s *keySet) usable() bool {
	return slices.ContainsFunc(s.Keys, func(k keyReport) bool { return k.State == keyUsable })
}

// keySet fetches the keys of an issuer, if they are not at hand.
func (f *fetcher) keySet(ctx context.Context, iss *verifier.Issuer) (*keySet, error) {
	set := &keySet{Issuer: iss.URL, JWKSURL: iss.JWKSURL}
	document := iss.StaticJWKS
	if document == nil {
		if set.JWKSURL == "" {
			m, _, err := f.discover(ctx, iss.URL)
			if err != nil {
				return nil, unavailable("--jwks names the address of the keys, if the issuer has no metadata", "the metadata of %s cannot be had: %s", printable(iss.URL), printable(err.Error()))
			}
			set.JWKSURL = m.JWKSURI
		}
		got, err := f.published(ctx, iss, set.JWKSURL)
		if err != nil {
			return nil, unavailable("is the domain right?", "the keys of %s cannot be had: %s", printable(iss.URL), printable(err.Error()))
		}
		document = got.body
	}
	if !isKeySet(document) {
		return nil, unavailable("", "what %s publishes is no JWK Set", printable(iss.URL))
	}
	set.Keys = keysOf(&keystore.Record{Document: document})
	return set, nil
}

// maxEntries is what verifiers take in a key set.
const maxEntries = 256

func isKeySet(document []byte) bool {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	return json.Unmarshal(document, &set) == nil && set.Keys != nil && len(set.Keys) <= maxEntries
}

// newVerifier reports what is wrong with a policy as misuse.
func newVerifier(p verifier.Policy) (*verifier.Verifier, error) {
	v, err := verifier.New(p)
	if err != nil {
		return nil, misuse("", "%s", asFlags(err))
	}
	return v, nil
}
