package main

import (
	"cmp"
	"context"
	"flag"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

// wordList is a flag that may be given several times, with several words each.
type wordList []string

func (l *wordList) String() string { return strings.Join(*l, " ") }

func (l *wordList) Set(s string) error {
	*l = append(*l, strings.Fields(s)...)
	return nil
}

// trustFlags say whose tokens are accepted.
type trustFlags struct {
	issuers, domains, audiences, clients, algorithms wordList

	jwks                            string
	leeway, timeout                 time.Duration
	rfc9068, anyAudience, allowHTTP bool
}

const trustEnvironment = `
Environment, where no flag says otherwise:
  KINDE_DOMAIN, KINDE_ISSUER_URL  the Kinde domain
  KINDE_EXTRA_DOMAINS             further ones
  KINDE_AUDIENCE                  the audience
  KINDE_CLIENT_ID                 the clients that may call
  KINDE_JWKS_URI                  the keys of KINDE_DOMAIN, if they are elsewhere
  HTTPS_PROXY, NO_PROXY           the way out to the network
  NO_COLOR                        any value: no colours`

// addIssuer adds what finds an issuer's keys.
func (f *trustFlags) addIssuer(flags *flag.FlagSet) {
	flags.Var(&f.issuers, "issuer", "`URL` of the issuer, exactly the iss of its tokens; repeat it for more")
	flags.Var(&f.domains, "domain", "Kinde `DOMAIN`, such as bookshop.kinde.com or a custom one; repeat it for more")
	flags.StringVar(&f.jwks, "jwks", "", "`URL` of the keys, or a FILE with a JWK Set for working offline; else discovery")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Second, "`LIMIT` of one attempt at the issuer, 100ms to 15s")
	flags.BoolVar(&f.allowHTTP, "allow-http-unsafe", false, "accept plain http beyond loopback, as Issuer.AllowHTTPUnsafe does")
}

// add adds the whole policy.
func (f *trustFlags) add(flags *flag.FlagSet) {
	f.addIssuer(flags)
	flags.Var(&f.audiences, "audience", "`AUDIENCE` of the API, as registered at the issuer; repeat it for more")
	flags.Var(&f.clients, "client", "client `ID` that may call (azp or client_id); default any")
	flags.Var(&f.algorithms, "alg", "accepted `ALGORITHM`; default every asymmetric one, for Kinde RS256")
	flags.DurationVar(&f.leeway, "leeway", 30*time.Second, "`LEEWAY` for clocks, 0s to 5m")
	flags.BoolVar(&f.rfc9068, "rfc9068", false, "demand what RFC 9068 does, typ at+jwt included")
	flags.BoolVar(&f.anyAudience, "any-audience-unsafe", false, "accept any audience; needs --client")
}

// fromEnv fills in what no flag says.
func (f *trustFlags) fromEnv(c *call) {
	if len(f.issuers) == 0 && len(f.domains) == 0 {
		if first := cmp.Or(c.env("KINDE_DOMAIN"), c.env("KINDE_ISSUER_URL")); first != "" {
			f.domains = append(strings.Fields(first), strings.Fields(c.env("KINDE_EXTRA_DOMAINS"))...)
			f.jwks = cmp.Or(f.jwks, c.env("KINDE_JWKS_URI"))
		}
	}
	if len(f.audiences) == 0 && !f.anyAudience {
		f.audiences = strings.Fields(c.env("KINDE_AUDIENCE"))
	}
	if len(f.clients) == 0 {
		f.clients = strings.Fields(c.env("KINDE_CLIENT_ID"))
	}
}

// isKinde tells whether the issuers are Kinde's, and have its preset.
func (f *trustFlags) isKinde() bool {
	return len(f.domains) > 0 || len(f.issuers) > 0 && !slices.ContainsFunc(f.issuers, func(iss string) bool {
		u, err := url.Parse(iss)
		return err != nil || !strings.HasSuffix(strings.ToLower(u.Hostname()), ".kinde.com")
	})
}

// issuerPolicy is a policy for looking at keys; no token ever meets it.
func (f *trustFlags) issuerPolicy(ctx context.Context, c *call) (verifier.Policy, error) {
	f.fromEnv(c)
	f.audiences, f.clients, f.anyAudience = nil, wordList{"nobody"}, true
	return f.build(ctx)
}

// policy is what the flags and the environment say.
func (f *trustFlags) policy(ctx context.Context, c *call) (verifier.Policy, error) {
	f.fromEnv(c)
	if len(f.audiences) == 0 && !f.anyAudience {
		return verifier.Policy{}, misuse("it is what the API is registered under at the issuer; or set KINDE_AUDIENCE", "--audience is missing")
	}
	return f.build(ctx)
}

func (f *trustFlags) build(ctx context.Context) (verifier.Policy, error) {
	var p verifier.Policy
	switch {
	case len(f.issuers) == 0 && len(f.domains) == 0:
		return p, misuse("for Kinde use --domain, as in --domain bookshop.kinde.com, or set KINDE_DOMAIN", "--issuer is missing")
	case len(f.issuers) > 0 && len(f.domains) > 0:
		return p, misuse("", "--issuer and --domain contradict each other")
	case f.timeout < 100*time.Millisecond || f.timeout > 15*time.Second:
		return p, misuse("", "--timeout is %v: between 100ms and 15s", f.timeout)
	}
	if f.isKinde() {
		all := append(slices.Clone(f.domains), f.issuers...)
		var err error
		p, err = kinde.Policy(kinde.Config{
			Domain: all[0], ExtraDomains: all[1:], Audiences: f.audiences, Clients: f.clients, AllowAnyAudienceUnsafe: f.anyAudience,
		})
		if err != nil {
			return p, misuse("", "%s", asFlags(err))
		}
	} else {
		for _, iss := range f.issuers {
			p.Issuers = append(p.Issuers, verifier.Issuer{URL: iss})
		}
		p.Audiences, p.AuthorizedParties, p.AllowAnyAudienceUnsafe = f.audiences, f.clients, f.anyAudience
	}
	if err := f.setKeys(ctx, &p); err != nil {
		return p, err
	}
	if len(f.algorithms) > 0 {
		p.Algorithms = nil
	}
	for _, alg := range f.algorithms {
		p.Algorithms = append(p.Algorithms, verifier.Algorithm(alg))
	}
	if f.rfc9068 {
		p.Profile = verifier.ProfileRFC9068
	}
	if p.Leeway = f.leeway; f.leeway == 0 {
		p.Leeway = -1
	}
	p.Keys.FetchTimeout = f.timeout
	p.Keys.ColdWait = f.timeout + 2*time.Second // for discovery and a retry: here waiting beats guessing
	p.Keys.UnknownKidWait = p.Keys.ColdWait
	return p, nil
}

// maxKeyFile is that of a key set.
const maxKeyFile = 512 << 10

// setKeys says where keys are: one address or file is for one issuer.
func (f *trustFlags) setKeys(ctx context.Context, p *verifier.Policy) error {
	for i := range p.Issuers {
		p.Issuers[i].AllowHTTPUnsafe = f.allowHTTP
	}
	switch {
	case f.jwks == "":
		return nil
	case len(p.Issuers) > 1:
		return misuse("ask about one issuer at a time", "--jwks is given for several issuers")
	case strings.Contains(f.jwks, "://"):
		p.Issuers[0].JWKSURL = f.jwks
		return nil
	}
	raw, err := readAll(ctx, maxKeyFile+1, func() (io.ReadCloser, error) { return os.Open(f.jwks) })
	switch {
	case ctx.Err() != nil:
		return misuse("", "interrupted")
	case err != nil:
		return misuse("a URL begins with https://", "the file of --jwks cannot be read: %s", reasonOf(err))
	case len(raw) > maxKeyFile:
		return misuse("", "the file of --jwks is longer than 512 KiB")
	}
	p.Issuers[0].JWKSURL, p.Issuers[0].StaticJWKS = "", raw
	return nil
}

// asFlags names flags where the packages name fields.
func asFlags(err error) string {
	return strings.NewReplacer("verifier: misconfigured: ", "", "kinde: ", "", "verifier: ", "",
		"Config.Domain", "--domain", "Config.ExtraDomains", "--domain", "Config.Clients", "--client", "Config.Audiences", "--audience",
		"Policy.Issuers[0]: StaticJWKS", "the file of --jwks", "Policy.Issuers[0].URL", "--issuer", "Policy.Issuers[0].JWKSURL", "--jwks", "Policy.Issuers[0].StaticJWKS", "--jwks",
		"Policy.AuthorizedParties", "--client", "Policy.Algorithms", "--alg", "Policy.Leeway", "--leeway", "Policy.Audiences", "--audience",
		"AllowAnyAudienceUnsafe", "--any-audience-unsafe", "AllowHTTPUnsafe", "--allow-http-unsafe", "\n", "; ",
	).Replace(err.Error())
}
